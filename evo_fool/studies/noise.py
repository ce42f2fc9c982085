"""Images that nobody evolved, and what a network makes of them: the controls that belong to every claim of "fooled".

A network calls noise something, and often with confidence. So a claim names how sure it is of as many random images,
best of them for each class, and how many classes these reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.probability import probability
from evo_fool.randomness import Stream, stream

KINDS = ("uniform", "gaussian", "permuted", "constant", "low-frequency")
"""uniform: every byte alike. gaussian: around middle grey, deviation 64, clipped. permuted: the pixels of a natural
image in another order. constant: one colour all over. low-frequency: a coarse random grid, drawn smoothly."""

_CHUNK = 512
_COARSE = (2, 3, 4, 6, 8)


def random_images(
    kind: str, n: int, shape: tuple[int, int, int], rng: Stream, natural: np.ndarray | None = None
) -> np.ndarray:
    """Random images, uint8 ``(n, *shape)``.

    Args:
        kind: one of :data:`KINDS`.
        n: how many.
        shape: channels, height, width.
        rng: where they come from.
        natural: uint8 ``(m, *shape)``, whose pixels ``permuted`` puts in another order.

    Raises:
        ConfigError: an unknown kind, or ``permuted`` without natural images.
    """
    channels, height, width = shape
    match kind:
        case "uniform":
            return rng.integers(0, 256, (n, *shape), dtype=np.uint8)
        case "gaussian":
            values = rng.standard_normal((n, *shape), dtype=np.float32) * 64 + 127.5
            return np.clip(values, 0, 255).astype(np.uint8)
        case "constant":
            colours = rng.integers(0, 256, (n, channels, 1, 1), dtype=np.uint8)
            return np.broadcast_to(colours, (n, *shape)).copy()
        case "low-frequency":
            return _smooth(n, shape, rng)
        case "permuted":
            if natural is None or not len(natural):
                raise ConfigError("permuted images need natural ones; give --data DIR")
            chosen = natural[rng.integers(len(natural), size=n)].reshape(n, channels, height * width)
            order = np.broadcast_to(rng.permuted(_indices(n, height * width), axis=1)[:, None], chosen.shape)
            return np.take_along_axis(chosen, order, axis=2).reshape(n, *shape)
        case _:
            raise ConfigError(_unknown(kind))


def checked_kind(kind: str) -> str:
    """``kind``, which is one of :data:`KINDS`.

    Raises:
        ConfigError: it is none.
    """
    if kind not in KINDS:
        raise ConfigError(_unknown(kind))
    return kind


def _unknown(kind: str) -> str:
    return f"noise {kind!r} is unknown; choose one of {', '.join(KINDS)}"


def _indices(n: int, pixels: int) -> np.ndarray:
    return np.tile(np.arange(pixels, dtype=np.int32), (n, 1))


def _smooth(n: int, shape: tuple[int, int, int], rng: Stream) -> np.ndarray:
    """Bicubic between the points of a random grid of 2 to 8 points a side, stretched to the full range."""
    channels, height, width = shape
    images = np.empty((n, *shape), np.uint8)
    sides = rng.choice(_COARSE, size=n)
    for side in _COARSE:
        rows = np.flatnonzero(sides == side)
        if not len(rows):
            continue
        grid = torch.from_numpy(rng.random((len(rows), channels, side, side), dtype=np.float32))
        fine = F.interpolate(grid, (height, width), mode="bicubic", align_corners=True)
        low, high = fine.amin((2, 3), keepdim=True), fine.amax((2, 3), keepdim=True)
        images[rows] = ((fine - low) / (high - low).clamp_min(1e-6) * 255).to(torch.uint8).numpy()
    return images


@dataclass(frozen=True, slots=True)
class Harvest:
    """What a network made of many images.

    Attributes:
        n: how many.
        best: the highest probability that any image has of each class, float64 ``(classes,)``.
        called: how many images have each class as their first, int64 ``(classes,)``.
        mean_top: mean probability of the first class.
        sure: share of images with at least 99 % for their first class.
        steps: numbers of images at which ``medians`` was taken.
        medians: median over classes of ``best`` so far.
    """

    n: int
    best: np.ndarray
    called: np.ndarray
    mean_top: float
    sure: float
    steps: tuple[int, ...]
    medians: tuple[float, ...]

    @property
    def classes_called(self) -> int:
        """Classes that are some image's first."""
        return int((self.called > 0).sum())

    def reaching(self, threshold: float) -> int:
        """Classes of which some image has at least so high a probability."""
        return int((self.best >= threshold).sum())

    def as_json(self) -> dict[str, Any]:
        """All of it, JSON-able."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Harvest:
        """Back from :meth:`as_json`."""
        return cls(
            n=data["n"],
            best=np.array(data["best"]),
            called=np.array(data["called"], dtype=np.int64),
            mean_top=data["mean_top"],
            sure=data["sure"],
            steps=tuple(data["steps"]),
            medians=tuple(data["medians"]),
        )


def harvest(scorer: Scorer, images: Iterator[np.ndarray]) -> Harvest:
    """Score images in batches, and keep the best of each class.

    Args:
        scorer: the network at work.
        images: batches of uint8 ``(n, channels, height, width)``; at least one image in all.
    """
    best = np.full(len(scorer.classifier.classes), -np.inf)
    called = np.zeros(len(best), dtype=np.int64)
    n, total, sure = 0, 0.0, 0
    steps: list[int] = []
    medians: list[float] = []
    for batch in images:
        log_odds = scorer.score(batch)
        best = np.maximum(best, log_odds.max(axis=0))
        called += np.bincount(log_odds.argmax(axis=1), minlength=len(best))
        top = probability(log_odds.max(axis=1))
        n, total, sure = n + len(batch), total + float(top.sum()), sure + int((top >= 0.99).sum())
        steps.append(n)
        medians.append(float(np.median(probability(best))))
    return Harvest(n, probability(best), called, total / n, sure / n, tuple(steps), tuple(medians))


def harvest_noise(
    kind: str, n: int, scorer: Scorer, *, seed: int, natural: np.ndarray | None = None, check: Callable[[], None]
) -> Harvest:
    """:func:`harvest` of ``n`` random images of one kind, of the classifier's size.

    Args:
        kind: see :func:`random_images`.
        n: how many.
        scorer: the network at work.
        seed: decides the images.
        natural: for ``permuted``.
        check: called before each batch; may raise to stop.
    """
    shape = (scorer.classifier.channels, scorer.classifier.size, scorer.classifier.size)
    # Whatever its size, an image is one of a fixed sequence: batches are streams of their own, numbered.
    chunk = _CHUNK if shape[1] <= 64 else 64

    def batches() -> Iterator[np.ndarray]:
        for number, start in enumerate(range(0, n, chunk)):
            check()
            rng = stream(seed, f"noise {kind}", number)
            yield random_images(kind, min(chunk, n - start), shape, rng, natural)

    return harvest(scorer, batches())
