"""More small networks for MNIST, unlike LeNet, for measuring whether fooling images transfer.

``mlp`` has no convolution, ``convnet`` no hidden dense layer; ``fc10``, ``fc100``, ``fc200`` and ``ae400`` are those of
Szegedy et al. (ICLR 2014, Table 1). They ship without weights: train them with
:func:`evo_fool.training.architectures.fit` or :func:`~evo_fool.training.architectures.fit_decaying`, then evolve
against ``import:evo_fool.classifiers.mnist_architectures:mlp`` with the weights file that was saved.
"""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.lenet import DIGITS, SIZE


def mlp() -> Classifier:
    """784 → 300 → 100 → 10 with ReLU; weights zero, to be loaded."""
    return _classifier(
        "mnist-mlp", nn.Flatten(), _linear(SIZE**2, 300), nn.ReLU(), _linear(300, 100), nn.ReLU(), _linear(100, 10)
    )


def convnet() -> Classifier:
    """Two 3×3 convolutions (16, 32), each with ReLU and pooling, then straight to 10; weights zero, to be loaded."""
    return _classifier(
        "mnist-convnet",
        *(_convolution(1, 16), nn.ReLU(), nn.MaxPool2d(2)),
        *(_convolution(16, 32), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), _linear(32 * (SIZE // 4) ** 2, 10)),
    )


def fc10() -> Classifier:
    """784 → 10, a softmax classifier; weights zero, to be loaded."""
    return _sigmoid("mnist-fc10", SIZE**2, len(DIGITS))


def fc100() -> Classifier:
    """784 → 100 → 100 → 10 with sigmoids; weights zero, to be loaded."""
    return _sigmoid("mnist-fc100-100-10", SIZE**2, 100, 100, len(DIGITS))


def fc200() -> Classifier:
    """784 → 200 → 200 → 10 with sigmoids; weights zero, to be loaded."""
    return _sigmoid("mnist-fc200-200-10", SIZE**2, 200, 200, len(DIGITS))


def ae400() -> Classifier:
    """784 → 400 → 10: softmax on the sigmoids of an autoencoder's hidden layer; weights zero, to be loaded."""
    return _sigmoid("mnist-ae400-10", SIZE**2, 400, len(DIGITS))


ARCHITECTURES = {"mlp": mlp, "convnet": convnet}


def _classifier(name: str, *layers: nn.Module) -> Classifier:
    network = nn.Sequential(*layers)
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    return Classifier(network, classes=DIGITS, size=SIZE, channels=1, name=name)


def _sigmoid(name: str, *widths: int) -> Classifier:
    """Linear layers between widths, and sigmoids between the layers."""
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise(widths):
        layers += [_linear(inputs, outputs), nn.Sigmoid()]
    return _classifier(name, *layers[:-1])


def _linear(inputs: int, outputs: int) -> nn.Module:
    # torch's own initialisation would draw from the global generator.
    return nn.utils.skip_init(nn.Linear, inputs, outputs)


def _convolution(inputs: int, outputs: int) -> nn.Module:
    return nn.utils.skip_init(nn.Conv2d, inputs, outputs, kernel_size=3, padding=1)
