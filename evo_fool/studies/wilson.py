"""Shares with their intervals."""

from __future__ import annotations

from scipy.stats import binomtest


def wilson(successes: int, n: int) -> tuple[float, float, float]:
    """A share and its Wilson interval of 95 %; zeros for none of none.

    >>> [round(value, 3) for value in wilson(200, 250)]
    [0.8, 0.746, 0.845]
    """
    if not n:
        return 0.0, 0.0, 0.0
    interval = binomtest(successes, n).proportion_ci(method="wilson")
    return successes / n, float(interval.low), float(interval.high)
