"""What is recorded every generation: DEAP's Statistics over the probabilities in the cells of the targets.

An empty cell counts as probability 0. QD score: the sum of the probabilities.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from deap import tools

THRESHOLDS = {"at_least_90": 0.9, "at_least_99": 0.99, "at_least_9999": 0.9999}
"""Columns that count the classes whose elite reaches a probability."""

STATISTICS = ("min", "q1", "median", "q3", "max", "mean", "qd_score", *THRESHOLDS)
"""Names of the recorded statistics, in order."""

_QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class _Summary:
    """What several statistics need of the same values: computed once."""

    values: np.ndarray
    quartiles: dict[float, float]
    total: float


class CellStatistics(tools.Statistics):
    """DEAP's Statistics, whose functions are given one summary of the values in place of the values."""

    def compile(self, data: Iterable[float]) -> dict[str, Any]:
        """The row of statistics of the probabilities in ``data``; at least one."""
        values = np.fromiter(data, np.float64)
        summary = _Summary(values, _quantiles(values), float(sum(values.tolist())))
        return {name: function(summary) for name, function in self.functions.items()}


def build_statistics() -> CellStatistics:
    """DEAP statistics over a sequence of cell probabilities."""
    statistics = CellStatistics()
    for name, fraction in zip(("min", "q1", "median", "q3", "max"), _QUARTERS, strict=True):
        statistics.register(name, _quartile, fraction=fraction)
    statistics.register("mean", lambda summary: summary.total / len(summary.values))
    statistics.register("qd_score", lambda summary: summary.total)
    for name, threshold in THRESHOLDS.items():
        statistics.register(name, _reaching, threshold=threshold)
    return statistics


def _quantiles(values: np.ndarray) -> dict[float, float]:
    """Linear interpolation between order statistics; the median of an even count is the mean of the middle two.

    One partition puts the few order statistics that are needed into their places, which sorting all would do too.
    """
    last = len(values) - 1
    places = {fraction: (int(fraction * last), min(int(fraction * last) + 1, last)) for fraction in _QUARTERS}
    ordered = np.partition(values, sorted({place for pair in places.values() for place in pair}))
    found = {}
    for fraction, (below, above) in places.items():
        low, high = float(ordered[below]), float(ordered[above])
        found[fraction] = low + (fraction * last - below) * (high - low)
    return found


def _quartile(summary: _Summary, fraction: float) -> float:
    return summary.quartiles[fraction]


def _reaching(summary: _Summary, threshold: float) -> int:
    return int(np.count_nonzero(summary.values >= threshold))
