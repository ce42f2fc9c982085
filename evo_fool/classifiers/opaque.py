"""Networks that torch cannot look into: functions, ONNX files, servers. They answer arrays, and have no gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn


class Opaque(nn.Module, ABC):
    """A network that is asked with arrays and computes in its own arithmetic.

    Args:
        identity: a text that changes whenever the answers could; empty: unknown.
    """

    def __init__(self, identity: str = "") -> None:
        super().__init__()
        self.identity = identity

    @abstractmethod
    def answer(self, images: np.ndarray) -> np.ndarray:
        """Scores float ``(n, classes)`` of normalised float32 images ``(n, channels, height, width)``."""

    def forget(self) -> None:
        """Drop what is kept of earlier answers; one that keeps none has nothing to drop."""

    def forward(self, images: Tensor) -> Tensor:
        answer = self.answer(images.detach().float().cpu().numpy())
        return torch.from_numpy(np.ascontiguousarray(answer)).to(images.device)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # sessions and connections cannot be copied, and none of them has a state that changes


class FunctionNetwork(Opaque):
    """Any function from uint8 images ``(n, height, width, channels)`` to scores ``(n, classes)``.

    Its attribute ``fingerprint``, a text, says which network it is, if it has one.
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__(str(getattr(function, "fingerprint", "")))
        self.function = function

    def answer(self, images: np.ndarray) -> np.ndarray:
        return np.asarray(self.function(as_bytes(images)), np.float64)


def as_bytes(images: np.ndarray) -> np.ndarray:
    """Float images ``(n, channels, height, width)`` in [0, 1] as a new uint8 array ``(n, height, width, channels)``."""
    return np.ascontiguousarray(np.rint(images.transpose(0, 2, 3, 1) * 255).astype(np.uint8))
