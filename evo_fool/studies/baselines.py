"""Images of no class: what networks are taught to be unsure of, and what random images reach without evolution."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from evo_fool.classifiers.scoring import Scorer
from evo_fool.encodings import build_encoding
from evo_fool.probability import probability
from evo_fool.randomness import stream
from evo_fool.sections import CppnConfig
from evo_fool.studies.noise.measure import random_images

_SMOOTH = (1.0, 2.5)
"""Range of the Gaussian filter's standard deviation in pixels."""


def training_noise(photos: np.ndarray, n: int, *, seed: int) -> np.ndarray:
    """The noise of CEDA (Hein, Andriushchenko & Bitterwolf, 2019), uint8 ``(n, height, width)``.

    Half uniform, half training images with their pixels permuted; every other one of each is smoothed by a Gaussian
    filter of 1 to 2.5 pixels and stretched to the whole range of grey. (The authors smooth all of them.)

    Args:
        photos: training images, uint8 ``(m, height, width)``.
    """
    rng = stream(seed, "training noise")
    shape = (1, *photos.shape[1:])
    noise = np.empty((n, *photos.shape[1:]), np.uint8)
    noise[0::2] = random_images("permuted", len(noise[0::2]), shape, rng, photos[:, None])[:, 0]
    noise[1::2] = random_images("uniform", len(noise[1::2]), shape, rng)[:, 0]
    for row in np.flatnonzero(np.arange(n) % 4 >= 2):
        smooth = gaussian_filter(noise[row].astype(np.float32), rng.uniform(*_SMOOTH), mode="nearest")
        low, high = smooth.min(), smooth.max()
        noise[row] = np.round((smooth - low) * (255 / max(high - low, 1e-6))).astype(np.uint8)
    return noise


def random_pixels(n: int, size: int, channels: int, *, seed: int) -> np.ndarray:
    """Uniform random images, uint8 ``(n, channels, height, width)``."""
    return random_images("uniform", n, (channels, size, size), stream(seed, "uniform noise"))


def random_cppns(n: int, size: int, channels: int, *, seed: int) -> np.ndarray:
    """Unselected CPPN images, uint8 ``(n, channels, height, width)``."""
    encoding = build_encoding(CppnConfig(kind="cppn"), size=size, channels=channels)
    return encoding.render(encoding.random(n, stream(seed, "random images")))


def best_of(scorer: Scorer, images: np.ndarray, classes: int) -> np.ndarray:
    """What noise alone achieves: the highest probability of each of the first ``classes`` classes, float64."""
    return probability(scorer.score(images)[:, :classes].max(axis=0))
