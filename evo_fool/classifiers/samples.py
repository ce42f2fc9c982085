"""Sixteen images that tell networks apart: what every check of a network and every comparison by answers looks at."""

from __future__ import annotations

import numpy as np

from evo_fool.randomness import stream

IMAGES = 16


def sample_images(shape: tuple[int, int, int]) -> np.ndarray:
    """Random images from fine to coarse, uint8 ``(16, channels, height, width)``: not every network sees noise."""
    channels, height, width = shape
    images = np.empty((IMAGES, *shape), np.uint8)
    rng = stream(0, "preflight")
    for i, image in enumerate(images):
        grain = min(height, width, 2 ** (i // 4))
        coarse = rng.integers(0, 256, (channels, -(-height // grain), -(-width // grain)), dtype=np.uint8)
        image[:] = coarse.repeat(grain, axis=1).repeat(grain, axis=2)[:, :height, :width]
    return images
