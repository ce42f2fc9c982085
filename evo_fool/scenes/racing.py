"""Which pictures go on to the next stage of a race over many inputs; the archive only ever sees whole scores."""

from __future__ import annotations

import numpy as np

_FIRST = 4
_FACTOR = 4
_SHARE = 2
"""One in so many pictures goes on. Over 32 digits (CPPNs, four seeds) half keep the winner in 22 of 23 generations that
have one, with 43 % of the passes; a quarter in 17, with 24 %."""

_EVEN = 16
_LARGEST = 2048
_SLACK = 4.0
"""Log-odds by which an estimate over one input may miss; over ``m`` inputs, this by the root of ``m``."""

_ROUNDING = 1e-9


def stages(order: np.ndarray) -> list[np.ndarray]:
    """``order``, the inputs as they are drawn, in stages: 4 inputs, then up to 16, 64, and so on.

    >>> [len(stage) for stage in stages(np.arange(100))]
    [4, 12, 48, 36]
    """
    ends = [end for end in (_FIRST * _FACTOR**i for i in range(24)) if end < len(order)]
    parts = np.split(order, ends)
    return [piece for part in parts for piece in np.split(part, range(_LARGEST, len(part), _LARGEST))]


def even_stages(order: np.ndarray) -> list[np.ndarray]:
    """``order`` in 16 stages of about equal size, for races whose bounds tighten with every input.

    >>> [len(stage) for stage in even_stages(np.arange(40))]
    [3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2]
    """
    pieces = max(min(_EVEN, len(order)), -(-len(order) // _LARGEST))
    return np.array_split(order, pieces)


def promising(estimates: np.ndarray, seen: int, thresholds: np.ndarray) -> np.ndarray:
    """Which pictures look good enough, bool ``(n,)``: a heuristic.

    Half of the pictures, or one per cell where there are more cells than that, go on: the best of each cell by
    the inputs seen so far, unless its estimate stays clearly below the threshold. An empty cell always keeps one.

    Args:
        estimates: log-odds over the inputs seen, float64 ``(n, cells)``.
        seen: number of those inputs.
        thresholds: log-odds to beat, float64 ``(cells,)``.
    """
    n, cells = estimates.shape
    best = np.zeros(estimates.shape, bool)
    rows = np.argsort(-estimates, axis=0, kind="stable")[: max(1, n // (_SHARE * cells))]
    np.put_along_axis(best, rows, True, axis=0)
    kept: np.ndarray = (best & (estimates > thresholds - _SLACK / seen**0.5)).any(axis=1)
    return kept


def possible(low: np.ndarray, high: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Which pictures can still take a cell, bool ``(n,)``: exact, for scores can only end between the bounds.

    Args:
        low: the least log-odds that each picture can end with, float64 ``(n, cells)``.
        high: the largest, float64 ``(n, cells)``.
        thresholds: log-odds to beat, float64 ``(cells,)``.
    """
    able: np.ndarray = (high >= np.maximum(thresholds, low.max(axis=0)) - _ROUNDING).any(axis=1)
    return able
