"""What a network answers to sixteen images, as the identity of one that cannot be looked into."""

from __future__ import annotations

import hashlib

import numpy as np

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.samples import IMAGES, sample_images
from evo_fool.classifiers.scoring import Scorer
from evo_fool.probability import probability

_STEPS = 100
"""Confidences are compared to the nearest hundredth, for the last bits differ between machines."""


def answers_of(classifier: Classifier) -> str:
    """SHA-256 (hex) of the confidences, to the nearest hundredth, that a classifier has in sixteen images.

    Raises:
        ClassifierError: it fails.
    """
    scorer = Scorer(classifier, batch=IMAGES, view="auto", device=classifier.mean.device)
    confidences = probability(scorer.score(sample_images(classifier.shape)))
    return hashlib.sha256(np.rint(confidences * _STEPS).astype(np.uint8).tobytes()).hexdigest()
