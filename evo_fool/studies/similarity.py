"""Whether evolution finds the same image for a class again: likeness of elites over seeds (paper, Figure 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evo_fool.runs import Run
from evo_fool.studies.charts import fitted

_THUMBNAIL = 16


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike images of one class are over seeds, as mean absolute correlation of thumbnails in [0, 1].

    Attributes:
        same: of the same class in different runs.
        different: of different classes in different runs.
    """

    same: float
    different: float


def likeness(thumbnails: np.ndarray) -> Likeness:
    """Compare runs class by class.

    Args:
        thumbnails: float ``(seeds, classes, values)``, at least two seeds and two classes; every row of some contrast
            is centred and scaled, a row of none counts as unlike any other.
    """
    centred = thumbnails - thumbnails.mean(axis=2, keepdims=True)
    norm = np.linalg.norm(centred, axis=2, keepdims=True)
    unit = np.divide(centred, norm, out=np.zeros_like(centred), where=norm > 1e-9)
    same: list[float] = []
    different: list[float] = []
    for a in range(len(unit)):
        for b in range(a + 1, len(unit)):
            r = np.abs(unit[a] @ unit[b].T)
            same.append(float(np.diag(r).mean()))
            different.append(float((r.sum() - np.trace(r)) / (r.size - len(r))))
    return Likeness(float(np.mean(same)), float(np.mean(different)))


def thumbnails(run: Run, classes: Sequence[int]) -> np.ndarray:
    """Small versions of elites, float64 ``(classes, values)``; zeros for an empty cell."""
    rows = []
    for cls in classes:
        small = np.zeros((_THUMBNAIL, _THUMBNAIL, 3))
        if cls in run:
            small = np.asarray(fitted(run.image(cls), _THUMBNAIL), dtype=np.float64)
        rows.append(small.ravel())
    return np.stack(rows)
