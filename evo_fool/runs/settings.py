"""Settings of experiments side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evo_fool.experiment import Experiment


def flat(data: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested sections as one, with dotted keys.

    >>> flat({"batch": 50, "encoding": {"kind": "cppn"}})
    {'batch': 50, 'encoding.kind': 'cppn'}
    """
    result: dict[str, Any] = {}
    for key, value in data.items():
        result |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return result


def transposed(columns: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """One dictionary of lists for a list of dictionaries; None where one has no such key."""
    keys = dict.fromkeys(key for column in columns for key in column)
    return {key: [column.get(key) for column in columns] for key in keys}


def differing_settings(experiments: Sequence[Experiment]) -> dict[str, list[Any]]:
    """The settings, by dotted key, that are not the same in all of ``experiments``, with the value of each.

    >>> differing_settings([Experiment(seed=1), Experiment(seed=2)])
    {'seed': [1, 2]}
    """
    settings = [flat(experiment.model_dump(mode="json")) for experiment in experiments]
    return {key: values for key, values in transposed(settings).items() if len(set(map(repr, values))) > 1}
