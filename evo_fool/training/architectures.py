"""Training of the two networks of :mod:`evo_fool.classifiers.mnist_architectures`."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from evo_fool.classifiers.mnist_architectures import ARCHITECTURES
from evo_fool.classifiers.mnist_data import Digits

BATCH = 128
RATE = 0.002


def fit(name: str, train: Digits, *, seed: int, epochs: int) -> nn.Module:
    """The network ``name`` trained by Adam, its rate falling linearly to zero. Draws only from its own generator."""
    generator = torch.Generator().manual_seed(seed)
    network = ARCHITECTURES[name]().network.requires_grad_(True)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                bound = math.sqrt(6 / parameter[0].numel())
                parameter.uniform_(-bound, bound, generator=generator)
    images = train.images.unsqueeze(1).to(torch.float32).div(255)
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    steps, step = epochs * -(-len(images) // BATCH), 0
    for _ in range(epochs):
        for rows in torch.randperm(len(images), generator=generator).split(BATCH):
            optimiser.param_groups[0]["lr"] = RATE * (1 - step / steps)
            optimiser.zero_grad()
            F.cross_entropy(network(images[rows]), train.labels[rows]).backward()
            optimiser.step()
            step += 1
    return network
