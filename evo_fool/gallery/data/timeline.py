"""The archive of any generation, from the captures: what the generation scrubber shows.

A run's captures may be millions, and to know who held a class at generation g one may have to go back to the first. So
archives are noted now and then, and any generation is the note before it and the captures since. Captures never change
once they are committed, so a note is good for ever.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo_fool.errors import CorruptRunError
from evo_fool.runs.run import Run

EMPTY = -1
"""Stands for nobody, and for never."""

_SPACING = 30_000
"""Captures that are looked through in some ten milliseconds."""

_NOTES = 100

# SQLite takes the other columns from the row that has the maximum.
_CHANGES = (
    "SELECT max(generation), class, id, log_odds FROM captures WHERE generation > ? AND generation <= ? GROUP BY class"
)


@dataclass(frozen=True, slots=True)
class Archive:
    """Who holds each class at the end of one generation.

    Attributes:
        ids: int64 ``(classes,)``; :data:`EMPTY` for nobody.
        generations: int64 ``(classes,)``, when it was taken; :data:`EMPTY` for never.
        log_odds: float64 ``(classes,)``; minus infinity for nobody.
    """

    ids: np.ndarray
    generations: np.ndarray
    log_odds: np.ndarray

    @classmethod
    def empty(cls, classes: int) -> Archive:
        """Nobody holds anything."""
        return cls(
            np.full(classes, EMPTY, np.int64), np.full(classes, EMPTY, np.int64), np.full(classes, -np.inf, np.float64)
        )

    def after(self, run: Run, rows: list[tuple[Any, ...]]) -> Archive:
        """The archive after captures, at most one a class: generation, class, id and log-odds.

        Raises:
            CorruptRunError: an entry is not what it should be.
        """
        later = Archive(self.ids.copy(), self.generations.copy(), self.log_odds.copy())
        if rows:
            table = _checked(run, rows)
            cells = table[:, 1].astype(np.int64)
            later.generations[cells] = table[:, 0]
            later.ids[cells] = table[:, 2]
            later.log_odds[cells] = table[:, 3]
        return later


class Timeline:
    """The archives of one run at all generations. Safe to be used by several threads.

    Args:
        classes: number of classes of the run.
        spacing: captures between two notes.
    """

    def __init__(self, classes: int, spacing: int = _SPACING) -> None:
        self._spacing = spacing
        self._noted: list[int] = [EMPTY]
        self._notes: list[Archive] = [Archive.empty(classes)]
        self._lock = threading.Lock()

    def at(self, run: Run, generation: int) -> Archive:
        """The archive at the end of a generation that the run has committed; -1 is before the first.

        Raises:
            CorruptRunError: an entry is not what it should be.
        """
        with self._lock:
            place = bisect_right(self._noted, generation) - 1
            noted, note = self._noted[place], self._notes[place]
        archive = note.after(run, run.store.rows(_CHANGES, (noted, generation)))
        if _captures(run, noted, generation) >= self._spacing:
            self._note(generation, archive)
        return archive

    def read(self, run: Run) -> None:
        """Take the notes that make every generation quick to find.

        Raises:
            CorruptRunError: an entry is not what it should be.
        """
        rows = run.store.rows("SELECT captures FROM metrics ORDER BY generation")
        counted = np.cumsum([_count(run, captures) for (captures,) in rows])
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


def standing(run: Run) -> Archive:
    """The archive at the last generation, which the run keeps itself.

    Raises:
        CorruptRunError: an entry is not what it should be.
    """
    rows = run.store.rows("SELECT generation, class, id, log_odds FROM cells")
    return Archive.empty(len(run.classes)).after(run, rows)


def _captures(run: Run, after: int, to: int) -> int:
    """How many captures there were after one generation and to another, by the run's own count."""
    query = "SELECT sum(captures) FROM metrics WHERE generation > ? AND generation <= ?"
    return _count(run, run.store.rows(query, (after, to))[0][0] or 0)


def _count(run: Run, value: object) -> int:
    if not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise CorruptRunError(f"{run.path}: the metrics have entries under 'captures' that are no counts")
    return int(value)


def _checked(run: Run, rows: list[tuple[Any, ...]]) -> np.ndarray:
    """float64 ``(n, 4)``."""
    try:
        table = np.array(rows, np.float64)
    except (TypeError, ValueError):
        table = np.full((1, 4), np.nan)
    whole = table[:, :3]
    # Whole numbers beyond 2**53 would not survive as float64.
    if np.isnan(table).any() or (whole < 0).any() or (whole >= 2**53).any() or (whole % 1).any():
        raise CorruptRunError(f"{run.path}: the captures have entries that are not numbers")
    if (table[:, 1] >= len(run.classes)).any():
        raise CorruptRunError(f"{run.path}: a capture is of none of the {len(run.classes)} classes")
    return table
