"""Whether images that fool one network fool another; the paper asks it of two initialisations, and of AlexNet and
GoogLeNet.

A matrix of image sets × networks: how many keep their class, and how sure the other network is of it. Images that were
evolved against several networks at once (:mod:`evo_fool.classifiers.ensemble`) are one more row, and uniform noise is
the last one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.probability import probability
from evo_fool.studies.elites import ImageSet

THRESHOLDS = (0.9, 0.99, 0.9999)


@dataclass(frozen=True, slots=True)
class TransferMatrix:
    """How image sets (rows) fare with networks (columns).

    Attributes:
        sources: names of the sets.
        judges: names of the networks.
        agreement: share of images whose target the network answers, float64 ``(sources, judges)``.
        mean: mean probability of the target.
        median: median probability of the target.
        reaching: for each of :data:`THRESHOLDS`, the share of images whose target reaches it.
        everywhere: for each of :data:`THRESHOLDS`, the share that reaches it with every network, ``(sources,)``.
    """

    sources: tuple[str, ...]
    judges: tuple[str, ...]
    agreement: np.ndarray
    mean: np.ndarray
    median: np.ndarray
    reaching: dict[float, np.ndarray]
    everywhere: dict[float, np.ndarray]

    def to_json(self) -> dict[str, Any]:
        """The whole, JSON-able."""
        return {
            "sources": list(self.sources),
            "judges": list(self.judges),
            "agreement": self.agreement.tolist(),
            "mean": self.mean.tolist(),
            "median": self.median.tolist(),
            "reaching": {f"{t:g}": table.tolist() for t, table in self.reaching.items()},
            "everywhere": {f"{t:g}": column.tolist() for t, column in self.everywhere.items()},
        }


def transfer(sets: Sequence[ImageSet], judges: Mapping[str, Scorer]) -> TransferMatrix:
    """Show every set to every network.

    Args:
        sets: one or more, none of them empty.
        judges: networks at work, by name, that know the classes of the sets.

    Raises:
        ConfigError: nothing to compare, an empty set, or a network that knows other classes.
        ClassifierError: a network fails.
    """
    if not sets or not judges:
        raise ConfigError("transfer needs at least one set of images and one network")
    for images in sets:
        if not len(images):
            raise ConfigError(f"{images.name}: no images to show")
        for name, scorer in judges.items():
            if tuple(scorer.classifier.classes) != images.classes:
                raise ConfigError(
                    f"{name} knows {len(scorer.classifier.classes)} classes that are not the {len(images.classes)} of "
                    f"{images.name}; compare networks of the same classes"
                )
    shape = len(sets), len(judges)
    agreement, mean, median = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    reaching = {threshold: np.zeros(shape) for threshold in THRESHOLDS}
    everywhere = {threshold: np.zeros(len(sets)) for threshold in THRESHOLDS}
    for i, images in enumerate(sets):
        rows = np.arange(len(images))
        least = np.ones(len(images))
        for j, scorer in enumerate(judges.values()):
            log_odds = scorer.score(images.images)
            p = probability(log_odds[rows, images.targets])
            least = np.minimum(least, p)
            agreement[i, j] = (log_odds.argmax(axis=1) == images.targets).mean()
            mean[i, j] = p.mean()
            median[i, j] = np.median(p)
            for threshold in THRESHOLDS:
                reaching[threshold][i, j] = (p >= threshold).mean()
        for threshold in THRESHOLDS:
            everywhere[threshold][i] = (least >= threshold).mean()
    return TransferMatrix(
        sources=tuple(images.name for images in sets),
        judges=tuple(judges),
        agreement=agreement,
        mean=mean,
        median=median,
        reaching=reaching,
        everywhere=everywhere,
    )
