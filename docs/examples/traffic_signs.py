"""Traffic signs: a network for the 43 classes of the German benchmark (GTSRB; Stallkamp et al. 2012).

evo-fool run imagenet-cppn --classifier docs/examples/traffic_signs.py:build --weights gtsrb_cnn.pt --generations 50
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from evo_fool.classifiers import Classifier, Preparation

SIZE = 33
SIGNS = (
    *(f"speed limit {limit}" for limit in (20, 30, 50, 60, 70, 80)),
    "end of speed limit 80",
    *(f"speed limit {limit}" for limit in (100, 120)),
    *("no passing", "no passing for trucks", "right of way at the next crossing", "priority road", "yield", "stop"),
    *("no vehicles", "no trucks", "no entry", "general caution", "curve left", "curve right", "double curve"),
    *("bumpy road", "slippery road", "road narrows on the right", "road work", "traffic signals", "pedestrians"),
    *("children", "bicycles", "ice or snow", "wild animals", "end of all limits", "turn right ahead"),
    *("turn left ahead", "ahead only", "straight or right", "straight or left", "keep right", "keep left"),
    *("roundabout", "end of no passing", "end of no passing for trucks"),
)
"""By number; folders of photographs may be named by numbers, 00 to 42."""


class Whole(Preparation):
    """The whole picture is resized: signs were cut out closely."""

    def __call__(self, photo: Image.Image, size: object, channels: int) -> np.ndarray:
        resized = photo.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
        return np.ascontiguousarray(np.asarray(resized).transpose(2, 0, 1))


class SignNetwork(nn.Module):
    """RGB ``(n, 3, 33, 33)`` in [0, 1] to logits ``(n, 43)``."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 100, 5), nn.BatchNorm2d(100)
        self.conv2, self.bn2 = nn.Conv2d(100, 150, 3), nn.BatchNorm2d(150)
        self.conv3, self.bn3 = nn.Conv2d(150, 250, 3), nn.BatchNorm2d(250)
        self.fc1, self.fc2 = nn.Linear(1000, 350), nn.Linear(350, len(SIGNS))

    def forward(self, x: Tensor) -> Tensor:
        for conv, bn in ((self.conv1, self.bn1), (self.conv2, self.bn2), (self.conv3, self.bn3)):
            x = bn(F.max_pool2d(F.relu(conv(x)), 2))
        logits: Tensor = self.fc2(F.relu(self.fc1(x.flatten(1))))
        return logits


def build(weights: str) -> Classifier:
    """The classifier; ``weights`` is the path given with --weights."""
    network = SignNetwork()
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return Classifier(network, classes=SIGNS, size=SIZE, channels=3, preparation=Whole(SIZE), name="traffic signs")
