"""Training of the networks of :mod:`evo_fool.classifiers.mnist_architectures`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evo_fool.classifiers.mnist_architectures import ARCHITECTURES
from evo_fool.classifiers.mnist_data import Digits

BATCH = 128
RATE = 0.002


def fit(name: str, train: Digits, *, seed: int, epochs: int) -> nn.Module:
    """The network ``name`` trained by Adam, its rate falling linearly to zero. Draws only from its own generator."""
    generator = torch.Generator().manual_seed(seed)
    network = ARCHITECTURES[name]().network
    _initialise(network, generator)
    _descend(network, train, generator, epochs, lambda images, labels: F.cross_entropy(network(images), labels))
    return network


def fit_decaying(
    network: nn.Sequential, train: Digits, *, decays: Sequence[float], seed: int, epochs: int, autoencoder: bool = False
) -> nn.Module:
    """Train fully connected layers with the weight decay of Szegedy et al. (ICLR 2014), as :func:`fit` does otherwise.

    Added to the mean cross-entropy is λ·Σw²/k for each layer of k units.

    Args:
        network: with linear layers.
        train: what it learns.
        decays: λ of each linear layer, in order.
        seed: decides the first weights and the order of the images.
        epochs: passes over the images.
        autoencoder: first train the first layer for as many passes to give the images back through a layer that is
            thrown away, then only the others, to classify.
    """
    generator = torch.Generator().manual_seed(seed)
    _initialise(network, generator)
    layers = [layer for layer in network if isinstance(layer, nn.Linear)]
    if autoencoder:
        encoder = network[: 2 + list(network).index(layers[0])]  # with its sigmoid
        decoder = nn.utils.skip_init(nn.Linear, layers[0].out_features, layers[0].in_features)
        nn.init.zeros_(decoder.bias)
        _initialise(decoder, generator)

        def mistake(images: Tensor, labels: Tensor) -> Tensor:
            return F.binary_cross_entropy_with_logits(decoder(encoder(images)), images.flatten(1))

        _descend(nn.ModuleList([layers[0], decoder]), train, generator, epochs, mistake)
        layers[0].requires_grad_(False)

    def loss(images: Tensor, labels: Tensor) -> Tensor:
        decay = sum(
            weight * layer.weight.square().sum() / layer.out_features
            for weight, layer in zip(decays, layers, strict=True)
        )
        return F.cross_entropy(network(images), labels) + decay

    _descend(network, train, generator, epochs, loss)
    return network


def _initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Uniform weights, by the number of a unit's inputs; biases stay."""
    network.requires_grad_(True)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                bound = math.sqrt(6 / parameter[0].numel())
                parameter.uniform_(-bound, bound, generator=generator)


def _descend(
    network: nn.Module, train: Digits, generator: torch.Generator, epochs: int, loss: Callable[[Tensor, Tensor], Tensor]
) -> None:
    images = train.images.unsqueeze(1).to(torch.float32).div(255)
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=RATE)
    steps, step = epochs * -(-len(images) // BATCH), 0
    for _ in range(epochs):
        for rows in torch.randperm(len(images), generator=generator).split(BATCH):
            optimiser.param_groups[0]["lr"] = RATE * (1 - step / steps)
            optimiser.zero_grad()
            loss(images[rows], train.labels[rows]).backward()
            optimiser.step()
            step += 1
