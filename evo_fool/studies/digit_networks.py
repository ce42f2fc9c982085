"""The networks for MNIST among which images are passed: LeNet from other starts, and other architectures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.lenet import lenet_classifier
from evo_fool.classifiers.mnist_architectures import ARCHITECTURES
from evo_fool.classifiers.mnist_data import Digits
from evo_fool.classifiers.zoo import SHIPPED as SHIPPED_WEIGHTS
from evo_fool.sections import ClassifierConfig
from evo_fool.studies.array_digest import array_digest
from evo_fool.studies.context import Context
from evo_fool.studies.data_folder import MnistData
from evo_fool.studies.training import trained_and_noted
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
    taught = f"epochs {epochs} MNIST {known}"

    def lenet(seed: int) -> Classifier:
        return lenet_classifier(training.fit(data.train, seed=seed, epochs=epochs, report=context.say)[0])

    def other(name: str) -> Classifier:
        classifier = ARCHITECTURES[name]()
        network = fit_architecture(name, data.train, seed=_SEEDS[0], epochs=epochs)
        classifier.network.load_state_dict(network.state_dict())
        return classifier

    def made(what: str, spec: str, seed: int, fit: Callable[[], Classifier]) -> DigitNetwork:
        def make() -> tuple[nn.Module, dict[str, Any]]:
            classifier = fit()
            context.count(len(data.test.labels))
            return classifier.network, {"test_error": _test_error(classifier, data.test)}

        path, noted = trained_and_noted(context, f"{what} seed {seed} {taught}", make)
        config = ClassifierConfig(spec=spec, weights=str(path.absolute()))
        return DigitNetwork(config, seed, epochs, float(noted["test_error"]))

    networks = {SHIPPED: shipped()}
    for letter, seed in zip("BC", _SEEDS, strict=True):
        networks[f"{SHIPPED} {letter}"] = made(SHIPPED, "lenet-mnist", seed, partial(lenet, seed))
    for name in ARCHITECTURES:
        spec = f"import:evo_fool.classifiers.mnist_architectures:{name}"
        networks[name] = made(name, spec, _SEEDS[0], partial(other, name))
    return networks


def shipped() -> DigitNetwork:
    """The network of the package, from the record of its training."""
    record = json.loads(SHIPPED_WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))
    return DigitNetwork(ClassifierConfig(), record["seed"], record["epochs"], record["test_error"])


def _test_error(classifier: Classifier, test: Digits) -> float:
    images = test.images.unsqueeze(1).to(torch.float32).div(255)
    with torch.inference_mode():
        answers = torch.cat([classifier(part).argmax(1) for part in images.split(500)])
    return int((answers != test.labels).sum()) / len(test.labels)
