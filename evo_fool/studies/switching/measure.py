"""Goal switches: classes that an image took whose parent held only others (Nguyen, Yosinski & Clune, GECCO 2015)."""

from __future__ import annotations

from typing import Any

import numpy as np

from evo_fool.runs import Run
from evo_fool.runs.lineage import goal_switches, lineage
from evo_fool.sampling import evenly

_MANY = 100
"""Lines of as many elites are followed; of more, a sample spread over the classes."""


def switching(run: Run) -> dict[str, Any]:
    """Captures and lines of a run, JSON-able.

    Returns:
        ``captures``: classes taken by offspring, the initial images not counted. ``switches``: of these, taken by
        offspring of which no parent held the class at the time. ``steps[a][b]``: captures of class b by offspring of a
        holder of class a but not b, float ``(classes, classes)``; parents of several classes count for each in equal
        shares. ``elites``: elites whose line of first parents was followed. ``switched_elites``: of these, those of
        which no parent ever held their class. ``switched_lines``: those with a goal switch anywhere in their line.
        ``line`` and ``line_switches``: the median numbers of ancestors and of goal switches in a line.

    Raises:
        CorruptRunError: an entry of the run is not a number.
    """
    taken = run.captures
    known = run.store.rows("SELECT id, parent, second_parent FROM individuals WHERE parent IS NOT NULL")
    parents = {id: {first, first if second is None else second} for id, first, second in known}
    holder: dict[int, int] = {}
    holds: dict[int, set[int]] = {}
    captures = switches = 0
    steps = np.zeros((len(run.classes), len(run.classes)))
    for generation in np.split(taken, np.flatnonzero(np.diff(taken["generation"])) + 1):
        pairs = list(zip(generation["class"].tolist(), generation["id"].tolist(), strict=True))
        # A parent's classes are those that it held when its offspring were bred, before this generation's captures.
        for cls, id in pairs:
            if id not in parents:
                continue
            captures += 1
            before = set[int]().union(*(holds.get(parent, ()) for parent in parents[id]))
            if cls not in before:
                switches += 1
                steps[list(before), cls] += 1 / max(1, len(before))
        for cls, id in pairs:
            if cls in holder:
                holds[holder[cls]].discard(cls)
            holder[cls] = id
            holds.setdefault(id, set()).add(cls)
    lengths, counts, switched = [], [], 0
    for elite in (run.elites[i] for i in evenly(len(run.elites), _MANY)):
        line = lineage(run, elite.id)
        held = {cls for parent in line[-1].parents for cls in lineage(run, parent)[-1].holds}
        lengths.append(len(line) - 1)
        counts.append(len(goal_switches(line)))
        switched += bool(line[-1].parents) and elite.class_index not in held
    return {
        "captures": captures,
        "switches": switches,
        "elites": len(lengths),
        "switched_elites": switched,
        "switched_lines": int(np.count_nonzero(counts)),
        "line": float(np.median(lengths or [0])),
        "line_switches": float(np.median(counts or [0])),
        "steps": steps,
    }


def shares(found: dict[str, Any]) -> dict[str, float]:
    """Shares in [0, 1]: of captures that were goal switches, of elites of which no parent held their class, and of
    elites with a goal switch in their line; 0 where there are none.

    Args:
        found: what :func:`switching` returned.
    """
    elites = max(1, found["elites"])
    return {
        "share": found["switches"] / max(1, found["captures"]),
        "elite_share": found["switched_elites"] / elites,
        "line_share": found["switched_lines"] / elites,
    }
