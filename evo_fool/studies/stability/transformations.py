"""What is done to images before the network sees them again: bytes in, bytes out, the same for every image.

The print that is photographed is a composition, not a camera: what Kurakin, Goodfellow and Bengio ("Adversarial
examples in the physical world", 2017, section 3) did with paper and a telephone, and Athalye et al. ("Synthesizing
Robust Adversarial Examples", ICML 2018, section 2.2) drew at random, in the order in which it happens.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from scipy.ndimage import gaussian_filter

from evo_fool.classifiers.random_views import sampling_grid, similarity, warped
from evo_fool.randomness import stream

Transformation = Callable[[np.ndarray], np.ndarray]
"""From images uint8 ``(n, channels, height, width)`` to as many of the same shape."""

UNCHANGED = "unchanged"

_PRINTS = 4
"""Prints of each image, each photographed once."""

_INPUT = 224
"""Pixels a side of the inputs for which the print's lengths are meant; of others in proportion."""


def transformations(shape: tuple[int, int, int], seed: int) -> dict[str, list[Transformation]]:
    """By name; where there are several, an image counts once in each.

    Args:
        shape: channels, height and width of the images.
        seed: draws the prints.
    """
    sides = [(0, 1), (0, -1), (1, 0), (-1, 0)]
    found: dict[str, list[Transformation]] = {UNCHANGED: [lambda images: images]}
    for pixels in (1, 4):
        found[f"shifted {pixels} px"] = [partial(shifted, down=y * pixels, right=x * pixels) for y, x in sides]
    found["mirrored"] = [mirrored]
    found |= {f"JPEG {quality}": [partial(compressed, quality=quality)] for quality in (95, 75, 50)}
    found["reduced to half and back"] = [partial(resized, factor=0.5)]
    found["enlarged by half and back"] = [partial(resized, factor=1.5)]
    found["blurred, σ 1 px"] = [partial(blurred, sigma=1.0)]
    found["darker by a fifth"] = [partial(lit, factor=0.8)]
    found["brighter by a fifth"] = [partial(lit, factor=1.2)]
    found["printed and photographed"] = [Print(shape, seed, number) for number in range(_PRINTS)]
    return found


def shifted(images: np.ndarray, down: int, right: int) -> np.ndarray:
    """Moved by whole pixels; the edge goes on."""
    height, width = images.shape[2:]
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    return images[:, :, rows[:, None], columns]


def mirrored(images: np.ndarray) -> np.ndarray:
    """Left for right."""
    return images[..., ::-1].copy()


def compressed(images: np.ndarray, quality: int) -> np.ndarray:
    """As Pillow's JPEG of a quality, with its default subsampling; other than grey and RGB plane by plane."""
    n, channels, height, width = images.shape
    planes = images if channels in (1, 3) else images.reshape(n * channels, 1, height, width)
    found = np.empty_like(planes)
    for i, plane in enumerate(planes):
        buffer = io.BytesIO()
        Image.fromarray(plane[0] if len(plane) == 1 else plane.transpose(1, 2, 0)).save(buffer, "JPEG", quality=quality)
        decoded = np.asarray(Image.open(buffer))
        found[i] = decoded[None] if len(plane) == 1 else decoded.transpose(2, 0, 1)
    return found.reshape(images.shape)


def resized(images: np.ndarray, factor: float) -> np.ndarray:
    """Bilinear with antialiasing, to another size, in bytes there, and back."""
    height, width = images.shape[2:]
    there = (max(1, round(factor * height)), max(1, round(factor * width)))
    for size in (there, (height, width)):
        images = _bytes(_resized(torch.from_numpy(images).float(), size).numpy())
    return images


def blurred(images: np.ndarray, sigma: float) -> np.ndarray:
    """By a Gaussian of so many pixels; the edge goes on."""
    return _bytes(_blurred(images.astype(np.float32), sigma))


def lit(images: np.ndarray, factor: float) -> np.ndarray:
    """Every value times a factor."""
    return _bytes(images.astype(np.float32) * factor)


class Print:
    """One print that is photographed: fewer dots, held at an angle, out of focus, in other light, noisy, compressed.

    Args:
        shape: channels, height and width.
        seed: with the number it decides everything; every image is printed alike.
        number: of the print.
    """

    def __init__(self, shape: tuple[int, int, int], seed: int, number: int) -> None:
        _, height, width = shape
        rng = stream(seed, "print", number)
        self.dots = rng.uniform(0.6, 1.0)
        turn, scale = np.deg2rad(rng.uniform(-8, 8)), rng.uniform(0.9, 1.1)
        held = similarity(turn, scale, *(rng.uniform(-0.04, 0.04, 2) * [width, height]))
        tilt = np.eye(3)
        tilt[2, :2] = rng.uniform(-0.2, 0.2, 2) / [width, height]
        self.grid = sampling_grid((held @ tilt)[None], (height, width))
        self.sigma = rng.uniform(0.0, 1.0) * max(height, width) / _INPUT
        self.contrast, self.brightness = (
            np.array([rng.uniform(*span)], np.float32) for span in ((0.75, 1.1), (-0.1, 0.1))
        )
        self.noise = rng.normal(0, rng.uniform(0, 8), shape).astype(np.float32)
        self.quality = int(rng.integers(75, 96))

    def __call__(self, images: np.ndarray) -> np.ndarray:
        height, width = images.shape[2:]
        there = (max(1, round(self.dots * height)), max(1, round(self.dots * width)))
        printed = _resized(_resized(torch.from_numpy(images).float(), there), (height, width)).div_(255).clamp_(0, 1)
        seen = warped(printed, self.grid, self.contrast, self.brightness)[:, 0].numpy()
        return compressed(_bytes(255 * _blurred(seen, self.sigma) + self.noise), self.quality)


def _resized(images: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return F.interpolate(images, size, mode="bilinear", align_corners=False, antialias=True)


def _blurred(images: np.ndarray, sigma: float) -> np.ndarray:
    found: np.ndarray = gaussian_filter(images, sigma, axes=(2, 3), mode="nearest")
    return found


def _bytes(values: np.ndarray) -> np.ndarray:
    """Values of 255, rounded and clipped."""
    return values.round().clip(0, 255).astype(np.uint8)
