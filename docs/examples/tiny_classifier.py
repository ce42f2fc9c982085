"""Your own classifier, outside the package: it tells four directions of stripes apart.

    evo-fool run experiments/mnist-cppn.yaml --classifier docs/examples/tiny_classifier.py:build

``build`` is all that evo-fool needs: a function that returns a Classifier. Here it trains the network on the spot, in
about a second and always to the same weights, because a resumed run needs the classifier that it began with.
A network that takes longer is trained once and its weights are kept:

    python docs/examples/tiny_classifier.py stripes.safetensors
    evo-fool run experiments/mnist-cppn.yaml --classifier docs/examples/tiny_classifier.py:build \
        --weights stripes.safetensors
"""

from __future__ import annotations

import math
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from evo_fool.classifiers.base import Classifier

SIZE = 16
CLASSES = ("horizontal", "rising", "vertical", "falling")
MEAN, STD = 0.5, 0.3


class StripeNet(nn.Module):
    """Normalised images ``(n, 1, 16, 16)`` to logits ``(n, 4)``."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 5)
        self.conv2 = nn.Conv2d(8, 16, 3)
        self.head = nn.Linear(64, len(CLASSES))

    def forward(self, images: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(images)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        logits: Tensor = self.head(x.flatten(1))
        return logits


def build(weights: str | None = None) -> Classifier:
    """The classifier that evo-fool asks for; ``weights`` is the path given with --weights, if any."""
    if weights is None:
        network = train()
    else:
        network = StripeNet()
        network.load_state_dict(load_file(weights))
    return Classifier(network, classes=CLASSES, size=SIZE, channels=1, mean=MEAN, std=STD, name="stripes")


def stripes(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """``n`` noisy images ``(n, 1, 16, 16)`` in [0, 1] of random period, phase and contrast, with their classes."""

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(n, 1, 1, generator=generator)

    labels = torch.randint(len(CLASSES), (n,), generator=generator)
    tilt = uniform(-0.2, 0.2)
    angle = (2 - labels.view(-1, 1, 1)) * (math.pi / 4) + tilt  # of the direction in which the brightness changes
    y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    along = torch.cos(angle) * x + torch.sin(angle) * y
    wave = torch.sin(2 * math.pi * (along / uniform(3, 8) + uniform(0, 1)))
    noise = 0.1 * torch.randn(n, SIZE, SIZE, generator=generator)
    return (0.5 + uniform(0.1, 0.5) * wave + noise).clamp(0, 1).unsqueeze(1), labels


def train(steps: int = 300) -> StripeNet:
    """The network, trained; the same weights every time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the order of summation, and with it the last bit, follows the number of threads
    try:
        with torch.random.fork_rng(devices=[]):  # leaves the caller's random numbers alone
            torch.manual_seed(0)
            network = StripeNet()
        generator = torch.Generator().manual_seed(1)
        optimiser = torch.optim.Adam(network.parameters(), lr=0.003)
        for _ in range(steps):
            images, labels = stripes(64, generator)
            optimiser.zero_grad()
            F.cross_entropy(network((images - MEAN) / STD), labels).backward()
            optimiser.step()
    finally:
        torch.set_num_threads(threads)
    return network


if __name__ == "__main__":
    save_file(train().state_dict(), sys.argv[1])
