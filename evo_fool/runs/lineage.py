"""Lineage: the ancestors of an individual, the classes that each of them held, and the history of a class.

A child that takes a class its parent never held is a "goal switch" (Nguyen, Yosinski & Clune, GECCO 2015): evolution
reached the class by way of another. Parents have smaller ids than their children and take cells in the generation they
are born in; so a line of thousands is read along primary keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from evo_fool.probability import probability
from evo_fool.runs.run import Run
from evo_fool.runs.store_reader import MAX_ID

MAX_FAMILY = 2000
"""The default limit of :func:`family`."""


@dataclass(frozen=True, slots=True)
class Ancestor:
    """One individual of a line.

    Attributes:
        id: the individual.
        generation: when it was born.
        parents: the ids of none, one or two parents; the first is the one that the line follows.
        operator: what made it, such as ``random`` or ``mutation``.
        holds: every class it ever held, ascending; empty for one that was only a member of a population.
        kept: whether its genome and image are still stored.
    """

    id: int
    generation: int
    parents: tuple[int, ...]
    operator: str
    holds: tuple[int, ...]
    kept: bool


@dataclass(frozen=True, slots=True)
class CaptureRow:
    """One capture: an individual takes a class.

    Attributes:
        generation: when.
        id: the individual that took the class.
        log_odds: its log p/(1-p) of the class.
        probability: its softmax probability p of the class, in [0, 1].
        previous: the individual that held it before; None if the cell was empty.
        kept: whether the genome and image of ``id`` are still stored.
    """

    generation: int
    id: int
    log_odds: float
    probability: float
    previous: int | None
    kept: bool


_LINE = """
WITH RECURSIVE line(id) AS (
    VALUES (?)
    UNION ALL
    SELECT p.id FROM line JOIN individuals i ON i.id = line.id JOIN individuals p ON p.id = i.parent
    WHERE p.id < i.id -- a damaged file may hold a circle
)
"""

_FAMILY = """
WITH RECURSIVE line(id) AS (
    SELECT value FROM json_each(?)
    UNION
    SELECT p.id FROM line JOIN individuals i ON i.id = line.id JOIN individuals p ON p.id IN (i.parent, i.second_parent)
    WHERE p.id < i.id
    ORDER BY 1 DESC LIMIT ?
)
"""

_MEMBERS = """
SELECT i.id, i.generation, i.parent, i.second_parent, i.operator, EXISTS (SELECT 1 FROM blobs b WHERE b.id = i.id)
FROM line JOIN individuals i ON i.id = line.id ORDER BY i.id
"""

# CROSS JOIN keeps SQLite from reversing the order: captures have no index by id.
_HOLDS = """
SELECT c.id, c.class FROM line JOIN individuals i ON i.id = line.id
CROSS JOIN captures c ON c.generation = i.generation AND c.id = i.id ORDER BY c.id, c.class
"""

# One look-up a generation instead of a pass over every class's captures.
_HISTORY = """
SELECT c.generation, c.id, c.log_odds, c.previous, EXISTS (SELECT 1 FROM blobs b WHERE b.id = c.id)
FROM metrics m CROSS JOIN captures c ON c.generation = m.generation AND c.class = ? ORDER BY m.generation
"""


def lineage(run: Run, individual: int) -> list[Ancestor]:
    """The line of first parents that ends in ``individual``, oldest first.

    It goes back to an individual without parents. Where retention has discarded a member of a genetic algorithm's
    population, it begins after the gap, with an ancestor whose ``parents`` are not in the list.

    Raises:
        KeyError: the run has no record of this individual.
        CorruptRunError: a value is of the wrong type or out of range.
    """
    return _members(run, _LINE, (individual,), [individual])


def family(run: Run, individuals: Iterable[int], limit: int = MAX_FAMILY) -> list[Ancestor]:
    """The given individuals and all their ancestors by either parent, oldest first.

    Args:
        run: the run.
        individuals: ids, such as those of all elites.
        limit: at most this many, the youngest, are returned.

    Raises:
        KeyError: the run has no record of one of them.
        CorruptRunError: a value is of the wrong type or out of range.
    """
    ids = sorted(set(individuals))
    return _members(run, _FAMILY, (str(ids), max(limit, len(ids))), ids)


def goal_switches(line: Sequence[Ancestor]) -> list[tuple[Ancestor, Ancestor]]:
    """The steps of a line that changed class: each ancestor that held classes and the next, where they share none.

    Args:
        line: as :func:`lineage` returns it.

    >>> def ancestor(id: int, *holds: int) -> Ancestor:
    ...     return Ancestor(id, 0, (), "mutation", holds, True)
    >>> line = [ancestor(0, 3, 5), ancestor(1, 5), ancestor(2), ancestor(3, 7)]
    >>> [(before.id, after.id) for before, after in goal_switches(line)]
    [(1, 3)]
    """
    holders = [ancestor for ancestor in line if ancestor.holds]
    return [(before, after) for before, after in pairwise(holders) if not set(before.holds) & set(after.holds)]


def history(run: Run, cls: int | str) -> list[CaptureRow]:
    """All captures of a class, in order.

    Raises:
        UnknownClassError: there is no such class, or several have this name.
        CorruptRunError: a value is not a number.
    """
    rows = run.store.typed(_HISTORY, (int, int, float, int | None, int), (run.class_index(cls),))
    p = probability(np.array([row[2] for row in rows], dtype=np.float64)).tolist()
    return [
        CaptureRow(generation, id, log_odds, chance, previous, bool(kept))
        for (generation, id, log_odds, previous, kept), chance in zip(rows, p, strict=True)
    ]


def _members(run: Run, line: str, parameters: tuple[int | str, ...], asked: list[int]) -> list[Ancestor]:
    rows, held = [], []
    if all(0 <= id <= MAX_ID for id in asked):
        with run.store.snapshot():
            rows = run.store.typed(line + _MEMBERS, (int, int, int | None, int | None, str, int), parameters)
            held = run.store.typed(line + _HOLDS, (int, int), parameters)
    if unknown := set(asked) - {row[0] for row in rows}:
        raise KeyError(f"{min(unknown)}: {run.path.name} has no record of such an individual")
    holds: dict[int, list[int]] = {}
    run.check_classes(cls for _, cls in held)
    for id, cls in held:
        holds.setdefault(id, []).append(cls)
    members = []
    for id, generation, first, second, operator, kept in rows:
        parents = tuple(parent for parent in (first, second) if parent is not None)
        members.append(Ancestor(id, generation, parents, operator, tuple(holds.get(id, ())), bool(kept)))
    return members
