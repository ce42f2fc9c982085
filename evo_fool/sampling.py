"""Which of many: indices evenly spread."""

from __future__ import annotations

import numpy as np


def evenly(n: int, k: int) -> np.ndarray:
    """At most ``k`` of the indices below ``n``, evenly spread from the first to the last, int64 ``(min(n, k),)``.

    >>> evenly(9, 3).tolist(), evenly(2, 3).tolist()
    ([0, 4, 8], [0, 1])
    """
    return np.linspace(0, n - 1, min(n, k)).round().astype(np.int64)
