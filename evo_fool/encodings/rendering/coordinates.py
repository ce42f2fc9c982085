"""The inputs of a CPPN at every pixel: x, y and the distance d from the centre (docs/reference/paper.md section 4)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from evo_fool.shape import Size, sides

_KEPT = 512 * 512
"""Planes of more pixels are made when they are needed: at 2048x2048 they take 100 MB."""


def coordinate_planes(size: Size, kind: str, native: Size, scale: float = 1.0) -> np.ndarray:
    """x, y and d at the pixels of an image, row by row: float64 ``(3, height * width)``, read-only.

    x grows to the right and y downwards. ``normalised``: x and y run from -1 to 1 inclusive (one pixel: 0).
    The paper's images are square; in others each axis has that range, so a circle in x and y becomes an ellipse.
    ``pixel``: raw indices from 0 to the side of ``native`` less one, as the released code; at another size they cover
    the same range more finely or coarsely, so that the picture stays the same. d is sqrt(x^2 + y^2) of the normalised
    coordinates in both. ``scale`` multiplies all three: above 1, the same genome draws a finer pattern.
    """
    height, width = sides(size)
    return (_kept if height * width <= _KEPT else _planes)(sides(size), kind, sides(native), scale)


def _planes(size: tuple[int, int], kind: str, native: tuple[int, int], scale: float) -> np.ndarray:
    y, x = np.meshgrid(*(np.linspace(-1.0, 1.0, n) if n > 1 else np.zeros(1) for n in size), indexing="ij")
    d = np.sqrt(x * x + y * y)
    if kind == "pixel":
        axes = (
            np.arange(n, dtype=np.float64) if n == own else np.linspace(0.0, own - 1.0, n)
            for n, own in zip(size, native, strict=True)
        )
        y, x = np.meshgrid(*axes, indexing="ij")
    planes = np.stack([x.ravel(), y.ravel(), d.ravel()]) * scale
    planes.setflags(write=False)
    return planes


_kept = lru_cache(maxsize=4)(_planes)
