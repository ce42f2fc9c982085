"""Whether images that fool one network fool another; the paper asks it of two initialisations, and of AlexNet and
GoogLeNet.

Every image set is shown to every network. Images that were evolved against several networks at once
(:mod:`evo_fool.classifiers.ensemble`) are one more set. Beside them stands uniform noise: for each network the image of
which it is surest for each class, and all images with the classes in turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.jsonable import plain
from evo_fool.probability import probability
from evo_fool.studies.elites import ImageSet

THRESHOLDS = ("0.9", "0.99", "0.9999")

CHANCE = "uniform noise, each class in turn"
"""The row of a matrix of noise that is 1 in the number of classes by construction."""

Matrix = dict[str, Any]
"""How image sets (rows) fare with networks (columns), JSON-able.

``sources``, ``judges``: their names. ``agreement``: share of images whose target the network answers; ``mean``,
``median``: of the target's probability; ``reaching``: by one of :data:`THRESHOLDS`, the share of images whose target
reaches it; ``both``: the share that also reaches it with the network that the set is named after, if it is named after
one; each ``[source][judge]``. ``everywhere``: by threshold, the share that reaches it with every network, ``[source]``.
"""


def transfer(sets: Sequence[ImageSet], judges: Mapping[str, Scorer]) -> Matrix:
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
    return _matrix(scored, list(judges))


def transfer_of_noise(
    noise: ImageSet, judges: Mapping[str, Scorer], ensembles: Mapping[str, tuple[str, Sequence[str]]] | None = None
) -> Matrix:
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
    choosers = dict(log_odds)
    for name, (way, members) in (ensembles or {}).items():
        together = np.stack([log_odds[member] for member in members])
        choosers[name] = together.mean(axis=0) if way == "mean" else together.min(axis=0)
    targets, scored = np.arange(len(noise.classes)), []
    for name, by in choosers.items():
        rows = by.argmax(axis=0)
        scored.append((name, targets, [values[rows] for values in log_odds.values()]))
    return _matrix([*scored, (CHANCE, noise.targets, list(log_odds.values()))], list(judges))


def beside_noise(evolved: Matrix, noise: Matrix) -> Matrix:
    """The rows of both, those of the noise named as such. Both have the same networks.

    Raises:
        ConfigError: they have not.
    """
    if evolved["judges"] != noise["judges"]:
        raise ConfigError(
            f"noise was shown to {noise['judges']}, the images to {evolved['judges']}: show both to the same"
        )
    named = [source if source == CHANCE else f"best noise for {source}" for source in noise["sources"]]

    def joined(one: Any, other: Any) -> Any:
        return {key: joined(one[key], other[key]) for key in one} if isinstance(one, dict) else [*one, *other]

    whole: Matrix = joined(evolved, noise | {"sources": named}) | {"judges": evolved["judges"]}
    return whole


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


def _matrix(scored: Iterable[tuple[str, np.ndarray, Sequence[np.ndarray]]], judges: list[str]) -> Matrix:
    """From the name, the targets and every network's log-odds of each set."""
    rows = []
    for name, targets, answers in scored:
        # (networks, images)
        p = np.stack([probability(log_odds[np.arange(len(targets)), targets]) for log_odds in answers])
        own = p[judges.index(name)] if name in judges else np.ones(len(targets))
        reaching = {threshold: p >= float(threshold) for threshold in THRESHOLDS}
        rows.append(
            {
                "sources": name,
                "agreement": [(log_odds.argmax(axis=1) == targets).mean() for log_odds in answers],
                "mean": p.mean(axis=1),
                "median": np.median(p, axis=1),
                "reaching": {t: reached.mean(axis=1) for t, reached in reaching.items()},
                "both": {t: (reached & (own >= float(t))).mean(axis=1) for t, reached in reaching.items()},
                "everywhere": {t: reached.all(axis=0).mean() for t, reached in reaching.items()},
            }
        )

    def columns(values: list[Any]) -> Any:
        if isinstance(values[0], dict):
            return {key: columns([value[key] for value in values]) for key in values[0]}
        return values

    matrix: Matrix = plain(columns(rows) | {"judges": judges})
    return matrix
