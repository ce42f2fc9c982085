"""A reproduction of the smallest budget, whose runs several tests share; one whose ImageNet network answers at once;
two networks that read colours."""

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


EYES = """
import torch
from evo_fool.classifiers.base import Classifier

class Reads(torch.nn.Module):
    '''Each channel is a class, but for the last, which is never chosen; they may be exchanged.'''
    def __init__(self, order):
        super().__init__()
        self.order = torch.nn.Parameter(torch.tensor(order, dtype=torch.float32))

    def forward(self, images):
        channels = 8 * images.mean(dim=(2, 3))[:, self.order.long()]
        return torch.cat([channels, channels.amin(1, keepdim=True) - 1], dim=1)

def classifier(order):
    ids = [["n3", "scarlet"], ["n2"], ["n1"], ["n0"]]
    names = ["red", "green", "blue", "black"]
    return Classifier(Reads(order), classes=names, size=4, channels=3, name="eye", aliases=ids)

def eye():
    return classifier([0, 1, 2])

def confused():
    return classifier([1, 0, 2])
"""

COLOURS = {"n3": (255, 0, 0), "n2": (0, 255, 0), "n1": (0, 0, 255)}


@pytest.fixture
def eyes(tmp_path: Path) -> dict[str, Any]:
    """Two networks, five photographs a class in folders in another order than the classes', and others of no class."""
    (tmp_path / "eyes.py").write_text(EYES)
    for name, colour in COLOURS.items():
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(5):
            Image.new("RGB", (8, 6), colour).save(tmp_path / "photos" / name / f"{i}.png")
    for folder in ("photos/n99", "outside/unknown"):
        (tmp_path / folder).mkdir(parents=True)
        Image.new("RGB", (8, 6), (90, 100, 110)).save(tmp_path / folder / "grey.png")
    (tmp_path / "photos" / "n1" / "broken.jpg").write_bytes(b"no picture")
    eye, confused = (f"{tmp_path / 'eyes.py'}:{name}" for name in ("eye", "confused"))
    return {"photos": tmp_path / "photos", "eye": eye, "confused": confused, "outside": tmp_path / "outside"}
