"""A classifier of any input size and number of classes whose forward pass is cheap: what a loop costs shows beside it.

It has been trained on nothing. Its weights come from a fixed seed, and are scaled so that classes win and improve as
they do under a trained network: all of them at first, then ever fewer.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from evo_fool.classifiers.base import Classifier

_GRID = 4
_FEATURES = 16 * _GRID * _GRID
_SPREAD = 4.0
"""Standard deviation of the logits of one image, about that of a trained network."""


def synthetic_classifier(*, size: int, classes: int, channels: int = 3, seed: int = 0) -> Classifier:
    """Two strided convolutions, a mean over a grid of 4x4 regions, and one linear layer.

    Args:
        size: height and width of its input, in pixels.
        classes: logits, named ``class 0``, ``class 1`` and so on.
        channels: 1 (grey) or 3 (RGB).
        seed: of the weights; equal arguments give equal weights.

    Raises:
        ConfigError: fewer than two classes, or another number of channels.
    """
    network = nn.Sequential(
        nn.Conv2d(channels, 8, 5, stride=4, padding=2, bias=False),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(_GRID),
        nn.Flatten(),
        nn.Linear(_FEATURES, classes, bias=False),
    )
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in network:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                gain = _SPREAD if isinstance(layer, nn.Linear) else math.sqrt(2.0)
                layer.weight.normal_(0.0, gain / math.sqrt(layer.weight[0].numel()), generator=generator)
    names = [f"class {index}" for index in range(classes)]
    name = f"synthetic {size}x{size}x{channels}, {classes} classes"
    return Classifier(network, classes=names, size=size, channels=channels, mean=0.5, std=0.25, name=name)
