"""The archive of any generation, from the captures: what the generation scrubber shows.

A run's captures may be millions, and to know who held a class at generation g one may have to go back to the first. So
they are read once and the archive is noted every so many of them; any generation is then the note before it and the few
captures since. Captures never change once they are committed, so a run that goes on is only read further.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np

from evo_fool.errors import CorruptRunError
from evo_fool.runs.run import Run

EMPTY = -1
"""Stands for nobody, and for never."""

_SPACING = 10_000
_NOTES = 200

_CHUNK = 5_000
"""Rows in a read. Other requests have their turn in between."""

_SINCE = (
    "SELECT generation, class, id, log_odds FROM captures WHERE generation > ? AND generation <= ? ORDER BY generation"
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

    def copy(self) -> Archive:
        """One that can be changed without changing this one."""
        return Archive(self.ids.copy(), self.generations.copy(), self.log_odds.copy())

    def apply(self, rows: np.ndarray) -> None:
        """Let captures happen: float64 ``(n, 4)`` of generation, class, id and log-odds, in order."""
        cells = rows[:, 1].astype(np.int64)
        # Where a class occurs twice, the later one stands: numpy assigns in order.
        self.generations[cells] = rows[:, 0]
        self.ids[cells] = rows[:, 2]
        self.log_odds[cells] = rows[:, 3]


class Timeline:
    """The archives of one run at all generations. Safe to be used by several threads.

    Args:
        classes: number of classes of the run.
        spacing: captures between two notes, at first.
    """

    def __init__(self, classes: int, spacing: int = _SPACING) -> None:
        self._spacing = spacing
        self._since_note = 0
        self._current = Archive.empty(classes)
        self._read_to = EMPTY
        self._notes: list[Archive] = [self._current.copy()]
        self._noted: list[int] = [EMPTY]
        self._lock = threading.Lock()

    def at(self, run: Run, generation: int) -> Archive:
        """The archive at the end of a generation that the run has committed.

        Args:
            run: the run, which may have gone on since.
            generation: -1 for before the first.

        Raises:
            CorruptRunError: an entry is not what it should be.
        """
        with self._lock:
            self._read(run, generation)
            place = bisect_right(self._noted, generation) - 1
            archive, noted = self._notes[place].copy(), self._noted[place]
        for rows in _captures(run, noted, generation):
            archive.apply(rows)
        return archive

    def read(self, run: Run) -> None:
        """Get ready for any generation that the run has committed."""
        with self._lock:
            self._read(run, run.generation)

    def _read(self, run: Run, generation: int) -> None:
        for rows in _captures(run, self._read_to, generation):
            self._current.apply(rows)
            self._read_to = int(rows[-1, 0])
            self._since_note += len(rows)
            if self._since_note >= self._spacing:
                self._note()
        self._read_to = max(self._read_to, generation)

    def _note(self) -> None:
        self._notes.append(self._current.copy())
        self._noted.append(self._read_to)
        self._since_note = 0
        if len(self._notes) > _NOTES:  # half as many, twice as far apart
            self._notes, self._noted = self._notes[::2], self._noted[::2]
            self._spacing *= 2


def standing(run: Run) -> Archive:
    """The archive at the last generation, which the run keeps itself.

    Raises:
        CorruptRunError: an entry is not what it should be.
    """
    archive = Archive.empty(len(run.classes))
    rows = run.store.rows("SELECT generation, class, id, log_odds FROM cells")
    if rows:
        archive.apply(_checked(rows, run))
    return archive


def _captures(run: Run, after: int, to: int) -> Iterator[np.ndarray]:
    """The captures of the generations after one and to another, in blocks of whole generations, as float64 (n, 4)."""
    with run.store.guarded():
        cursor = run.store.connection.execute(_SINCE, (after, to))
    rest: list[tuple[Any, ...]] = []
    while True:
        with run.store.guarded():
            rows = rest + cursor.fetchmany(_CHUNK)
        if len(rows) == len(rest):
            break
        whole = bisect_left(rows, rows[-1][0], key=itemgetter(0))
        rest = rows[whole:]
        if whole:
            yield _checked(rows[:whole], run)
    if rest:
        yield _checked(rest, run)


def _checked(rows: list[tuple[Any, ...]], run: Run) -> np.ndarray:
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
