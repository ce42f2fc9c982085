"""The networks for MNIST among which images are passed: LeNet from other starts, and other architectures."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import nn

from evo_fool.classifiers import training
from evo_fool.classifiers.mnist_architectures import ARCHITECTURES
from evo_fool.classifiers.mnist_architectures import fit as fit_architecture
from evo_fool.experiment import ClassifierConfig
from evo_fool.studies.training import trained
from evo_fool.studies.workshop import MnistData, Workshop

SHIPPED = "LeNet"
"""The network of the package, by the name that tables have for it."""

_SEEDS = (101, 102)


def digit_networks(workshop: Workshop, data: MnistData) -> dict[str, ClassifierConfig]:
    """The shipped LeNet, two of the same architecture from other starts, and two other architectures; trained once.

    Args:
        workshop: where their weights lie.
        data: what they learn.
    """
    epochs = workshop.scale(smoke=1, laptop=3, paper=training.EPOCHS)
    train = data.train

    def lenet(seed: int) -> tuple[nn.Module, dict[str, Any]]:
        network, _ = training.fit(train, seed=seed, epochs=epochs, report=workshop.say)
        return network, {"test_error": training.count_errors(network, data.test) / len(data.test.labels)}

    def other(name: str) -> tuple[nn.Module, dict[str, Any]]:
        return fit_architecture(name, train, seed=_SEEDS[0], epochs=epochs), {}

    networks = {SHIPPED: ClassifierConfig()}
    for letter, seed in zip("BC", _SEEDS, strict=True):
        path = trained(workshop, f"LeNet seed {seed} epochs {epochs}", partial(lenet, seed))
        networks[f"{SHIPPED} {letter}"] = ClassifierConfig(weights=str(path.absolute()))
    for name in ARCHITECTURES:
        path = trained(workshop, f"{name} seed {_SEEDS[0]} epochs {epochs}", partial(other, name))
        spec = f"import:evo_fool.classifiers.mnist_architectures:{name}"
        networks[name] = ClassifierConfig(spec=spec, weights=str(path.absolute()))
    return networks
