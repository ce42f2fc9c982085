"""The inputs of a CPPN at every pixel: x, y and the distance d from the centre (docs/reference/paper.md section 4)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

_KEPT = 512
"""Planes of larger images are made when they are needed: at 2048x2048 they take 100 MB."""


def coordinate_planes(size: int, kind: str, native: int) -> np.ndarray:
    """x, y and d at the pixels of a square image, row by row: float64 ``(3, size * size)``, read-only.

    x grows to the right and y downwards. ``normalised``: x and y run from -1 to 1 inclusive (0 where size is 1).
    ``pixel``: raw indices 0..native-1, as the released code; at another size than ``native`` they cover the same range
    more finely or coarsely, so that the picture stays the same. d is sqrt(x^2 + y^2) of the normalised coordinates in
    both.
    """
    return _kept(size, kind, native) if size <= _KEPT else _planes(size, kind, native)


def _planes(size: int, kind: str, native: int) -> np.ndarray:
    axis = np.linspace(-1.0, 1.0, size) if size > 1 else np.zeros(1)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    d = np.sqrt(x * x + y * y)
    if kind == "pixel":
        raw = np.arange(size, dtype=np.float64) if size == native else np.linspace(0.0, native - 1.0, size)
        y, x = np.meshgrid(raw, raw, indexing="ij")
    planes = np.stack([x.ravel(), y.ravel(), d.ravel()])
    planes.setflags(write=False)
    return planes


_kept = lru_cache(maxsize=4)(_planes)
