"""Images of no class: what networks are taught to be unsure of, and what random images reach without evolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from evo_fool.classifiers.scoring import Scorer
from evo_fool.encodings import build_encoding
from evo_fool.encodings.base import Encoding
from evo_fool.probability import probability
from evo_fool.randomness import stream
from evo_fool.sections import CppnConfig
from evo_fool.studies.noise.measure import random_images
from evo_fool.training.lenet import Outliers

_SMOOTH = (1.0, 2.5)
"""Range of the Gaussian filter's standard deviation in pixels."""

_DRIFT = 2000
"""Mutations after which a CPPN that has not grown is taken as it is."""


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


def outliers(photos: Tensor, loss: str, *, seed: int) -> Outliers:
    """What a LeNet learns low confidence on by a loss: ``ceda``, or ``acet`` with the paper's epsilon of 0.3.

    Args:
        photos: training images, uint8 ``(m, height, width)``; as many images of :func:`training_noise` are made.
        loss: its name.
        seed: of the noise.
    """
    noise = torch.from_numpy(training_noise(photos.numpy(), len(photos), seed=seed))
    return Outliers(noise, epsilon={"ceda": 0.0, "acet": 0.3}[loss])


def random_pixels(n: int, size: int, channels: int, *, seed: int) -> np.ndarray:
    """Uniform random images, uint8 ``(n, channels, height, width)``."""
    return random_images("uniform", n, (channels, size, size), stream(seed, "uniform noise"))


def random_cppns(n: int, size: int, channels: int, *, seed: int) -> np.ndarray:
    """Unselected CPPN images, uint8 ``(n, channels, height, width)``."""
    encoding = build_encoding(CppnConfig(kind="cppn"), size=size, channels=channels)
    return encoding.render(encoding.random(n, stream(seed, "random images")))


def drifted_cppns(encoding: Encoding, sizes: Sequence[int], n: int, *, seed: int) -> np.ndarray:
    """CPPNs as large as evolved ones, mutated without selection, uint8 ``(n, channels, height, width)``.

    Args:
        encoding: of the evolved ones.
        sizes: nodes and links of each of these; every image is of a genome that has mutated until it has as many as
            one of them, drawn at random.
        n: how many.
    """
    rng = stream(seed, "drifted images")
    genomes, wanted = encoding.random(n, rng), rng.choice(np.array(sizes), n)
    for generation in range(_DRIFT):
        small = np.flatnonzero(genomes["nodes"].astype(int) + genomes["links"] < wanted)
        if not len(small):
            break
        genomes[small] = encoding.mutate(genomes[small], rng, generation)
    return encoding.render(genomes)


def best_of(scorer: Scorer, images: np.ndarray, classes: int) -> np.ndarray:
    """What noise alone achieves: the highest probability of each of the first ``classes`` classes, float64."""
    return probability(scorer.score(images)[:, :classes].max(axis=0))
