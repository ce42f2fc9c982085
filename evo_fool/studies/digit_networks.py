"""The networks for MNIST among which images are passed: LeNet from other starts, and other architectures."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.lenet import DIGITS
from evo_fool.classifiers.mnist_architectures import ARCHITECTURES
from evo_fool.classifiers.zoo import SHIPPED as SHIPPED_WEIGHTS
from evo_fool.sections import ClassifierConfig
from evo_fool.studies.array_digest import array_digest
from evo_fool.studies.context import Context
from evo_fool.studies.data_folder import MnistData
from evo_fool.studies.training import trained
from evo_fool.training import lenet as training
from evo_fool.training.architectures import fit as fit_architecture

SHIPPED = "LeNet"
"""The network of the package, by the name that tables have for it."""

_SEEDS = (101, 102)


@dataclass(frozen=True, slots=True)
class DigitNetwork:
    """A trained network, and how it came about.

    Attributes:
        config: names it for an experiment.
        seed: of its training.
        epochs: passes over the training images.
        test_error: share of the test images that it misclassifies, in [0, 1].
    """

    config: ClassifierConfig
    seed: int
    epochs: int
    test_error: float

    def to_json(self) -> dict[str, Any]:
        """What a reader has to know of it; not where its weights lie."""
        return {"spec": self.config.spec} | {k: v for k, v in asdict(self).items() if k != "config"}


def digit_networks(context: Context, data: MnistData) -> dict[str, DigitNetwork]:
    """The shipped LeNet, two of the same architecture from other starts, and two other architectures; trained once.

    Only the budget ``paper`` trains them for as many passes as the shipped one: on two cores it takes some ten minutes.

    Args:
        context: where their weights lie.
        data: what they learn.
    """
    epochs = context.scale(smoke=1, laptop=3, paper=training.EPOCHS)
    known = array_digest(data.train.images, data.train.labels, data.test.images, data.test.labels)
    record = json.loads(SHIPPED_WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))
    networks = {SHIPPED: DigitNetwork(ClassifierConfig(), record["seed"], record["epochs"], record["test_error"])}
    wanted = [(f"{SHIPPED} {letter}", SHIPPED, seed) for letter, seed in zip("BC", _SEEDS, strict=True)]
    for name, architecture, seed in [*wanted, *((name, name, _SEEDS[0]) for name in ARCHITECTURES)]:
        make = partial(_train, context, data, architecture, seed, epochs)
        path, noted = trained(context, f"{architecture} seed {seed} epochs {epochs} MNIST {known}", make)
        imported = f"import:evo_fool.classifiers.mnist_architectures:{architecture}"
        spec = "lenet-mnist" if architecture == SHIPPED else imported
        config = ClassifierConfig(spec=spec, weights=str(path.absolute()))
        networks[name] = DigitNetwork(config, seed, epochs, float(noted["test_error"]))
    return networks


def _train(
    context: Context, data: MnistData, architecture: str, seed: int, epochs: int
) -> tuple[nn.Module, dict[str, Any]]:
    """A trained network and its test error."""
    if architecture == SHIPPED:
        network: nn.Module = training.fit(data.train, seed=seed, epochs=epochs, report=context.say)[0]
    else:
        network = fit_architecture(architecture, data.train, seed=seed, epochs=epochs)
    classifier = Classifier(network, classes=DIGITS, size=28, channels=1, name=architecture)
    images, labels = data.test.images.unsqueeze(1).to(torch.float32).div(255), data.test.labels
    context.count(len(labels))
    with torch.inference_mode():
        answers = torch.cat([classifier(part).argmax(1) for part in images.split(500)])
    return network, {"test_error": int((answers != labels).sum()) / len(labels)}
