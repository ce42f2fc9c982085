"""Log-odds and probabilities, without torch: what reading a run needs of this room.

Scores are stored as log-odds, log(p / (1 - p)) in float64, because a probability saturates at 1 where two images can
still be told apart (reference: Nguyen, Yosinski & Clune, CVPR 2015, compares float32 softmax outputs and freezes).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def probability(log_odds: ArrayLike) -> np.ndarray:
    """The probability p in [0, 1] of log-odds of any shape, float64 of the same shape; exact at both tails.

    >>> probability([0.0, 40.0, -1000.0]).tolist()
    [0.5, 1.0, 0.0]
    """
    values = np.asarray(log_odds, dtype=np.float64)
    small = np.exp(-np.abs(values))
    return np.asarray(np.where(values >= 0, 1.0, small) / (1.0 + small))
