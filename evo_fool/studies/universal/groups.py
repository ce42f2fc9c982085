"""Runs that differ in their seed alone, and what they come to together: the run is the unit of replication."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from evo_fool.presets import NEUTRAL
from evo_fool.runs import Run
from evo_fool.runs.experiment_diff import flat
from evo_fool.studies.mann_whitney import mann_whitney

_APART: dict[str, Any] = dict.fromkeys((*NEUTRAL, "seed", "classifier"), True) | {
    "scoring": {"precision", "batch"},
    "scene": {"photos", "count"},
}
"""Settings in which the runs of a group may differ: the number of photographs is a group's own."""

_LEAST = 3
"""Runs of a group that is compared with another."""


def group_labels(runs: Sequence[Run]) -> list[str]:
    """What to call the settings of each run but for its seed and its photographs: equal ones alike, others apart.

    It is the name of the first run of its settings, with the settings that tell it from others of that name.
    """
    settings = []
    for run in runs:
        classifier = {"classifier": run.experiment.classifier.spec, "network": run.classifier_fingerprint[:8]}
        settings.append(classifier | flat(run.experiment.model_dump(mode="json", exclude=_APART)))
    keys = [json.dumps(each, sort_keys=True) for each in settings]
    first = {key: i for i, key in reversed(list(enumerate(keys)))}
    names = {key: runs[i].experiment.name for key, i in first.items()}
    labels = {}
    for key, name in names.items():
        alike = [settings[first[other]] for other in names if names[other] == name]
        labels[key] = ", ".join([name, *_telling(settings[first[key]], alike)])
    return [labels[key] for key in keys]


def _telling(own: dict[str, Any], alike: Sequence[dict[str, Any]]) -> list[str]:
    """The settings of ``own`` in which others differ; within a section of another kind, the kind alone."""
    found = []
    for key, value in own.items():
        kind = f"{key.rpartition('.')[0]}.kind"
        rivals = [other for other in alike if key == kind or other.get(kind) == own.get(kind)]
        if any(other.get(key) != value for other in rivals):
            found.append(f"{key} {value}")
    return found


def over_runs(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The fooling rates of the runs of each group on each network, from what the study measured.

    Returns:
        Entries of ``setting``, ``photographs`` (that each was made on), ``network``, ``own`` (whether it is that
        network), ``rates`` by run, and their ``mean``, ``low`` and ``high``.
    """
    made = {one["name"]: one for one in data["perturbations"] if one.get("setting")}
    rates = defaultdict(list)
    for entry in data["effects"]:
        if one := made.get(entry["perturbation"]):
            rates[one["setting"], one["photographs"], entry["network"], entry["own"]].append(entry["fooled"])
    keys = ("setting", "photographs", "network", "own")
    return [
        dict(zip(keys, key, strict=True))
        | {"rates": values, "mean": float(np.mean(values)), "low": min(values), "high": max(values)}
        for key, values in rates.items()
    ]


def compared(groups: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every two groups of at least three runs on one network, see :func:`.mann_whitney`.

    Returns:
        Entries of ``first`` and ``second`` (groups), ``p``, two-sided, and ``least``, the p of groups of these sizes
        that do not overlap.
    """
    found = []
    for first, second in combinations(groups, 2):
        if first["network"] == second["network"] and min(len(first["rates"]), len(second["rates"])) >= _LEAST:
            n, m = len(first["rates"]), len(second["rates"])
            p = mann_whitney(np.array(first["rates"]), np.array(second["rates"])).p
            least = mann_whitney(np.arange(n), np.arange(n, n + m)).p
            found.append({"first": first, "second": second, "p": p, "least": least})
    return found
