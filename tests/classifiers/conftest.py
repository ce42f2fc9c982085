"""Data for these tests, and classifiers that answer what they are told to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from evo_fool.classifiers.base import Classifier


@pytest.fixture(scope="session")
def imagenet_weights(data_folder: Path) -> Path:
    if not (data_folder / "imagenet" / "weights").is_dir():
        pytest.skip(f"no imagenet/weights in {data_folder}")
    return data_folder / "imagenet" / "weights"


class Fixed(nn.Module):
    """Answers the rows of a table in order, whatever the images show; the position is read from the first pixel."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.register_buffer("table", logits.to(torch.float32))

    def forward(self, images: Tensor) -> Tensor:
        rows = (images[:, 0, 0, 0] * 255).round().long()
        return self.get_buffer("table")[rows]


class Linear(nn.Module):
    """A fixed linear map of the pixels: small, and sensitive to every one of them."""

    def __init__(self, size: int, channels: int, classes: int, gain: float = 1.0) -> None:
        super().__init__()
        weight = torch.randn(classes, channels * size * size, generator=torch.Generator().manual_seed(0)) * gain
        self.weight = nn.Parameter(weight)

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) @ self.weight.T


@pytest.fixture
def fixed() -> Callable[[Tensor], Classifier]:
    """A classifier of 4x4 grey images that answers row i of the table to an image whose first pixel is i."""

    def make(logits: Tensor) -> Classifier:
        names = [str(i) for i in range(logits.shape[1])]
        return Classifier(Fixed(logits), classes=names, size=4, channels=1, name="fixed")

    return make


@pytest.fixture
def linear() -> Callable[..., Classifier]:
    """A linear classifier of any size."""

    def make(size: int = 6, channels: int = 3, classes: int = 5, gain: float = 1.0) -> Classifier:
        names = [str(i) for i in range(classes)]
        network = Linear(size, channels, classes, gain)
        return Classifier(network, classes=names, size=size, channels=channels, name="linear")

    return make
