"""Random views: images shifted, turned, scaled and lit in N ways that a seed draws once.

The expectation over transformations of Athalye, Engstrom, Ilyas and Kwok ("Synthesizing Robust Adversarial Examples",
ICML 2018, section 2.2) over a fixed sample: every image of a run meets the same N transformations, so that its scores
compare, and are the same when the run is resumed or verified. The kinds are those of the paper's two-dimensional case;
mirroring, blur, noise and compression are left out, to test with.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from evo_fool.randomness import stream

SHIFT = 0.1
"""Largest shift down or right, as a share of the side."""
TURN = 15.0
"""Largest turn, in degrees."""
SCALE = 1.25
"""Largest factor of enlargement and of reduction."""
BRIGHTNESS = 0.1
"""Largest change of a value in [0, 1]."""
CONTRAST = 1.25
"""Largest factor by which values move away from, or towards, the middle."""


def random_views(images: Tensor, count: int, seed: int) -> Tensor:
    """Float32 images ``(n, c, h, w)`` in [0, 1] as ``(n * count, c, h, w)``, all views of an image together.

    The first views of a larger ``count`` are those of a smaller one.
    """
    grid, contrast, brightness = _drawn(count, seed, tuple(images.shape[-2:]))
    return warped(images, grid, contrast, brightness).flatten(0, 1)


def warped(images: Tensor, grid: np.ndarray, contrast: np.ndarray, brightness: np.ndarray) -> Tensor:
    """Images ``(n, c, h, w)`` in [0, 1], moved and lit in ``k`` ways: ``(n, k, c, h, w)``, in [0, 1] too.

    What an image becomes does not depend on the others.

    Args:
        images: float32. Beyond its edge an image goes on with the values of the edge.
        grid: where each pixel comes from, float32 ``(k, h, w, 2)``, see :func:`sampling_grid`; bilinear.
        contrast: factors by which values move away from the middle, float32 ``(k,)``.
        brightness: what is then added, float32 ``(k,)``.
    """
    n, channels, height, width = images.shape
    planes = images.reshape(1, n * channels, height, width).expand(len(grid), -1, -1, -1)
    there = torch.from_numpy(grid).to(images)
    found = F.grid_sample(planes, there, mode="bilinear", padding_mode="border", align_corners=False)
    factor, added = (torch.from_numpy(v).to(images)[:, None, None, None] for v in (contrast, brightness))
    found.mul_(factor).add_(added + 0.5 - 0.5 * factor).clamp_(0.0, 1.0)
    return found.reshape(len(grid), n, channels, height, width).transpose(0, 1).contiguous()


def sampling_grid(matrices: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Where each pixel of a view comes from, as torch's ``grid_sample`` takes it: float32 ``(k, height, width, 2)``.

    Args:
        matrices: float64 ``(k, 3, 3)``, from homogeneous (x, y) of the view to those of the image, in pixels from the
            middle.
        size: height and width.
    """
    height, width = size
    y, x = np.meshgrid(np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2, indexing="ij")
    found = np.stack([x, y, np.ones(size)], axis=-1) @ matrices.transpose(0, 2, 1)[:, None]
    return (found[..., :2] / found[..., 2:] * [2 / width, 2 / height]).astype(np.float32)


def similarity(turn: float, scale: float, right: float, down: float) -> np.ndarray:
    """The matrix for :func:`sampling_grid` of a picture that is turned (in radians), scaled, then shifted in pixels."""
    cos, sin = np.cos(turn) / scale, np.sin(turn) / scale
    linear = np.array([[cos, sin], [-sin, cos]])
    return np.block([[linear, -linear @ [[right], [down]]], [np.zeros((1, 2)), np.ones((1, 1))]])


@lru_cache(maxsize=2)
def _drawn(count: int, seed: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A seed's sampling grids ``(count, *size, 2)``, contrasts and brightnesses ``(count,)``, all float32."""
    rng = stream(seed, "random views")
    # A row a view: more views add rows and leave the others.
    down, right, turn, scale, brightness, contrast = rng.uniform(-1, 1, (count, 6)).T
    height, width = size
    turns, scales = np.deg2rad(TURN) * turn, SCALE**scale
    moves = zip(turns, scales, SHIFT * width * right, SHIFT * height * down, strict=True)
    grid = sampling_grid(np.stack([similarity(*move) for move in moves]), size)
    return grid, (CONTRAST**contrast).astype(np.float32), (BRIGHTNESS * brightness).astype(np.float32)
