"""Linear rank selection, which DEAP lacks, in the style of its own operators (Baker 1985)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from operator import attrgetter

from evo_fool.evolution.population import Individual


def select_rank(individuals: Sequence[Individual], k: int, *, pressure: float) -> list[Individual]:
    """Draw ``k`` individuals with replacement, with probability linear in their rank.

    Like DEAP's operators it draws from the ``random`` module, which :func:`~evo_fool.evolution.deap_random.deap_random`
    has lent a private state.

    Args:
        individuals: with valid fitness; ties keep their order.
        k: how many to draw.
        pressure: expected offspring of the best, the mean being 1; in [1, 2], where 1 is uniform.
    """
    ranked = sorted(individuals, key=attrgetter("fitness"))
    steps = max(len(ranked) - 1, 1)
    weights = [(2 - pressure) + 2 * (pressure - 1) * rank / steps for rank in range(len(ranked))]
    if not any(weights):  # one individual at full pressure
        return ranked * k
    return random.choices(ranked, weights, k=k)
