"""The picture is the classifier's input; one cell a class (Nguyen, Yosinski & Clune, CVPR 2015, section 2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evo_fool.best_rows import best_rows
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.views import check_view
from evo_fool.scenes.base import Pictures, Scene


class Alone(Scene):
    """The picture, seen in the experiment's view. Half precision, where the scorer has it, chooses what is scored."""

    def __init__(self, config: Any, scorer: Scorer, seed: int) -> None:
        super().__init__(config, scorer, seed)
        self.cells, self.aliases = scorer.classifier.classes, scorer.classifier.aliases

    def check_picture(self, shape: tuple[int, int, int]) -> None:
        """Refuse a picture too small to be cropped."""
        check_view(self.scorer.view, shape[1:], self.shape[1:])

    def score(self, pictures: Pictures, thresholds: np.ndarray | None = None) -> np.ndarray:
        """Log-odds of every class, float64 ``(n, classes)``.

        Where the scorer screens and ``thresholds`` are given, the best picture of each cell is scored in float32 if it
        screens above the threshold, and no other is.
        """
        n = len(pictures) * self._views
        self.passes += n
        self.possible += n
        if thresholds is None or not self.scorer.screens or not len(pictures):
            return self.scorer.score(pictures)
        screened = self.scorer.screen(pictures)
        rows = challengers(screened, thresholds)
        log_odds = np.full_like(screened, -np.inf)
        if len(rows):
            log_odds[rows] = self.scorer.score(pictures[rows])
            self.passes += len(rows) * self._views
        return log_odds

    def slopes(self, pictures: Pictures, cells: np.ndarray) -> np.ndarray:
        """Those of the log-odds of each picture's class. The way there and back counts as three passes."""
        self.passes += 3 * len(pictures) * self._views
        self.possible += 3 * len(pictures) * self._views
        return self.scorer.slopes(pictures, cells)

    def shown(self, picture: np.ndarray, rows: Sequence[int] | None = None) -> np.ndarray:
        """The picture itself."""
        return picture[None]

    def originals(self, rows: Sequence[int] | None = None) -> np.ndarray:
        """None: without the picture there is no input."""
        return np.empty((0, *self.shape), np.uint8)


def challengers(log_odds: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """The rows that are best in some cell and above its threshold there, ascending.

    Args:
        log_odds: float64 ``(n, cells)``.
        thresholds: float64 ``(cells,)``, ``-inf`` for an empty cell.
    """
    return np.unique(best_rows(log_odds, np.flatnonzero(log_odds.max(axis=0) > thresholds)))
