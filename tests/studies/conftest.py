"""A reproduction of the smallest budget, whose runs several tests share; one whose ImageNet network answers at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evo_fool.classifiers.base import Classifier
from evo_fool.experiment import Experiment
from evo_fool.studies.context import Context

STAND_IN = """
import torch
from evo_fool.classifiers.base import Classifier

def build():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 72 * 72, 3))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.linspace(-1, 1, parameter.numel()).mul(7e4).sin().mul(0.1).view_as(parameter))
    return Classifier(network, classes=["ant", "bee", "cat"], size=72, channels=3, name="stand-in")
"""


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reproduction")


@pytest.fixture
def small_reproduction(small_folder: Path) -> Context:
    """A context of the smoke budget without data; its folder lasts for the session."""
    return Context(small_folder, "smoke")


class StandIn(Context):
    """Takes a linear network of three classes for every network of ImageNet, and notes which was asked for."""

    def __init__(self, folder: Path, data: Path, network: str) -> None:
        super().__init__(folder, "smoke", data)
        self.network = network
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def experiment(self, preset: str, settings: Mapping[str, Any] | None = None) -> Experiment:
        if not preset.startswith("imagenet"):
            return super().experiment(preset, settings)
        self.asked.append((preset, dict(settings or {})))
        stand_in = {"classifier.spec": self.network, "classifier.weights": None}
        return super().experiment(preset, {**(settings or {}), **stand_in})

    def classifier(self, spec: str = "lenet-mnist", weights: Path | str | None = None) -> Classifier:
        imagenet = spec.startswith("torchvision:")
        return super().classifier(self.network if imagenet else spec, None if imagenet else weights)


@pytest.fixture
def stand_in(tmp_path: Path, small_folder: Path) -> StandIn:
    """A context of the smoke budget with weights of one ImageNet network, and photographs of its ants and cats."""
    (small_folder / "network.py").write_text(STAND_IN)
    weights = tmp_path / "data" / "imagenet" / "weights"
    weights.mkdir(parents=True)
    (weights / "squeezenet1_1.pt").write_bytes(b"")
    rng = np.random.default_rng(0)
    for name in ("ant", "ant", "cat"):
        folder = tmp_path / "data" / "imagenet" / "photos" / name
        folder.mkdir(parents=True, exist_ok=True)
        photograph = rng.integers(0, 256, (72, 72, 3), dtype=np.uint8)
        Image.fromarray(photograph).save(folder / f"{len(list(folder.iterdir()))}.png")
    return StandIn(small_folder, tmp_path / "data", f"{small_folder / 'network.py'}:build")
