"""Comparing experiments: the settings in which they differ, and one digest of what an experiment computes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from evo_fool.encodings import build_encoding
from evo_fool.experiment import Experiment
from evo_fool.presets import NEUTRAL
from evo_fool.shape import Size

_EXCLUDED: dict[str, Any] = dict.fromkeys(NEUTRAL, True) | {
    "scoring": {"precision", "batch"},  # precision only chooses the candidates, which are then scored in float32
    "classifier": True,  # the fingerprint identifies it, wherever its weights lie
}


def configuration_digest(experiment: Experiment, fingerprint: str, *, size: Size, channels: int) -> str:
    """SHA-256 (hex) of what a run computes, whatever it is called and wherever it runs.

    Args:
        experiment: as given or as recorded; a setting that is left to a rule counts as what the rule gives.
        fingerprint: of its classifier, see :meth:`.Classifier.fingerprint`.
        size: of the classifier's input, or of the run's images where the experiment leaves the size open, in pixels.
        channels: of the classifier's input.

    >>> one, other = Experiment(name="a"), Experiment(name="b").replace(**{"encoding.size": 28})
    >>> configuration_digest(one, "f", size=28, channels=1) == configuration_digest(other, "f", size=28, channels=1)
    True
    """
    asked = experiment.model_dump(mode="json", exclude=_EXCLUDED)
    asked["initial"] = experiment.initial_batch
    asked["encoding"] = build_encoding(experiment.encoding, size=size, channels=channels).asked(experiment.generations)
    return hashlib.sha256(json.dumps([asked, fingerprint], sort_keys=True).encode()).hexdigest()


def differing_settings(experiments: Sequence[Experiment]) -> dict[str, list[Any]]:
    """The settings, by dotted key, that are not the same in all of ``experiments``, with the value of each.

    >>> differing_settings([Experiment(seed=1), Experiment(seed=2)])
    {'seed': [1, 2]}
    """
    settings = [flat(experiment.model_dump(mode="json")) for experiment in experiments]
    return {key: values for key, values in transposed(settings).items() if len(set(map(repr, values))) > 1}


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
    """A list of dictionaries as one dictionary of lists; None where one lacks the key."""
    keys = dict.fromkeys(key for column in columns for key in column)
    return {key: [column.get(key) for column in columns] for key in keys}
