"""What networks answer to images that were changed a little, and to others of the same confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo_fool.classifiers.scoring import Scorer
from evo_fool.probability import probability
from evo_fool.studies.elites import ImageSet
from evo_fool.studies.stability.transformations import UNCHANGED, Transformation

THRESHOLDS = ("0.9", "0.99")

_AT_ONCE = 64

NEAR = 0.5
"""Log-odds by which two images of equal confidence may differ."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a network answers to ``n`` images under each transformation.

    Attributes:
        log_odds: by name of the transformation: of each image's own class, float64 ``(times, n)``.
        first: whether that class is the network's answer, bool ``(times, n)``.
    """

    log_odds: Mapping[str, np.ndarray]
    first: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, scorer: Scorer, images: ImageSet, by_name: Mapping[str, Sequence[Transformation]]) -> Answers:
        """Ask the network.

        Raises:
            ConfigError, ClassifierError: see :meth:`.Scorer.score`.
        """
        log_odds, first = ({name: np.empty((len(each), len(images))) for name, each in by_name.items()} for _ in "12")
        for start in range(0, len(images), _AT_ONCE):
            here = slice(start, start + _AT_ONCE)
            targets = images.targets[here, None]
            for name, each in by_name.items():
                for time, transform in enumerate(each):
                    scores = scorer.score(transform(images.images[here]))
                    log_odds[name][time, here] = np.take_along_axis(scores, targets, axis=1)[:, 0]
                    first[name][time, here] = scores.argmax(axis=1) == targets[:, 0]
        return cls(log_odds, {name: values.astype(bool) for name, values in first.items()})

    @classmethod
    def joined(cls, several: Sequence[Answers]) -> Answers:
        """Of several sets of images as of one; at least one."""
        names = several[0].log_odds
        return cls(
            {name: np.concatenate([one.log_odds[name] for one in several], axis=1) for name in names},
            {name: np.concatenate([one.first[name] for one in several], axis=1) for name in names},
        )

    @property
    def confidence(self) -> np.ndarray:
        """Log-odds of the images as they are, float64 ``(n,)``."""
        return np.asarray(self.log_odds[UNCHANGED][0])

    def summary(self, rows: np.ndarray | slice = slice(None)) -> dict[str, dict[str, Any]]:
        """What becomes of some of the images, at least one, by transformation.

        Returns:
            ``median`` and ``median log-odds`` over images and times; ``reaching``: by one of :data:`THRESHOLDS`, the
            share at it or above; ``kept``: the same share of those images that reach it unchanged, None where none
            does; ``class kept``: the share whose class is the answer, of those for which it is unchanged, or None.
        """
        before, found = probability(self.confidence[rows]), {}
        for name, log_odds in self.log_odds.items():
            p, first = probability(log_odds[:, rows]), self.first[name][:, rows]
            found[name] = {
                "median": float(np.median(p)),
                "median log-odds": float(np.median(log_odds[:, rows])),
                "reaching": {t: float((p >= float(t)).mean()) for t in THRESHOLDS},
                "kept": {t: _share((p >= float(t))[:, before >= float(t)]) for t in THRESHOLDS},
                "class kept": _share(first[:, self.first[UNCHANGED][0, rows]]),
            }
        return found


def beside(ours: Answers, control: Answers) -> dict[str, Any]:
    """Both at equal confidence: ``pairs``, and, where there are any, the summaries ``ours`` and ``theirs`` of them."""
    one, other = equal_confidence(ours.confidence, control.confidence)
    if not len(one):
        return {"pairs": 0}
    return {"pairs": len(one), "ours": ours.summary(one), "theirs": control.summary(other)}


def equal_confidence(ours: np.ndarray, control: np.ndarray, near: float = NEAR) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of images whose log-odds differ by at most ``near``, each in one pair: rows of both, int64 ``(pairs,)``.

    As many as can be had: in order of log-odds, each goes with the first of the others that is near.

    >>> equal_confidence(np.array([5.0, 1.0, 9.0]), np.array([1.2, 0.8, 20.0, 4.9]))
    (array([1, 0]), array([1, 3]))
    """
    a, b = np.argsort(ours, kind="stable"), np.argsort(control, kind="stable")
    pairs, i, j = [], 0, 0
    while i < len(a) and j < len(b):
        difference = ours[a[i]] - control[b[j]]
        if abs(difference) <= near:
            pairs.append((a[i], b[j]))
        i += difference <= near
        j += difference >= -near
    rows = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


def _share(found: np.ndarray) -> float | None:
    return float(found.mean()) if found.size else None
