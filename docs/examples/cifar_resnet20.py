"""CIFAR-10: ResNet-20 of He et al. (2016), from a plain state dict.

evo-fool run imagenet-cppn --classifier docs/examples/cifar_resnet20.py:build --weights resnet20.pt --generations 50
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evo_fool.classifiers import Classifier

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


class Block(nn.Module):
    """Two convolutions and a shortcut without parameters: every second pixel, new channels zero on both sides."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.stride, self.new = stride, (after - before) // 2

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        shortcut = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.new, self.new))
        return F.relu(y + shortcut)


class ResNet20(nn.Module):
    """RGB ``(n, 3, 32, 32)``, normalised, to logits ``(n, 10)``."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        stages = ((16, 16, 1), (16, 32, 2), (32, 64, 2))
        self.layer1, self.layer2, self.layer3 = (
            nn.Sequential(Block(before, after, stride), Block(after, after, 1), Block(after, after, 1))
            for before, after, stride in stages
        )
        self.linear = nn.Linear(64, len(CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        logits: Tensor = self.linear(x.mean(dim=(2, 3)))
        return logits


def build(weights: str) -> Classifier:
    """The classifier; ``weights`` is the path given with --weights."""
    network = ResNet20()
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    return Classifier(network, classes=CLASSES, size=32, channels=3, mean=mean, std=std, name="CIFAR-10 ResNet-20")
