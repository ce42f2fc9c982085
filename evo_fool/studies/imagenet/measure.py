"""What is read off runs on ImageNet: curves by images, every class at the end, and likeness over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from evo_fool.runs import Run
from evo_fool.studies.charts import fitted
from evo_fool.studies.mann_whitney import Comparison, mann_whitney
from evo_fool.studies.published import DOGS_AND_CATS, IMAGENET_BATCH, IMAGENET_CPPN_MEDIAN

_THUMBNAIL = 16


@dataclass(frozen=True, slots=True)
class Arm:
    """The runs of one search on one network, one a seed.

    Attributes:
        seeds: of the runs.
        images: scored, by generation, int ``(n,)``.
        median: over classes, ``(seeds, n)``.
        final: confidence of every class at the end, ``(seeds, classes)``; 0 for an empty cell.
    """

    seeds: Sequence[int]
    images: np.ndarray
    median: np.ndarray
    final: np.ndarray

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Arm:
        """Of runs with equally many generations."""
        metrics = [run.metrics for run in runs]
        final = np.zeros((len(runs), len(runs[0].classes)))
        for row, run in zip(final, runs, strict=True):
            for elite in run.elites:
                row[elite.class_index] = elite.probability
        seeds, median = [run.experiment.seed for run in runs], np.array([m["median"] for m in metrics])
        return cls(seeds, metrics[0]["evaluations"].astype(int), median, final)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Arm:
        """Back from :meth:`to_json`."""
        values: list[Any] = [np.array(data[name]) for name in cls.__slots__]
        return cls(*values)

    def to_json(self) -> dict[str, Any]:
        """All of it, JSON-able."""
        return asdict(self)

    @property
    def by_class(self) -> np.ndarray:
        """The median over seeds of every class, ``(classes,)``: seeds repeat a class, they are no further classes."""
        middle: np.ndarray = np.median(self.final, axis=0)
        return middle

    def median_after(self, images: int) -> np.ndarray:
        """The median of each seed when so many images had been scored, ``(seeds,)``."""
        return self.median[:, max(0, int(np.searchsorted(self.images, images, "right")) - 1)]

    def at_least(self, threshold: float) -> np.ndarray:
        """Classes of each seed that reach a probability, int ``(seeds,)``."""
        return (self.final >= threshold).sum(axis=1)

    def weak_block(self) -> Comparison:
        """Dogs and cats against all other classes: their confidences, medians over seeds, compared."""
        confidence, inside = self.by_class, np.zeros(self.final.shape[1], bool)
        inside[DOGS_AND_CATS[0] : DOGS_AND_CATS[1] + 1] = True
        return mann_whitney(confidence[inside], confidence[~inside])


def paper_median(images: float) -> float | None:
    """The paper's CPPN median after so many images, between the digitised points; None outside them.

    >>> paper_median(80 * 400), paper_median(150 * 400), paper_median(100)
    (0.13, 0.215, None)
    """
    curve = np.array(IMAGENET_CPPN_MEDIAN)
    at = curve[:, 0] * IMAGENET_BATCH
    if not at[0] <= images <= at[-1]:
        return None
    return round(float(np.interp(images, at, curve[:, 1])), 4)


def thumbnails(run: Run, classes: Sequence[int]) -> np.ndarray:
    """Small versions of elites, float64 ``(classes, values)``; zeros for an empty cell."""
    small = np.zeros((len(classes), _THUMBNAIL, _THUMBNAIL, 3))
    for row, cls in enumerate(classes):
        if cls in run:
            small[row] = np.asarray(fitted(run.image(cls), _THUMBNAIL))
    return small.reshape(len(classes), -1)


def likeness(thumbnails: np.ndarray) -> dict[str, float]:
    """How alike images of one class are over seeds (paper, Figure 9): mean absolute correlations in [0, 1].

    Args:
        thumbnails: float ``(seeds, classes, values)``, at least two seeds and two classes; a row without contrast
            counts as unlike any other.

    Returns:
        ``same``: of the same class in different runs; ``different``: of different classes in different runs.
    """
    centred = thumbnails - thumbnails.mean(axis=2, keepdims=True)
    norm = np.linalg.norm(centred, axis=2, keepdims=True)
    unit = np.divide(centred, norm, out=np.zeros_like(centred), where=norm > 1e-9)
    r = np.stack([np.abs(a @ b.T) for a, b in combinations(unit, 2)])
    same = np.eye(r.shape[1], dtype=bool)
    return {"same": float(r[:, same].mean()), "different": float(r[:, ~same].mean())}
