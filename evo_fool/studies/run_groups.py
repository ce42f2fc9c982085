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
from evo_fool.studies.section import Row, share_text

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


def over_runs(
    made: Sequence[dict[str, Any]], effects: Sequence[dict[str, Any]], rate: str = "fooled"
) -> list[dict[str, Any]]:
    """The rates of the runs of each group on each network, from what a study measured.

    Args:
        made: what the runs made: entries of ``name``, ``setting`` and ``photographs``.
        effects: what it does: entries of ``name``, ``network`` and ``rate``, and ``share`` where there are several.
        rate: the key of the rate.

    Returns:
        Entries of ``setting``, ``photographs`` (that each was made on), ``network``, ``share``, ``rates`` by run, and
        their ``mean``, ``low`` and ``high``.
    """
    by_name = {one["name"]: one for one in made if one.get("setting")}
    rates = defaultdict(list)
    for entry in effects:
        if one := by_name.get(entry["name"]):
            rates[one["setting"], one["photographs"], entry["network"], entry.get("share")].append(entry[rate])
    keys = ("setting", "photographs", "network", "share")
    return [
        dict(zip(keys, key, strict=True))
        | {"rates": values, "mean": float(np.mean(values)), "low": min(values), "high": max(values)}
        for key, values in rates.items()
    ]


def compared(groups: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every two groups of at least three runs on one network, at one share, see :func:`.mann_whitney`.

    Returns:
        Entries of ``first`` and ``second`` (groups), ``p``, two-sided, and ``least``, the p of groups of these sizes
        that do not overlap.
    """
    found = []
    for first, second in combinations(groups, 2):
        n, m = len(first["rates"]), len(second["rates"])
        alike = all(first[key] == second[key] for key in ("network", "share"))
        if alike and min(n, m) >= _LEAST:
            p = mann_whitney(np.array(first["rates"]), np.array(second["rates"])).p
            least = mann_whitney(np.arange(n), np.arange(n, n + m)).p
            found.append({"first": first, "second": second, "p": p, "least": least})
    return found


def rows_over_runs(groups: list[dict[str, Any]]) -> list[Row]:
    """A row for each group of several runs on each network, and for each two groups that compare."""
    made_on = "made on {photographs} photographs"
    rows = [
        Row(
            f"{g['setting']}, {len(g['rates'])} runs, {_where(g)}",
            spread_text(g),
            note=f"mean and range over runs; {made_on.format(**g)}",
        )
        for g in groups
        if len(g["rates"]) > 1
    ]
    for pair in compared(groups):
        one, other = pair["first"], pair["second"]
        n, m = len(one["rates"]), len(other["rates"])
        rows.append(
            Row(
                f"{one['setting']} less {other['setting']}, {_where(one)}",
                f"{100 * (one['mean'] - other['mean']):+.1f} points",
                note=f"{made_on.format(**one)} and on {other['photographs']}; Mann–Whitney over {n} and {m} runs: "
                f"p = {pair['p']:.3g}, at least {pair['least']:.2g} with so few",
            )
        )
    return rows


def _where(group: dict[str, Any]) -> str:
    share = "" if group["share"] is None else f"at {100 * group['share']:g} % "
    return f"{share}on {group['network']}"


def spread_text(group: dict[str, Any]) -> str:
    """The mean over runs, and where there are several their range."""
    mean = share_text(group["mean"])
    several = len(group["rates"]) > 1
    return f"{mean} ({100 * group['low']:.1f} to {100 * group['high']:.1f})" if several else mean
