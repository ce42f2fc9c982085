"""What is recorded every generation: DEAP's Statistics over the probabilities in the cells of the targets.

An empty cell counts as probability 0. QD score: the sum of the probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence

from deap import tools

THRESHOLDS = {"at_least_90": 0.9, "at_least_99": 0.99, "at_least_9999": 0.9999}
"""Columns that count the classes whose elite reaches a probability."""

STATISTICS = ("min", "q1", "median", "q3", "max", "mean", "qd_score", *THRESHOLDS)
"""Names of the recorded statistics, in order."""


def build_statistics() -> tools.Statistics:
    """DEAP statistics over a sequence of cell probabilities."""
    statistics = tools.Statistics()
    statistics.register("min", min)
    statistics.register("q1", _quantile, fraction=0.25)
    statistics.register("median", _quantile, fraction=0.5)
    statistics.register("q3", _quantile, fraction=0.75)
    statistics.register("max", max)
    statistics.register("mean", lambda values: float(sum(values)) / len(values))
    statistics.register("qd_score", lambda values: float(sum(values)))
    for name, threshold in THRESHOLDS.items():
        statistics.register(name, _reaching, threshold=threshold)
    return statistics


def _quantile(values: Sequence[float], fraction: float) -> float:
    """Linear interpolation between order statistics; the median of an even count is the mean of the middle two."""
    ordered = sorted(values)
    position = fraction * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def _reaching(values: Sequence[float], threshold: float) -> int:
    return sum(value >= threshold for value in values)
