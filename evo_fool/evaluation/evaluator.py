"""Genomes become images, and images log-odds. A process pool or a cluster would replace this class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evo_fool.classifiers.scoring import Scorer
from evo_fool.encodings.base import Encoding, Genomes, Images


@dataclass(frozen=True, slots=True)
class Scored:
    """The outcome of an evaluation.

    Attributes:
        images: the quantised images that were scored, uint8 ``(n, channels, size, size)``.
        log_odds: log p/(1-p) of every class, float64 ``(n, classes)``.
    """

    images: Images
    log_odds: np.ndarray


class Evaluator:
    """Render in this process and score on the scorer's device.

    Args:
        encoding: renders genomes.
        scorer: scores uint8 images.
    """

    def __init__(self, encoding: Encoding, scorer: Scorer) -> None:
        self.encoding = encoding
        self.scorer = scorer

    def evaluate(self, genomes: Genomes) -> Scored:
        """Render and score a batch of genomes.

        Raises:
            ClassifierError: the classifier answers with something that is not a score, or memory does not suffice.
        """
        images = self.encoding.render(genomes)
        return Scored(images, self.scorer.score(images))
