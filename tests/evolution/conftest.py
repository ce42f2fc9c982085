"""A small world for strategies: images are their genes, and scores plain functions of genes."""

import numpy as np
import pytest

from evo_fool.encodings import build_encoding
from evo_fool.encodings.base import Encoding
from evo_fool.evaluation import Scored
from evo_fool.sections import PixelsConfig

CLASSES = 4


@pytest.fixture
def encoding() -> Encoding:
    """A 4x4 grey pixel encoding."""
    return build_encoding(PixelsConfig(kind="pixels", rate=0.3), size=4, channels=1)


@pytest.fixture
def evaluate():  # type: ignore[no-untyped-def]
    """Log-odds of class k: how bright row k of the image is."""

    def score(genomes: np.ndarray) -> Scored:
        images = (genomes.reshape(len(genomes), 1, 4, 4) * 255).astype(np.uint8)
        return Scored(images, images[:, 0].astype(np.float64).sum(axis=2) - 500)

    return score
