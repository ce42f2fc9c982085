"""The archive at the end of any generation, from the captures: as elites, as arrays, and quickly for long runs; and
how often each operator was chosen.

All of it raises :class:`.CorruptRunError` where a stored value is of the wrong type or out of range.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from evo_fool.errors import ConfigError, CorruptRunError
from evo_fool.evolution.archive import EMPTY
from evo_fool.runs import schema
from evo_fool.runs.run import Elite, Run

_SPACING = 30_000
"""Captures that are read in some ten milliseconds."""

_NOTES = 100

_OPERATORS = 100

# SQLite takes the other columns from the row that has the maximum.
_CHANGES = (
    "SELECT class, id, log_odds, max(generation) FROM captures WHERE generation > ? AND generation <= ? "
    "GROUP BY class ORDER BY class"
)


def archive_at(run: Run, generation: int) -> list[Elite]:
    """The elites at the end of a generation, by class index.

    Raises:
        ConfigError: a generation that the run has not reached.
    """
    last = run.generation
    if not 0 <= generation <= last:
        there = f"there are generations 0 to {last}" if last >= 0 else "the run has not committed one yet"
        raise ConfigError(f"--generation {generation}: {there}")
    return next(changes(run, [generation]))


def changes(run: Run, generations: Iterable[int]) -> Iterator[list[Elite]]:
    """For each of ascending generations, the elites that took a class since the one before and hold it now.

    The first list is the whole archive of the first generation; each later one updates it.
    """
    for between in pairwise([-1, *generations]):
        yield run.read_elites(_CHANGES, between)


def operator_choices(run: Run) -> dict[str, np.ndarray]:
    """How many children each operator made, by name: int64, one entry a generation; empty where operators are fixed."""
    if "choices" not in schema.sealed(run.store.connection):
        return {}
    rows = run.store.typed("SELECT generation, operator, children FROM choices ORDER BY generation", (int, str, int))
    generations = run.generation + 1
    if rows and rows[-1][0] >= generations:
        raise CorruptRunError(f"{run.path}: operators are chosen in generation {rows[-1][0]}, which has not been")
    names = sorted({name for _, name, _ in rows})
    if len(names) > _OPERATORS:
        raise CorruptRunError(f"{run.path}: the choices name {len(names)} operators, more than any encoding has")
    made = {name: np.zeros(generations, np.int64) for name in names}
    for generation, name, children in rows:
        made[name][generation] = children
    return made


@dataclass(frozen=True, slots=True)
class Archive:
    """The occupant of each cell at the end of one generation.

    Attributes:
        ids: int64 ``(classes,)``; :data:`EMPTY` where empty.
        generations: int64 ``(classes,)``, when the cell was captured; :data:`EMPTY` where empty.
        log_odds: float64 ``(classes,)``; minus infinity where empty.
    """

    ids: np.ndarray
    generations: np.ndarray
    log_odds: np.ndarray

    @classmethod
    def empty(cls, classes: int) -> Archive:
        """All cells empty."""
        return cls(np.full(classes, EMPTY), np.full(classes, EMPTY), np.full(classes, -np.inf))

    @classmethod
    def current(cls, run: Run) -> Archive:
        """The archive at the last generation, which the run stores."""
        return cls.empty(len(run.classes)).after(run, "SELECT class, id, log_odds, generation FROM cells")

    def after(self, run: Run, sql: str, parameters: Sequence[Any] = ()) -> Archive:
        """The archive after the captures of a query for class, id, log-odds and generation, at most one a class."""
        rows = run.store.typed(sql, (int, int, float, int), tuple(parameters))
        run.check_classes(row[0] for row in rows)
        later = Archive(self.ids.copy(), self.generations.copy(), self.log_odds.copy())
        for cell, id, log_odds, generation in rows:
            later.ids[cell], later.log_odds[cell], later.generations[cell] = id, log_odds, generation
        return later


class Timeline:
    """The archives of one run at all generations. Safe to be used by several threads.

    A run can have millions of captures, and the holder of a class may have taken it in the first generation. So some
    archives are kept, and any other is computed from the one before it and the captures since. Committed captures
    never change, so a kept archive stays valid.

    Args:
        classes: number of classes of the run.
        spacing: captures between two archives that are kept.
    """

    def __init__(self, classes: int, spacing: int = _SPACING) -> None:
        self._spacing = spacing
        self._noted: list[int] = [-1]
        self._notes: list[Archive] = [Archive.empty(classes)]
        self._lock = threading.Lock()

    def at(self, run: Run, generation: int) -> Archive:
        """The archive at the end of a committed generation; -1 is before the first."""
        with self._lock:
            place = bisect_right(self._noted, generation) - 1
            noted, note = self._noted[place], self._notes[place]
        archive = note.after(run, _CHANGES, (noted, generation))
        count = "SELECT coalesce(sum(captures), 0) FROM metrics WHERE generation > ? AND generation <= ?"
        if run.store.typed(count, (int,), (noted, generation))[0][0] >= self._spacing:
            self._note(generation, archive)
        return archive

    def read(self, run: Run) -> None:
        """Keep the archives that make every generation quick to find."""
        rows = run.store.typed("SELECT captures FROM metrics ORDER BY generation", (int,))
        counted = np.cumsum(rows)
        apart = max(self._spacing, counted[-1] // _NOTES) if rows else self._spacing
        # Where the count of captures passes a multiple of that distance.
        for generation in np.flatnonzero(np.diff(counted // apart)).tolist():
            self.at(run, generation)

    def _note(self, generation: int, archive: Archive) -> None:
        with self._lock:
            place = bisect_left(self._noted, generation)
            if place < len(self._noted) and self._noted[place] == generation:
                return
            self._noted.insert(place, generation)
            self._notes.insert(place, archive)
            if len(self._notes) > 2 * _NOTES:  # half as many, twice as far apart; the first is before everything
                self._noted, self._notes = self._noted[::2], self._notes[::2]
