"""The best row of some columns of a matrix that is too large for a cache."""

import numpy as np

_COLUMNS = 64
"""Columns at a time: of a few thousand rows they still fit into a cache, where they can be read downwards."""


def best_rows(scores: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The row with the highest score in each of ``columns``, the first of equals, int64 ``(k,)``.

    Args:
        scores: float64 ``(n, m)``, ``n`` at least 1.
        columns: int64 ``(k,)``.

    >>> best_rows(np.array([[0.0, 3.0, 1.0], [2.0, 3.0, 0.0]]), np.array([0, 1])).tolist()
    [1, 0]
    """
    rows = np.empty(len(columns), dtype=np.int64)
    for first in range(0, len(columns), _COLUMNS):
        some = columns[first : first + _COLUMNS]
        rows[first : first + _COLUMNS] = scores[:, some].argmax(axis=0)
    return rows
