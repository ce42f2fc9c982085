"""Calibration: one factor on the logits, chosen on held-out images (temperature scaling, Guo, Pleiss, Sun & Weinberger,
2017), and the calibration error that remains."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from torch import Tensor

from evo_fool.classifiers.mnist_data import Digits

HELD_OUT = 5000
"""Images at the end of MNIST's training set that networks to be calibrated are not trained on."""

_LOWEST, _HIGHEST = 1e-4, 1e2


def split(train: Digits, held_out: int = HELD_OUT) -> tuple[Digits, Digits]:
    """The images to train on, and the last ``held_out`` to calibrate with; of a small set, the last tenth."""
    n = len(train.labels) - min(held_out, len(train.labels) // 10)
    return Digits(train.images[:n], train.labels[:n]), Digits(train.images[n:], train.labels[n:])


def best_scale(logits: Callable[[float], Tensor], labels: Tensor) -> float:
    """The scale whose logits have the least mean cross-entropy, by a bounded search over its logarithm.

    Args:
        logits: scale -> logits ``(n, classes)``.
        labels: int64 ``(n,)``.

    >>> truth = torch.tensor([0, 0, 0, 1])
    >>> answers = torch.tensor([[1.0, 0.0]]).expand(4, 2)
    >>> round(best_scale(lambda scale: scale * answers, truth), 3)  # log 3: sure at three in four
    1.099
    """

    def loss(exponent: float) -> float:
        return float(F.cross_entropy(logits(math.exp(exponent)).double(), labels))

    bounds = math.log(_LOWEST), math.log(_HIGHEST)
    return math.exp(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-8}).x)


def calibration_error(probabilities: Tensor, labels: Tensor, bins: int = 15) -> float:
    """Expected calibration error: the mean gap between confidence and accuracy over equally wide bins of confidence.

    Args:
        probabilities: ``(n, classes)``.
        labels: int64 ``(n,)``.

    >>> sure = torch.tensor([[0.8, 0.2]]).expand(5, 2)
    >>> round(calibration_error(sure, torch.tensor([0, 0, 0, 0, 1])), 6)
    0.0
    >>> round(calibration_error(sure, torch.tensor([1, 1, 1, 1, 1])), 6)
    0.8
    """
    confidence, answer = probabilities.double().max(dim=1)
    right = (answer == labels).double()
    bin_of = (confidence * bins).long().clamp(max=bins - 1)
    gaps = torch.zeros(bins, dtype=torch.float64).index_add_(0, bin_of, confidence - right)
    return float(gaps.abs().sum() / len(labels))
