"""What changes of single photographs do to the answers of networks, beside noise of the size of each change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo_fool.classifiers.scoring import Scorer
from evo_fool.randomness import Stream, stream
from evo_fool.studies.universal.measure import predictions
from evo_fool.studies.wilson import wilson

NOISE = ("random signs, equal L∞", "Gaussian noise, equal l2")
"""The controls, in the order in which they are shown."""

_HALVINGS = 30


@dataclass(frozen=True, slots=True)
class Changed:
    """Photographs that were changed, each into a class, by one method and for one network.

    Attributes:
        name: a short label.
        kind: ``evolved`` or the gradient method.
        network: the fingerprint of the network that they were made for.
        clean: uint8 ``(n, channels, height, width)``.
        images: what became of them, of the same shape.
        targets: class indices, int64 ``(n,)``.
    """

    name: str
    kind: str
    network: str
    clean: np.ndarray
    images: np.ndarray
    targets: np.ndarray

    @property
    def change(self) -> np.ndarray:
        """Of 255, float64 ``(n, values)``."""
        return (self.images.astype(np.float64) - self.clean).reshape(len(self.images), -1)

    @property
    def distortion(self) -> np.ndarray:
        """Root mean square of the change of a value in [0, 1], float64 ``(n,)``: Szegedy et al.'s."""
        return np.asarray(np.sqrt(np.square(self.change).mean(axis=1)) / 255)


def noise_of_size(clean: np.ndarray, changed: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """The controls: noise drawn for each picture, of the size of its change, by the names of :data:`NOISE`.

    Random signs have the L∞ norm of the change before they are clipped. Gaussian noise has the l2 norm of the change as
    stored bytes, after clipping and rounding, as nearly as they allow.

    Args:
        clean: uint8 ``(n, channels, height, width)``.
        changed: of the same shape.
        seed: with its place it decides the noise of a picture.
    """
    signs, gauss = np.empty_like(clean), np.empty_like(clean)
    for row, (before, after) in enumerate(zip(clean, changed, strict=True)):
        rng = stream(seed, "per-image noise", row)
        change = after.astype(np.float64) - before
        signs[row] = _added(before, rng.choice([-1.0, 1.0], before.shape) * np.abs(change).max())
        gauss[row] = _gaussian(before, float(np.linalg.norm(change)), rng)
    return dict(zip(NOISE, (signs, gauss), strict=True))


def _added(image: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.asarray(np.rint(image + values).clip(0, 255).astype(np.uint8))


def _gaussian(image: np.ndarray, length: float, rng: Stream) -> np.ndarray:
    """The image with noise whose stored change has this norm, found by bisection of its deviation."""
    values = rng.standard_normal(image.shape)
    low, high = 0.0, 255.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        stored = _added(image, middle * values)
        short = np.linalg.norm(stored.astype(np.float64) - image) < length
        low, high = (middle, high) if short else (low, middle)
    return _added(image, high * values)


def carried_over(changed: Changed, networks: Mapping[str, Scorer], seed: int) -> dict[str, Any]:
    """The entry of a method: sizes, and what each network answers, JSON-able.

    Returns:
        ``name``, ``kind`` and ``pairs``; ``distortion`` and ``linf``, each as quartiles, the latter of 255; ``on``, by
        network: ``own``, whether the images were made for it, and under ``made`` and each name of :data:`NOISE` the
        shares ``changed`` (the answer differs from that for the clean photograph) and ``hit`` (it is the target), each
        with its Wilson interval of 95 %.
    """
    beside = {"made": changed.images} | noise_of_size(changed.clean, changed.images, seed)
    on = {}
    for name, scorer in networks.items():
        clean = predictions(scorer, changed.clean)
        on[name] = {"own": scorer.classifier.fingerprint() == changed.network} | {
            what: answered(clean, predictions(scorer, images), changed.targets) for what, images in beside.items()
        }
    return {
        "name": changed.name,
        "kind": changed.kind,
        "pairs": len(changed.targets),
        "distortion": _quartiles(changed.distortion),
        "linf": _quartiles(np.abs(changed.change).max(axis=1)),
        "on": on,
    }


def answered(clean: np.ndarray, found: np.ndarray, targets: np.ndarray) -> dict[str, list[float]]:
    """The shares of answers that changed and that hit their target, as ``[share, low, high]`` with Wilson's interval.

    Args:
        clean: the answers for the clean photographs, int64 ``(n,)``.
        found: those for the changed ones.
        targets: the classes to reach.
    """
    shares = {"changed": found != clean, "hit": found == targets}
    return {key: [*wilson(int(share.sum()), len(share))] for key, share in shares.items()}


def _quartiles(values: np.ndarray) -> list[float]:
    return [float(value) for value in np.quantile(values, (0.25, 0.5, 0.75))]
