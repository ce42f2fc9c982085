"""Scenes in which one picture meets many inputs, such as photographs: composing them, and scoring by a race.

Scoring on k inputs takes k forward passes a picture. ``racing: fast`` shows all pictures of a batch few inputs, the
promising more and only what may take a cell all of them; ``exact`` drops a picture only where its bounds prove that it
takes no cell; ``none`` drops none. Whatever enters the archive has a float32 score on all inputs, as bytes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.randomness import stream
from evo_fool.scenes.alone import challengers
from evo_fool.scenes.base import Pictures, Scene
from evo_fool.scenes.racing import even_stages, possible, promising, stages

_ANSWERS = 2048
"""Inputs whose answers are held at once."""


class Composite(Scene):
    """A scene of ``k`` inputs.

    A subclass composes inputs and says what an answer means for each cell. A cell's score is the log-odds of the mean
    probability over the inputs, summed in log space so that neither end saturates; a subclass may sum otherwise.

    Args:
        config: has ``racing``.
        scorer: scores the inputs.
        seed: draws the order in which inputs are shown, where nothing better orders them.
        k: number of inputs.
    """

    def __init__(self, config: Any, scorer: Scorer, seed: int, k: int) -> None:
        super().__init__(config, scorer, seed)
        self.k = k

    @abstractmethod
    def compose(self, pictures: Tensor, rows: np.ndarray) -> Tensor:
        """The inputs of pairs of picture and input, uint8 ``(p, channels, height, width)`` on the scorer's device.

        Args:
            pictures: uint8 ``(p, *shape)``, there.
            rows: which input each meets, int64 ``(p,)``.
        """

    @abstractmethod
    def answers(self, log_odds: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """What the classifier's log-odds, float64 ``(p, classes)``, mean for each cell: log-odds ``(p, cells)``.

        Args:
            log_odds: of composed inputs.
            rows: which input each of them is, int64 ``(p,)``.
        """

    def summed(self, answers: np.ndarray) -> np.ndarray:
        """Answers ``(n, r, cells)`` over ``r`` inputs as sums ``(n, 2, cells)``: log of Σp, log of Σ(1 - p)."""
        chances = (-np.logaddexp(0, -answers), -np.logaddexp(0, answers))
        return np.stack([np.logaddexp.reduce(chance, axis=1) for chance in chances], axis=1)

    def added(self, sums: np.ndarray, more: np.ndarray) -> np.ndarray:
        """The sums over further inputs and those before."""
        return np.logaddexp(sums, more)

    def score_of(self, sums: np.ndarray, seen: int) -> np.ndarray:
        """Log-odds ``(n, cells)`` by the sums over ``seen`` inputs."""
        return np.asarray(sums[:, 0] - sums[:, 1])

    def bounds(self, sums: np.ndarray, seen: int) -> tuple[np.ndarray, np.ndarray]:
        """The least and largest log-odds that are possible over all inputs, each ``(n, cells)``, ``seen`` below k."""
        rest = np.log(self.k - seen)
        return sums[:, 0] - np.logaddexp(sums[:, 1], rest), np.logaddexp(sums[:, 0], rest) - sums[:, 1]

    def check_picture(self, shape: tuple[int, int, int]) -> None:
        """Refuse pictures of other channels; another height or width is enlarged or reduced to the nearest pixels."""
        if shape[0] != self.shape[0]:
            raise ConfigError(
                f"the pictures have {shape[0]} channel(s), the inputs of {self.scorer.classifier.name} "
                f"{self.shape[0]}; choose the encoding's colour to match"
            )

    def score(self, pictures: Pictures, thresholds: np.ndarray | None = None) -> np.ndarray:
        """Log-odds of every cell, float64 ``(n, cells)``; see :meth:`.Scene.score`."""
        n = len(pictures)
        self.possible += n * self.inputs
        if not n:
            return np.empty((0, len(self.cells)))
        there = self._there(pictures)
        if thresholds is None or self.config.racing == "none":
            return self._race(there, np.arange(n), self.scorer.score, None, None)
        if self.config.racing == "exact":
            return self._race(there, np.arange(n), self.scorer.score, thresholds, self._able)
        scores = self._race(there, np.arange(n), self.scorer.screen, thresholds, self._promising)
        if not self.scorer.screens:
            return scores
        rows, screened = challengers(scores, thresholds), scores
        scores = np.full_like(screened, -np.inf)
        if len(rows):
            scores[rows] = self._race(there, rows, self.scorer.score, None, None)[rows]
        return scores

    def shown(self, picture: np.ndarray, rows: Sequence[int] | None = None) -> np.ndarray:
        """The composed inputs, uint8 ``(k, channels, height, width)``."""
        index = np.arange(self.k) if rows is None else np.asarray(rows, dtype=np.int64)
        there = self._there(picture[None])
        step = max(1, self.scorer.batch)
        parts = [index[start : start + step] for start in range(0, len(index), step)]
        shown = [self.compose(there.expand(len(part), -1, -1, -1), part).cpu().numpy() for part in parts]
        return np.concatenate(shown) if shown else np.empty((0, *self.scorer.classifier.shape), np.uint8)

    @property
    def inputs(self) -> int:
        """Network inputs that scoring one picture on everything takes."""
        return self.k * self._views

    @cached_property
    def _stages(self) -> list[np.ndarray]:
        """The inputs in the order in which pictures meet them.

        With one cell a bound rules a picture out the sooner, the less its first inputs give it: the inputs that answer
        least without a picture come first. An estimate needs a fair sample instead, drawn from the seed.
        """
        if self.config.racing == "fast" or len(self.cells) > 1:
            return stages(stream(self.seed, "race").permutation(self.k))
        return even_stages(np.argsort(self._unchanged(), kind="stable"))

    def _unchanged(self) -> np.ndarray:
        """The only cell's answer to each input without a picture, float64 ``(k,)``."""
        self.passes += self.k * self._views
        self.possible += self.k * self._views
        parts = []
        for start in range(0, self.k, _ANSWERS):
            rows = np.arange(start, min(start + _ANSWERS, self.k))
            parts.append(self.answers(self.scorer.score(self.originals(rows.tolist())), rows)[:, 0])
        return np.concatenate(parts)

    def _race(
        self,
        pictures: Tensor,
        alive: np.ndarray,
        ask: Callable[[Tensor], np.ndarray],
        thresholds: np.ndarray | None,
        keep: Callable[[np.ndarray, int, np.ndarray], np.ndarray] | None,
    ) -> np.ndarray:
        """Scores ``(n, cells)``; ``-inf`` for those not in ``alive`` and those that ``keep`` dropped."""
        scores = np.full((len(pictures), len(self.cells)), -np.inf)
        sums: np.ndarray | None = None
        seen = 0
        for rows in self._stages:
            found = self._sums(pictures, alive, rows, ask)
            sums = found if sums is None else self.added(sums, found)
            seen += len(rows)
            if keep is not None and thresholds is not None and seen < self.k:
                kept = keep(sums, seen, thresholds)
                alive, sums = alive[kept], sums[kept]
                if not len(alive):
                    return scores
        if sums is not None:
            scores[alive] = self.score_of(sums, self.k)
        return scores

    def _promising(self, sums: np.ndarray, seen: int, thresholds: np.ndarray) -> np.ndarray:
        return promising(self.score_of(sums, seen), seen, thresholds)

    def _able(self, sums: np.ndarray, seen: int, thresholds: np.ndarray) -> np.ndarray:
        return possible(*self.bounds(sums, seen), thresholds)

    def _sums(
        self, pictures: Tensor, which: np.ndarray, rows: np.ndarray, ask: Callable[[Tensor], np.ndarray]
    ) -> np.ndarray:
        """The sums of some pictures over some inputs."""
        parts = []
        at_once, step = max(1, _ANSWERS // len(rows)), max(1, self.scorer.batch)
        for start in range(0, len(which), at_once):
            some = which[start : start + at_once]
            first, second = np.repeat(some, len(rows)), np.tile(rows, len(some))
            answers = []
            for a in range(0, len(first), step):
                chosen = torch.from_numpy(first[a : a + step]).to(pictures.device)
                answers.append(ask(self.compose(pictures[chosen], second[a : a + step])))
            self.passes += len(first) * self._views
            found = self.answers(np.concatenate(answers), second)
            parts.append(self.summed(found.reshape(len(some), len(rows), -1)))
        return np.concatenate(parts)

    def _there(self, pictures: Pictures) -> Tensor:
        """The pictures on the scorer's device, at the size of the scene."""
        if isinstance(pictures, np.ndarray):
            pictures = torch.from_numpy(np.array(pictures))
        there = pictures.to(self.scorer.device)
        if tuple(there.shape[2:]) != self.shape[1:]:
            there = F.interpolate(there, self.shape[1:], mode="nearest-exact")
        return there
