"""Which operator makes a child: a bandit that prefers those whose children have lately gained most.

What helps changes in the course of a run. Large steps win while cells are easy to take; once genomes are good, only
small ones do. So an operator's share follows a mean of what its children gained that forgets exponentially (adaptive
pursuit without a winner; Thierens, "An adaptive pursuit strategy for allocating operator probabilities", 2005), and no
share falls below a floor, so that an operator whose time has come is noticed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evo_fool.encodings.base import Operator
from evo_fool.evolution.archive import Insertions
from evo_fool.randomness import Stream

FLOOR = 0.25
"""The share that is divided evenly, whatever the operators gain."""

RATE = 0.01
"""How much one child moves its operator's mean."""

MOST = 5.0
"""A larger gain counts as this much, or a single lucky child would decide for a hundred."""

LOWEST, HIGHEST = -8.0, 5.0
"""Log-odds beyond these count as these: a rise from 1e-9 to 1e-6 is far from fooling, and .993 is near enough."""

GRADIENT = Operator("gradient", cost=4, expected_gain=1.5)
"""A short step up the gradient of the cell that the parent was drawn for, with ``search.gradient``.

The way through the network and back costs as much as three images, and the child's score is a fourth.
"""


@dataclass(frozen=True, slots=True)
class Choice:
    """How often an operator was chosen in a generation, and what its children gained together."""

    operator: str
    children: int
    gain: float


class Bandit:
    """The mean gain of every operator, and the shares that follow from it.

    Args:
        expected: the mean gains of a child to begin with, above 0.
        costs: of a child, in images, where they differ: gains, and then shares, are counted by the image.

    Attributes:
        means: float64 ``(k,)``.
    """

    def __init__(self, expected: Sequence[float], costs: Sequence[int] | None = None) -> None:
        self.costs = np.ones(len(expected), np.int64) if costs is None else np.array(costs, np.int64)
        self.means = np.array(expected, np.float64) / self.costs

    @property
    def shares(self) -> np.ndarray:
        """The share of each operator in the images, float64 ``(k,)``, at least :data:`FLOOR` / k; they add up to 1."""
        total = self.means.sum()
        k = len(self.means)
        if not total > 0:  # no child has gained for so long that all means have vanished
            return np.full(k, 1.0 / k)
        shares: np.ndarray = FLOOR / k + (1.0 - FLOOR) * (self.means / total)
        return shares

    def draw(self, n: int, rng: Stream, among: int | None = None) -> np.ndarray:
        """An operator for each of ``n`` children, int64 ``(n,)``; ``among``: only the first so many operators."""
        total = np.cumsum(self.shares[:among])
        return np.searchsorted(total, rng.random(n) * total[-1], side="right").clip(max=len(total) - 1)

    def draw_last(self, images: int, limit: float, rng: Stream) -> int:
        """How many children the last operator makes of so many images, where it may take no larger share of them.

        On average they cost the operator's own share or the limit, whichever is smaller.
        """
        cost, share = int(self.costs[-1]), min(limit, float(self.shares[-1]))
        return min(int(share * images / cost + rng.random()), images // cost)

    def learn(self, drawn: np.ndarray, gains: np.ndarray) -> None:
        """Account for a batch, child by child.

        Args:
            drawn: the operator of each child, int64 ``(n,)``.
            gains: of each, float64 ``(n,)``, see :func:`gains_of`.
        """
        gains = gains / self.costs[drawn]
        for operator, gain in zip(drawn.tolist(), gains.tolist(), strict=True):
            self.means[operator] += RATE * (min(gain, MOST) - self.means[operator])


def gains_of(insertions: Insertions, before: np.ndarray, n: int) -> np.ndarray:
    """The rise in log-odds that each of ``n`` children brought, summed over the cells that it took, float64 ``(n,)``.

    Args:
        insertions: of the batch.
        before: the log-odds of all cells before, float64 ``(cells,)``; ``-inf`` where empty.
        n: children in the batch.
    """
    after, held = (values.clip(LOWEST, HIGHEST) for values in (insertions.log_odds, before[insertions.cells]))
    return np.bincount(insertions.rows, weights=after - held, minlength=n)
