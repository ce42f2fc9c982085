"""The archive of MAP-Elites with one cell per class: a struct of arrays over classes (paper, section 2.1).

:meth:`ClassArchive.add` inserts a batch in one pass; :meth:`ClassArchive.add_one` inserts a single image and is
the readable specification that the batch path is tested against.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evo_fool.best_rows import best_rows

EMPTY = -1
"""The id in an empty cell."""


@dataclass(frozen=True, slots=True)
class Insertions:
    """The cells that a batch changed, one row per cell, in ascending order.

    Attributes:
        cells: class indices, int64 ``(k,)``.
        rows: the batch row that took each cell, int64 ``(k,)``.
        ids: the id of the image that took it, int64 ``(k,)``.
        previous: the id that held it before, or ``EMPTY``, int64 ``(k,)``.
        log_odds: the score it was taken with, float64 ``(k,)``.
    """

    cells: np.ndarray
    rows: np.ndarray
    ids: np.ndarray
    previous: np.ndarray
    log_odds: np.ndarray

    def __len__(self) -> int:
        return len(self.cells)


class ClassArchive:
    """The best image for every class, strictly better on log-odds.

    Genomes of distinct elites lie once each in a table of slots, however many cells an elite holds.

    Args:
        classes: number of cells.

    Attributes:
        log_odds: score of each occupant, float64 ``(classes,)``; ``-inf`` where empty.
        ids: id of each occupant, int64 ``(classes,)``; ``EMPTY`` where empty.
        generations: generation of each cell's last capture, int64 ``(classes,)``; -1 where empty.
    """

    def __init__(self, classes: int) -> None:
        self.log_odds = np.full(classes, -np.inf)
        self.ids = np.full(classes, EMPTY, dtype=np.int64)
        self.generations = np.full(classes, -1, dtype=np.int64)
        self._slots = np.full(classes, -1, dtype=np.int64)
        self._cells_held = np.zeros(classes, dtype=np.int64)
        self._genomes: np.ndarray | None = None

    def __len__(self) -> int:
        """Number of cells, occupied or not."""
        return len(self.ids)

    @property
    def occupied(self) -> np.ndarray:
        """Indices of the occupied cells, int64, ascending."""
        return np.flatnonzero(self.ids != EMPTY)

    def genomes_of(self, cells: np.ndarray) -> np.ndarray:
        """Copies of the genomes in the given occupied cells, one row a cell."""
        if self._genomes is None:
            raise LookupError("the archive is empty")
        return self._genomes[self._slots[cells]]

    def add(
        self,
        ids: np.ndarray,
        log_odds: np.ndarray,
        genomes: np.ndarray,
        generation: int,
        eligible: np.ndarray | None = None,
    ) -> Insertions:
        """Let every image of a batch compete for every cell; the first of equals wins.

        A batch changes a cell at most once, to the row with the highest score: as if the rows had been added one by one
        and only the final occupants were counted.

        Args:
            ids: int64 ``(n,)``.
            log_odds: float64 ``(n, classes)``.
            genomes: first axis ``n``.
            generation: recorded with each capture.
            eligible: bool ``(n, classes)``; false where a row may not compete. None: every row for every cell.
        """
        if not len(ids):
            none = np.empty(0, dtype=np.int64)
            return Insertions(none, none, none, none, np.empty(0))
        scores = log_odds if eligible is None else np.where(eligible, log_odds, -np.inf)
        best = scores.max(axis=0)  # row after row, as they lie in memory; argmax of columns would jump through it
        wins = best > self.log_odds
        if eligible is None:
            wins |= self.ids == EMPTY
        cells = np.flatnonzero(wins)
        rows = best_rows(scores, cells)
        return self._settle(cells, rows, ids, scores[rows, cells], genomes, generation)

    def add_one(self, id: int, log_odds: np.ndarray, genome: np.ndarray, generation: int) -> list[int]:
        """Add a single image: the specification of :meth:`add`. Returns the cells it took.

        Args:
            id: its id.
            log_odds: float64 ``(classes,)``.
            genome: a batch of one.
            generation: recorded with each capture.
        """
        taken = []
        for cell in range(len(self)):
            if self.ids[cell] == EMPTY or log_odds[cell] > self.log_odds[cell]:
                taken.append(cell)
        cells = np.array(taken, dtype=np.int64)
        self._settle(cells, np.zeros_like(cells), np.array([id]), log_odds[cells], genome, generation)
        return taken

    def restore(
        self, cells: np.ndarray, ids: np.ndarray, log_odds: np.ndarray, generations: np.ndarray, genomes: np.ndarray
    ) -> None:
        """Fill an empty archive from a checkpoint: one row a cell: equal ids have equal genomes."""
        distinct, first = np.unique(ids, return_index=True)
        rows = first[np.searchsorted(distinct, ids)]
        self._settle(cells, rows, ids, log_odds, genomes, 0)
        self.generations[cells] = generations

    def _settle(
        self,
        cells: np.ndarray,
        rows: np.ndarray,
        ids: np.ndarray,
        log_odds: np.ndarray,
        genomes: np.ndarray,
        generation: int,
    ) -> Insertions:
        previous = self.ids[cells]
        if len(cells):
            self._cells_held -= np.bincount(self._slots[cells][previous != EMPTY], minlength=len(self))
            distinct, inverse, held = np.unique(rows, return_inverse=True, return_counts=True)
            # There is always room: at most one elite a cell, and the cells being taken have just been vacated.
            slots = np.flatnonzero(self._cells_held == 0)[: len(distinct)]
            self._cells_held[slots] = held
            if self._genomes is None:
                self._genomes = np.empty((len(self), *genomes.shape[1:]), dtype=genomes.dtype)
            self._genomes[slots] = genomes[distinct]
            self._slots[cells] = slots[inverse]
            self.ids[cells] = ids[rows]
            self.log_odds[cells] = log_odds
            self.generations[cells] = generation
        return Insertions(cells, rows, ids[rows], previous, log_odds)


def argmax_only(log_odds: np.ndarray) -> np.ndarray:
    """Eligibility, bool ``(n, classes)``, of the rule that an image competes for its top class only."""
    eligible = np.zeros(log_odds.shape, dtype=bool)
    eligible[np.arange(len(log_odds)), log_odds.argmax(axis=1)] = True
    return eligible


def one_class(log_odds: np.ndarray, cell: int) -> np.ndarray:
    """Eligibility, bool ``(n, classes)``, for one class alone."""
    eligible = np.zeros(log_odds.shape, dtype=bool)
    eligible[:, cell] = True
    return eligible
