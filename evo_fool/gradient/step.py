"""What the methods share: the step that each yields, and differentiable log-probabilities of pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from evo_fool.classifiers.base import Classifier
from evo_fool.errors import ClassifierError

PRECISIONS = ("float32", "bfloat16")
"""Of gradients."""

Report = Callable[[float, int], object]
"""Told how much is done, of how much."""


def silent(done: float, total: int) -> None:
    """A report that goes nowhere."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where a method stands.

    Attributes:
        pictures: candidates, uint8 ``(n, channels, height, width)``, as the scene takes them.
        loss: the mean of what was minimised since the step before.
    """

    pictures: np.ndarray
    loss: float


def log_probabilities(classifier: Classifier, pixels: Tensor, precision: str = "float32") -> Tensor:
    """Differentiable log p, float32 ``(n, classes)``, of float pixels ``(n, channels, height, width)`` in [0, 255].

    Args:
        classifier: a differentiable network.
        pixels: what it is shown.
        precision: ``bfloat16`` for convolutions and products in that arithmetic (torch's autocast), which is faster on
            processors that have it, and whose rounding is small beside the noise of a gradient over few images.
    """
    with torch.autocast(pixels.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        logits = classifier.logits(pixels / 255)
    return F.log_softmax(logits.float(), dim=1)


def descend(classifier: Classifier, loss: Tensor, leaf: Tensor) -> Tensor:
    """The gradient of ``loss`` with respect to ``leaf``.

    Raises:
        ClassifierError: the loss does not depend on it.
    """
    slope = torch.autograd.grad(loss, leaf, allow_unused=True)[0] if loss.requires_grad else None
    if slope is None:
        raise _no_gradient(classifier)
    return slope


def require_gradient(classifier: Classifier) -> None:
    """Refuse a network without gradients before anything is spent on it.

    Raises:
        ClassifierError: its answer is not differentiable with respect to the image.
    """
    device = classifier.mean.device
    with torch.enable_grad():
        leaf = torch.full((1, *classifier.shape), 127.5, device=device, requires_grad=True)
        try:
            loss = log_probabilities(classifier, leaf)[0, 0]
        except RuntimeError as error:
            if "grad" not in str(error):
                raise
            raise _no_gradient(classifier) from None
        descend(classifier, loss, leaf)


def _no_gradient(classifier: Classifier) -> ClassifierError:
    return ClassifierError(
        f"classifier {classifier.name!r} has no gradient with respect to its images; "
        "evolve instead: evo-fool run EXPERIMENT"
    )


def clean_predictions(classifier: Classifier, photographs: np.ndarray, batch: int) -> Tensor:
    """The class that the network answers for each photograph, int64 ``(n,)``, on its device.

    Args:
        classifier: the network.
        photographs: uint8 ``(n, channels, height, width)``.
        batch: photographs in one pass.
    """
    with torch.no_grad():
        answers = [
            classifier.logits(pixels_of(photographs[rows], classifier) / 255).argmax(dim=1)
            for rows in batches(np.arange(len(photographs)), batch)
        ]
    return torch.cat(answers)


def pixels_of(images: np.ndarray, classifier: Classifier) -> Tensor:
    """Bytes as float32 on the classifier's device; the values stay."""
    return torch.from_numpy(np.ascontiguousarray(images)).to(classifier.mean.device).to(torch.float32)


def batches(rows: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """``rows`` in parts of at most ``size``."""
    for first in range(0, len(rows), size):
        yield rows[first : first + size]
