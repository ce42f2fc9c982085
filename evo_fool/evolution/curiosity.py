"""Curiosity: draw parents from the cells whose children have lately been worth their forward passes.

Every cell has a score. A child that takes any cell adds to the score of the cell its first parent was drawn from, a
child that takes none subtracts from it (Cully & Demiris, "Quality and Diversity Optimization: A Unifying Modular
Framework", 2018, section IV-B, where the score belongs to the individual; here it stays with the cell). Parents are
drawn in proportion to the scores.
"""

from __future__ import annotations

import numpy as np

from evo_fool.randomness import Stream

REWARD, PENALTY, FLOOR = 1.0, 0.5, 0.1


class Curiosity:
    """The scores of all cells.

    Args:
        cells: number of cells.

    Attributes:
        scores: float64 ``(cells,)``, at least :data:`FLOOR`; 1 before anything is known.
    """

    def __init__(self, cells: int) -> None:
        self.scores = np.ones(cells)

    def draw(self, occupied: np.ndarray, n: int, rng: Stream) -> np.ndarray:
        """``n`` cells of ``occupied``, int64, with replacement, each in proportion to its score."""
        total = np.cumsum(self.scores[occupied])
        return occupied[np.searchsorted(total, rng.random(n) * total[-1], side="right").clip(max=len(total) - 1)]

    def learn(self, cells: np.ndarray, won: np.ndarray) -> None:
        """Account for a batch.

        Args:
            cells: the cell each child's first parent was drawn from, int64 ``(n,)``.
            won: whether the child took any cell, bool ``(n,)``.
        """
        np.add.at(self.scores, cells, np.where(won, REWARD, -PENALTY))
        np.maximum(self.scores, FLOOR, out=self.scores)
