"""Genomes become images, and images log-odds. A process pool or a cluster would replace the evaluator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from evo_fool.classifiers.scoring import Scorer
from evo_fool.encodings.base import Encoding, Genomes, Images
from evo_fool.randomness import Stream
from evo_fool.scenes import Scene


@dataclass(frozen=True, slots=True)
class Scored:
    """The outcome of an evaluation.

    Attributes:
        images: the quantised images that were scored, uint8 ``(n, channels, height, width)``, where they were drawn: a
            numpy array, or a tensor on the GPU.
        log_odds: log p/(1-p) of every cell, float64 ``(n, cells)``; ``-inf`` throughout for an image that the scene
            found to be no challenger for any cell.
    """

    images: Images | torch.Tensor
    log_odds: np.ndarray

    def fetch(self, rows: Sequence[int]) -> Images:
        """Some of the images in this machine's memory, uint8 ``(k, channels, height, width)``; the others stay."""
        if isinstance(self.images, torch.Tensor):
            index = torch.tensor(rows, dtype=torch.int64, device=self.images.device)
            return self.images[index].cpu().numpy()
        return self.images[list(rows)]

    @classmethod
    def joined(cls, parts: Iterable[Scored]) -> Scored:
        """The outcomes of a generation's batches as one, in their order; at least one."""
        first, *rest = parts
        if not rest:
            return first
        images: list[Any] = [first.images, *(part.images for part in rest)]
        join: Any = torch.cat if isinstance(first.images, torch.Tensor) else np.concatenate
        return cls(join(images), np.concatenate([first.log_odds, *(part.log_odds for part in rest)]))


class Evaluator:
    """Render in this process and score on the scorer's device.

    Args:
        encoding: renders genomes.
        scene: scores pictures.
    """

    def __init__(self, encoding: Encoding, scene: Scene) -> None:
        self.encoding = encoding
        self.scene = scene

    @property
    def scorer(self) -> Scorer:
        """What scores the scene's inputs."""
        return self.scene.scorer

    def evaluate(self, genomes: Genomes, thresholds: np.ndarray | None = None) -> Scored:
        """Render and score a batch of genomes.

        Args:
            genomes: first axis ``n``.
            thresholds: the log-odds to beat in each cell, float64 ``(cells,)``; see :meth:`.Scene.score`.

        Raises:
            ClassifierError: the classifier answers with something that is not a score, or memory does not suffice.
        """
        images = self.encoding.draw(genomes)
        return Scored(images, self.scene.score(images, thresholds))

    def ascend(self, genomes: Genomes, cells: np.ndarray, rng: Stream) -> Genomes:
        """Copies of genomes that are a short step further up the gradient of one cell's score each.

        Args:
            genomes: first axis ``n``.
            cells: one for each, int64 ``(n,)``.
            rng: draws the lengths of the steps.

        Raises:
            ConfigError: the encoding or the scene follows no gradients.
            ClassifierError: the classifier has none, fails, or memory does not suffice.
        """
        return self.encoding.ascend(genomes, self.scene.slopes(self.encoding.draw(genomes), cells), rng)
