"""From log-odds, which the search compares because they do not saturate, to probabilities, which reports show."""

import numpy as np


def probability(log_odds: np.ndarray) -> np.ndarray:
    """p = 1/(1+exp(-log_odds)), float64, elementwise; ``-inf`` (an empty cell) gives exactly 0.

    >>> probability(np.array([-np.inf, 0.0, 800.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    # exp of -|x| only, so that neither tail overflows.
    small = np.exp(-np.abs(log_odds))
    return np.where(log_odds >= 0, 1 / (1 + small), small / (1 + small))
