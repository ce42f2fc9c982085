"""The figures of Hendrycks, Zhao, Basart, Steinhardt and Song, *Natural Adversarial Examples* (CVPR 2021).

Definitions are those of the code that the authors released (``calibration_tools.py``).
"""

from __future__ import annotations

import numpy as np

from evo_fool.randomness import stream

BIN = 100
"""Images in a bin of confidence; the last bin takes the remainder too."""

_DRAWS = 200


def calibration_errors(confidence: np.ndarray, correct: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """RMS calibration error with all bins, and without the most confident one, as the released code has it.

    The root of the mean over images of (mean confidence - accuracy)² of their bin. What is left out counts as no error.

    Args:
        confidence: in [0, 1], float ``(n,)``, n > 0.
        correct: bool ``(…, n)``.

    Returns:
        Both ``(…)``; the second is None where there is one bin only.
    """
    n = len(confidence)
    order = np.argsort(confidence, kind="stable")
    starts = np.arange(max(1, n // BIN)) * BIN
    sizes = np.diff(np.append(starts, n))
    gaps = np.add.reduceat(confidence[order] - correct[..., order], starts, axis=-1) / sizes
    parts = sizes / n * gaps**2
    return np.sqrt(parts.sum(axis=-1)), np.sqrt(parts[..., :-1].sum(axis=-1)) if len(starts) > 1 else None


def calibrated(confidence: np.ndarray) -> tuple[float, float | None]:
    """The mean :func:`calibration_errors` of a calibrated network of the same confidences: what bins of so few give."""
    right = stream(1, "calibrated network").random((_DRAWS, len(confidence))) < confidence
    every, without = calibration_errors(confidence, right)
    return float(every.mean()), None if without is None else float(without.mean())


def aurra(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Area under the response rate accuracy curve: the accuracy on the k most confident images, mean over all k.

    Answers in random order have their accuracy.

    >>> aurra(np.array([0.9, 0.5]), np.array([True, False]))
    0.75
    """
    right = correct[np.argsort(-confidence, kind="stable")]
    return float((np.cumsum(right) / np.arange(1, len(right) + 1)).mean())


def average_precision(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the curve of precision over recall, as a sum of steps; equal scores are one step.

    Args:
        scores: higher for what is taken for positive, ``(n,)``.
        positive: bool ``(n,)``, at least one.

    >>> average_precision(np.array([3, 2, 1]), np.array([True, False, True]))
    0.8333333333333333
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    found = np.cumsum(positive[order])[ends]
    return float((np.diff(found, prepend=0) / found[-1] * found / (ends + 1)).sum())


def agreement_by_chance(one: np.ndarray, other: np.ndarray) -> float | None:
    """Share of equal answers among those to different images: what two networks share without seeing the same.

    Args:
        one: classes, int ``(n,)``.
        other: of another network, for the same images.

    Returns:
        None for fewer than two images.

    >>> agreement_by_chance(np.array([1, 2]), np.array([2, 3]))
    0.5
    """
    n = len(one)
    if n < 2:
        return None
    classes = 1 + int(max(one.max(), other.max()))
    pairs = int(np.bincount(one, minlength=classes) @ np.bincount(other, minlength=classes))
    return (pairs - int((one == other).sum())) / (n * (n - 1))
