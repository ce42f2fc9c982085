"""What a random picture looks like to a network, and what lies between a fooling image and a natural one.

The paper's argument on discriminative models: natural images are a thin sheet of few dimensions in the space of all
pictures, and a network that divides all of that space puts nearly everything far from the sheet and far from its
borders. Three measurements of it:

- random pictures: how sure the network is of them, and how few classes it calls them;
- straight lines from a fooling image to a natural one of the same class, with the confidence along the way, beside
  such lines between two natural images;
- how many dimensions images fill locally, by the ratio of the distances to the two nearest neighbours (Facco, d'Errico,
  Rodriguez & Laio, "Estimating the intrinsic dimension of datasets by a minimal neighborhood information", 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.probability import probability
from evo_fool.studies.elites import ImageSet, shares

_CHUNK = 4_000_000
"""Values of points that are compared with all others at a time, for memory's sake."""

_DISCARDED = 0.1
"""Share of the largest distance ratios that the estimate leaves out, as its authors do: they are few and far."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a network says of pictures that belong to no class.

    Attributes:
        top: probability of the class it answers, float64 ``(n,)``.
        answers: that class, int64 ``(n,)``.
        classes: how many it could have answered.
    """

    top: np.ndarray
    answers: np.ndarray
    classes: int

    @property
    def reached(self) -> int:
        """How many classes are answered at all."""
        return len(np.unique(self.answers))

    @property
    def commonest(self) -> tuple[int, float]:
        """The class answered most often, and its share of the pictures."""
        counts = np.bincount(self.answers, minlength=self.classes)
        return int(counts.argmax()), float(counts.max() / len(self.answers))

    def to_json(self, names: Sequence[str]) -> dict[str, Any]:
        """The figures of the whole, JSON-able; ``names`` are the classes'."""
        answer, share = self.commonest
        return {
            "images": len(self.top),
            "mean_confidence": float(self.top.mean()),
            "reaching": shares(self.top),
            "classes_answered": self.reached,
            "classes": self.classes,
            "commonest": names[answer],
            "commonest_share": share,
        }


@dataclass(frozen=True, slots=True)
class Paths:
    """Confidence along straight lines.

    Attributes:
        at: position on the way, 0 at the first end, float64 ``(steps,)``.
        first: probability of the first end's class, float64 ``(n, steps)``.
        second: probability of the second end's class; equal to ``first`` where the classes are.
        top: probability of whatever is answered.
        answers: what is answered, int64 ``(n, steps)``.
    """

    at: np.ndarray
    first: np.ndarray
    second: np.ndarray
    top: np.ndarray
    answers: np.ndarray

    @property
    def either(self) -> np.ndarray:
        """Probability of the likelier of the two ends' classes, float64 ``(n, steps)``; one class: of that one."""
        either: np.ndarray = np.maximum(self.first, self.second)
        return either

    @property
    def lowest(self) -> np.ndarray:
        """The smallest probability of either end's class along each way, float64 ``(n,)``."""
        lowest: np.ndarray = self.either.min(axis=1)
        return lowest

    def dip(self, threshold: float = 0.5) -> np.ndarray:
        """Share of each way on which both ends' classes are less probable than ``threshold``, float64 ``(n,)``."""
        dip: np.ndarray = (self.either < threshold).mean(axis=1)
        return dip

    def to_json(self) -> dict[str, Any]:
        """The figures of the whole, JSON-able; medians over the ways."""
        return {
            "ways": len(self.first),
            "at": self.at.tolist(),
            "first": np.median(self.first, axis=0).tolist(),
            "second": np.median(self.second, axis=0).tolist(),
            "either": np.median(self.either, axis=0).tolist(),
            "top": np.median(self.top, axis=0).tolist(),
            "lowest": float(np.median(self.lowest)),
            "dip": float(self.dip().mean()),
            "never_below_half": float((self.lowest >= 0.5).mean()),
        }


def see(scorer: Scorer, images: np.ndarray) -> Sight:
    """What a network says of images, uint8 ``(n, channels, height, width)``.

    Raises:
        ClassifierError: it fails.
    """
    log_odds = scorer.score(images)
    return Sight(probability(log_odds.max(axis=1)), log_odds.argmax(axis=1), log_odds.shape[1])


def line(first: np.ndarray, second: np.ndarray, steps: int) -> np.ndarray:
    """Images on the straight line from one to the other, both included, rounded to bytes.

    Args:
        first: uint8 ``(channels, height, width)``.
        second: uint8, of the same shape.
        steps: how many images, at least 2.

    Returns:
        uint8 ``(steps, channels, height, width)``.

    Raises:
        ConfigError: images of different shapes, or fewer than two steps.
    """
    if first.shape != second.shape:
        raise ConfigError(f"no line from an image {first.shape} to one {second.shape}; they must have the same shape")
    if steps < 2:
        raise ConfigError(f"steps = {steps}: a line has at least 2 ends")
    at = np.linspace(0, 1, steps).reshape(-1, *[1] * first.ndim)
    blend: np.ndarray = np.rint((1 - at) * first.astype(np.float64) + at * second.astype(np.float64)).astype(np.uint8)
    return blend


def follow(scorer: Scorer, starts: ImageSet, ends: ImageSet, *, steps: int = 21) -> Paths:
    """Score the straight line from each start to the end in the same place.

    Raises:
        ConfigError: sets of different lengths, none at all, or images of different shapes.
        ClassifierError: the classifier fails.
    """
    if len(starts) != len(ends) or not len(starts):
        raise ConfigError(f"{len(starts)} starts and {len(ends)} ends: give as many of each, and at least one")
    rows = [scorer.score(line(a, b, steps)) for a, b in zip(starts.images, ends.images, strict=True)]
    log_odds = np.stack(rows)
    place = np.arange(len(rows))
    return Paths(
        at=np.linspace(0, 1, steps),
        first=probability(log_odds[place, :, starts.targets]),
        second=probability(log_odds[place, :, ends.targets]),
        top=probability(log_odds.max(axis=2)),
        answers=log_odds.argmax(axis=2),
    )


def pair_rows(elites: ImageSet, natural: ImageSet) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the elites, and of the first natural image of the class of each; int64 ``(k,)`` both.

    Classes without a natural image are left out; with not one class in common both are empty.
    """
    first = {int(target): row for row, target in reversed(list(enumerate(natural.targets)))}
    rows = [row for row, target in enumerate(elites.targets) if int(target) in first]
    ends = [first[int(elites.targets[row])] for row in rows]
    return np.array(rows, dtype=np.int64), np.array(ends, dtype=np.int64)


def natural_pairs(natural: ImageSet, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
    """What ways between natural images begin and end with, as a comparison for those that end in ``rows``.

    Args:
        natural: all natural images.
        rows: of them, one for each class, int64 ``(n,)``.

    Returns:
        Rows of the starts and the ends, int64 ``(k,)`` each, and whether both are of one class. So they are where at
        least half of the classes have another image, which is then the end; classes without one are left out.
        Otherwise each of ``rows`` is followed to the one before it, which is of another class; none for a single row.
    """
    other = [np.flatnonzero(natural.targets == natural.targets[row]) for row in rows]
    starts = [int(row) for row, same in zip(rows, other, strict=True) if len(same) > 1]
    ends = [int(same[same != row][0]) for row, same in zip(rows, other, strict=True) if len(same) > 1]
    if starts and 2 * len(starts) >= len(rows):
        return np.array(starts), np.array(ends), True
    rows = rows if len(rows) > 1 else rows[:0]
    return rows, np.roll(rows, 1), False


def intrinsic_dimension(points: np.ndarray) -> float:
    """How many dimensions points fill locally (TwoNN): with r₁, r₂ the distances to the two nearest neighbours, the
    ratio r₂/r₁ of uniformly spread points follows a Pareto law whose exponent is the dimension.

    Args:
        points: ``(n, …)``; whatever follows the first axis is flattened. Repeated points count once.

    Raises:
        ConfigError: fewer than ten distinct points.
    """
    flat = np.unique(points.reshape(len(points), -1), axis=0).astype(np.float32)
    if len(flat) < 10:
        raise ConfigError(f"{len(flat)} distinct points: the intrinsic dimension takes at least 10")
    squares = (flat**2).sum(axis=1)
    nearest = []
    chunk = max(1, _CHUNK // flat.shape[1])
    for start in range(0, len(flat), chunk):
        part = flat[start : start + chunk]
        # Two candidates by the fast formula, whose rounding is then mended by measuring these again.
        distances = squares[None] - 2 * part @ flat.T
        rows = np.arange(len(part))
        distances[rows, start + rows] = np.inf
        two = np.argpartition(distances, 1, axis=1)[:, :2]
        exact = np.linalg.norm(flat[two].astype(np.float64) - part[:, None], axis=2)
        nearest.append(np.sort(exact, axis=1))
    ordered = np.concatenate(nearest)
    ratio = np.sort(np.log(ordered[:, 1] / ordered[:, 0]))
    n = len(ratio)
    kept = int(n * (1 - _DISCARDED))
    # The law as a straight line through the origin: −log(1 − F) = d · log(ratio).
    rank = -np.log1p(-np.arange(1, kept + 1) / n)
    x = ratio[:kept]
    return float((x * rank).sum() / (x**2).sum())
