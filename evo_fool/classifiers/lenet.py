"""The LeNet of the paper (section 3, "MNIST"; Caffe's ``lenet`` example): the network that ships with evo-fool.

Convolution 20 @ 5x5, max pooling, convolution 50 @ 5x5, max pooling, 500 units, ReLU, 10 units. There is no
nonlinearity after the convolutions other than the pooling. Input is byte / 256, without a mean.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evo_fool.classifiers.base import Classifier

DIGITS = tuple("0123456789")
FOOLING = "fooling"
"""The class that retraining appends (paper, section 3.7)."""
SIZE = 28
SCALE = 255 / 256
"""From evo-fool's [0, 1], byte / 255, to the paper's byte / 256."""


class LeNet(nn.Module):
    """float32 ``(n, 1, 28, 28)``, byte / 256, to logits ``(n, outputs)``.

    Args:
        generator: where the initial weights come from: Caffe's "xavier" filler, uniform with variance 1 / fan-in,
            biases zero. Without one the weights are zero, to be loaded.
        outputs: 10, or 11 with a class of fooling images.
    """

    def __init__(self, generator: torch.Generator | None = None, outputs: int = len(DIGITS)) -> None:
        super().__init__()
        skip = torch.nn.utils.skip_init  # torch's own initialisation would draw from the global generator
        self.conv1: nn.Module = skip(nn.Conv2d, 1, 20, 5)
        self.conv2: nn.Module = skip(nn.Conv2d, 20, 50, 5)
        self.fc1: nn.Module = skip(nn.Linear, 800, 500)
        self.fc2: nn.Module = skip(nn.Linear, 500, outputs)
        self.outputs = outputs
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.zero_()
                if generator is not None and parameter.ndim > 1:
                    bound = math.sqrt(3 / parameter[0].numel())
                    parameter.uniform_(-bound, bound, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.conv1(x), 2)
        x = F.max_pool2d(self.conv2(x), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        logits: Tensor = self.fc2(x)
        return logits


def lenet_classifier(network: LeNet) -> Classifier:
    """A classifier of 28x28 grey images: one class per digit, and :data:`FOOLING` for an eleventh output."""
    classes = (*DIGITS, FOOLING)[: network.outputs]
    return Classifier(network, classes=classes, size=SIZE, channels=1, scale=SCALE, name="lenet-mnist")
