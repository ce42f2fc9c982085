"""Whether images that fool one network fool another; the paper asks it of two initialisations, and of AlexNet and
GoogLeNet.

A matrix of image sets × networks: how many keep their class, and how sure the other network is of it. Images that were
evolved against several networks at once (:mod:`evo_fool.classifiers.ensemble`) are one more row. Beside them stands
uniform noise: for each network the image of which it is surest for each class, and all images with the classes in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.probability import probability
from evo_fool.studies.elites import ImageSet

THRESHOLDS = (0.9, 0.99, 0.9999)

CHANCE = "uniform noise, each class in turn"
"""The row of a matrix of noise that is 1 in the number of classes by construction."""


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
        both: for each of :data:`THRESHOLDS`, the share whose target reaches it with this network and with the one that
            the set is named after; a set named after none of them: the same as ``reaching``.
        everywhere: for each of :data:`THRESHOLDS`, the share that reaches it with every network, ``(sources,)``.
    """

    sources: tuple[str, ...]
    judges: tuple[str, ...]
    agreement: np.ndarray
    mean: np.ndarray
    median: np.ndarray
    reaching: dict[float, np.ndarray]
    both: dict[float, np.ndarray]
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
            "both": {f"{t:g}": table.tolist() for t, table in self.both.items()},
            "everywhere": {f"{t:g}": column.tolist() for t, column in self.everywhere.items()},
        }


def transfer(sets: Sequence[ImageSet], judges: Mapping[str, Scorer]) -> TransferMatrix:
    """Show every set to every network.

    Args:
        sets: one or more, none of them empty; one that has a network's name was made with that network.
        judges: networks at work, by name, that know the classes of the sets.

    Raises:
        ConfigError: nothing to compare, an empty set, or a network that knows other classes.
        ClassifierError: a network fails.
    """
    _check(sets, judges)
    scored = ((images.name, images.targets, [s.score(images.images) for s in judges.values()]) for images in sets)
    return _matrix(scored, tuple(judges))


def transfer_of_noise(
    noise: ImageSet, judges: Mapping[str, Scorer], ensembles: Mapping[str, tuple[str, Sequence[str]]] | None = None
) -> TransferMatrix:
    """What becomes of noise that was chosen as evolution chooses: for each class the image of the highest log-odds.

    Args:
        noise: random images; their targets are used for the row :data:`CHANCE` alone.
        judges: networks at work, by name, that know the classes of the noise.
        ensembles: more networks to choose by: name -> one of :data:`.WAYS`, and the names of the members.

    Returns:
        One row for each network, one for each ensemble, by their names, and :data:`CHANCE`.

    Raises:
        ConfigError, ClassifierError: as :func:`transfer`.
    """
    _check([noise], judges)
    log_odds = {name: scorer.score(noise.images) for name, scorer in judges.items()}
    chooses = dict(log_odds)
    for name, (way, members) in (ensembles or {}).items():
        together = np.stack([log_odds[member] for member in members])
        chooses[name] = together.mean(axis=0) if way == "mean" else together.min(axis=0)
    targets = np.arange(len(noise.classes))
    scored = []
    for name, by in chooses.items():
        rows = by.argmax(axis=0)
        scored.append((name, targets, [values[rows] for values in log_odds.values()]))
    scored.append((CHANCE, noise.targets, list(log_odds.values())))
    return _matrix(scored, tuple(judges))


def beside_noise(evolved: TransferMatrix, noise: TransferMatrix) -> TransferMatrix:
    """The rows of both, those of the noise named as such. Both have the same networks.

    Raises:
        ConfigError: they have not.
    """
    if evolved.judges != noise.judges:
        raise ConfigError(f"noise was shown to {noise.judges}, the images to {evolved.judges}; show both to the same")
    named = tuple(source if source == CHANCE else f"best noise for {source}" for source in noise.sources)

    def both(table: Callable[[TransferMatrix], np.ndarray]) -> np.ndarray:
        return np.concatenate([table(evolved), table(noise)])

    return TransferMatrix(
        sources=evolved.sources + named,
        judges=evolved.judges,
        agreement=both(lambda m: m.agreement),
        mean=both(lambda m: m.mean),
        median=both(lambda m: m.median),
        reaching={t: both(partial(_at, "reaching", t)) for t in THRESHOLDS},
        both={t: both(partial(_at, "both", t)) for t in THRESHOLDS},
        everywhere={t: both(partial(_at, "everywhere", t)) for t in THRESHOLDS},
    )


def _at(key: str, threshold: float, matrix: TransferMatrix) -> np.ndarray:
    table: np.ndarray = getattr(matrix, key)[threshold]
    return table


def _check(sets: Sequence[ImageSet], judges: Mapping[str, Scorer]) -> None:
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


def _matrix(scored: Iterable[tuple[str, np.ndarray, Sequence[np.ndarray]]], judges: tuple[str, ...]) -> TransferMatrix:
    """From the name, the targets and every network's log-odds of each set."""
    sources: list[str] = []
    agreement: list[list[float]] = []
    found: list[np.ndarray] = []
    for name, targets, answers in scored:
        sources.append(name)
        agreement.append([float((log_odds.argmax(axis=1) == targets).mean()) for log_odds in answers])
        # (networks, images)
        found.append(np.stack([probability(log_odds[np.arange(len(targets)), targets]) for log_odds in answers]))
    own = [judges.index(name) if name in judges else None for name in sources]
    by_own = [np.ones(p.shape[1]) if i is None else p[i] for i, p in zip(own, found, strict=True)]
    return TransferMatrix(
        sources=tuple(sources),
        judges=judges,
        agreement=np.array(agreement),
        mean=np.array([p.mean(axis=1) for p in found]),
        median=np.array([np.median(p, axis=1) for p in found]),
        reaching={t: np.array([(p >= t).mean(axis=1) for p in found]) for t in THRESHOLDS},
        both={
            t: np.array([((p >= t) & (mine >= t)).mean(axis=1) for p, mine in zip(found, by_own, strict=True)])
            for t in THRESHOLDS
        },
        everywhere={t: np.array([(p.min(axis=0) >= t).mean() for p in found]) for t in THRESHOLDS},
    )
