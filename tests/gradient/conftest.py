"""A linear network, for which the smallest perturbation is known in closed form, and photographs for it."""

import numpy as np
import pytest
import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.sections import ClassifierConfig

SIDE = 8


class Linear(torch.nn.Module):
    """Three classes, each with a fixed direction of its own."""

    def __init__(self) -> None:
        super().__init__()
        weights = np.random.default_rng(0).normal(0, 1, (3, SIDE * SIDE)).astype(np.float32)
        self.layer = torch.nn.Linear(SIDE * SIDE, 3, bias=False)
        self.layer.weight = torch.nn.Parameter(torch.from_numpy(weights))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layer(images.flatten(1))


class Severed(Linear):
    """Its answer is not connected to its input."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(images).detach()


@pytest.fixture
def linear() -> Classifier:
    return Classifier(Linear(), classes=["a", "b", "c"], size=SIDE, channels=1, name="linear")


@pytest.fixture
def severed() -> Classifier:
    return Classifier(Severed(), classes=["a", "b", "c"], size=SIDE, channels=1, name="severed")


@pytest.fixture
def photographs() -> np.ndarray:
    """Forty images uint8 around middle grey, so that no perturbation meets the ends of the range."""
    return np.random.default_rng(1).integers(110, 146, (40, 1, SIDE, SIDE), dtype=np.uint8)


@pytest.fixture(scope="session")
def lenet() -> Classifier:
    return load_classifier(ClassifierConfig(), torch.device("cpu"))
