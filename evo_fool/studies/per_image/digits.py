"""Tables 1 and 2 of Szegedy et al. (ICLR 2014) on MNIST: the least changes of digits, network by network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from evo_fool.classifiers import mnist_architectures
from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.gradient.lbfgs import lbfgs
from evo_fool.randomness import stream
from evo_fool.sampling import evenly
from evo_fool.scenes.photographs import Photographs
from evo_fool.session.gradient_run import random_targets
from evo_fool.studies.array_digest import array_digest
from evo_fool.studies.context import Context
from evo_fool.studies.data_folder import MnistData
from evo_fool.studies.per_image.measure import noise_of_size
from evo_fool.studies.training import trained
from evo_fool.studies.universal.measure import predictions
from evo_fool.training.architectures import fit_decaying

_SEED = 101
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Published:
    """A network of Table 1.

    Attributes:
        make: without weights.
        decays: weight decay of each layer.
        error: on the test digits, in [0, 1].
        distortion: the mean of the least changes, for values in [0, 1].
        carried: Table 2: the error on changes made for it of FC10(1e-4), FC100-100-10 and AE400-10; None: not given.
    """

    make: Callable[[], Classifier]
    decays: tuple[float, ...]
    error: float
    distortion: float
    carried: tuple[float, float, float] | None

    @property
    def autoencoder(self) -> bool:
        """Whether its first layer learns as an autoencoder's."""
        return self.make is mnist_architectures.ae400


_SIGMOID = (1e-5, 1e-5, 1e-6)
TABLE: dict[str, Published] = {
    "FC10(1e-4)": Published(mnist_architectures.fc10, (1e-4,), 0.074, 0.062, (1.0, 0.02, 0.027)),
    "FC10(1e-2)": Published(mnist_architectures.fc10, (1e-2,), 0.094, 0.1, (0.871, 0.359, 0.098)),
    "FC10(1)": Published(mnist_architectures.fc10, (1.0,), 0.2, 0.14, (0.719, 0.481, 0.344)),
    "FC100-100-10": Published(mnist_architectures.fc100, _SIGMOID, 0.0164, 0.058, (0.289, 1.0, 0.02)),
    "FC200-200-10": Published(mnist_architectures.fc200, _SIGMOID, 0.0154, 0.065, (0.382, 0.203, 0.027)),
    "AE400-10": Published(mnist_architectures.ae400, (0.0, 1e-6), 0.019, 0.086, None),
}
"""The networks of Table 1, by their names there."""

JUDGES = ("FC10(1e-4)", "FC100-100-10", "AE400-10")
"""The columns of Table 2."""

DEVIATIONS: dict[float, tuple[float, float, float]] = {0.1: (0.05, 0.0, 0.008), 0.3: (0.156, 0.05, 0.031)}
"""Table 2: the error of :data:`JUDGES` on digits with Gaussian noise, by its deviation."""


def digit_tables(context: Context, data: MnistData) -> dict[str, Any]:
    """Both tables, JSON-able.

    Args:
        context: its budget decides how many digits are changed, and for how long the networks learn.
        data: MNIST.

    Returns:
        ``digits``, how many; ``epochs``; ``networks``, by name: ``error`` on all test digits, ``success``, the share of
        changes that hit their target as bytes, and the mean ``distortion``; ``errors``, by what the digits went
        through, and then by network: the share that it misclassifies. That is ``clean``, :func:`noisy`, the
        networks that they were changed for, and these names followed by those of :data:`~.measure.NOISE`.
    """
    epochs = context.scale(smoke=1, laptop=10, paper=40)
    n = context.scale(smoke=10, laptop=100, paper=1000)
    networks, notes = {}, {}
    known = array_digest(data.train.images, data.train.labels, data.test.images, data.test.labels)
    for name, published in TABLE.items():
        key = f"Szegedy {name} seed {_SEED} epochs {epochs} MNIST {known}"
        path, notes[name] = trained(context, key, partial(_train, context, data, published, epochs))
        spec = f"import:{mnist_architectures.__name__}:{published.make.__name__}"
        networks[name] = context.scorer(context.classifier(spec, path.absolute()))
    seed = context.seeds[0]

    def measure() -> dict[str, Any]:
        found = _tables(context, data, networks, n, seed)
        for name, entry in found["networks"].items():
            entry["error"] = notes[name]["test_error"]
        return found | {"digits": n, "epochs": epochs}

    fingerprints = " ".join(scorer.classifier.fingerprint()[:8] for scorer in networks.values())
    return context.cache(f"least changes of {n} test digits of MNIST {known}, seed {seed}, {fingerprints}", measure)


def _tables(context: Context, data: MnistData, networks: dict[str, Scorer], n: int, seed: int) -> dict[str, Any]:
    places = evenly(len(data.test.labels), n)
    clean, labels = data.test.images[places].unsqueeze(1).numpy(), data.test.labels[places].numpy()
    digits = Photographs(clean, labels, tuple(map(str, places.tolist())))
    shown = {"clean": clean}
    for deviation in DEVIATIONS:
        noise = stream(seed, f"digits with noise {deviation:g}").normal(0, 255 * deviation, clean.shape)
        shown[noisy(deviation)] = np.rint(clean + noise).clip(0, 255).astype(np.uint8)
    entries = {}
    for name, scorer in networks.items():
        context.check()
        targets = random_targets(scorer.classifier, digits, seed, places=places)
        found = lbfgs(scorer.classifier, clean, targets.tolist())
        context.count(found.asked)
        entries[name] = {"success": float(found.success.mean()), "distortion": float(found.distortion.mean())}
        shown[name] = found.images
        shown |= {f"{name}, {noise}": images for noise, images in noise_of_size(clean, found.images, seed).items()}
    errors = {
        what: {name: float((predictions(scorer, images) != labels).mean()) for name, scorer in networks.items()}
        for what, images in shown.items()
    }
    return {"networks": entries, "errors": errors}


def noisy(deviation: float) -> str:
    """The name of digits with Gaussian noise."""
    return f"noise {deviation:g}"


def _train(context: Context, data: MnistData, published: Published, epochs: int) -> tuple[nn.Module, dict[str, Any]]:
    """A trained network and its test error."""
    classifier = published.make()
    learning = {"decays": published.decays, "seed": _SEED, "epochs": epochs, "autoencoder": published.autoencoder}
    fit_decaying(classifier.network, data.train, **learning)  # type: ignore[arg-type]
    images, labels = data.test.images.unsqueeze(1).to(torch.float32).div(255), data.test.labels
    context.count(len(labels))
    with torch.inference_mode():
        answers = torch.cat([classifier(part).argmax(1) for part in images.split(_AT_ONCE)])
    return classifier.network, {"test_error": int((answers != labels).sum()) / len(labels)}
