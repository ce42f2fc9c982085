"""Coefficients of cosines -> values of pixels, compiled: an inverse discrete cosine transform of a few frequencies."""

from __future__ import annotations

import math

import numpy as np

from evo_fool.encodings.numeric.jit import kernel
from evo_fool.encodings.numeric.threads import run_chunks

_VALUES_PER_THREAD = 200_000


@kernel
def _plane_rows(coefficients, down, across, out, first, last):  # type: ignore[no-untyped-def]
    """Columns first, ``grid`` of them, then rows; sums run in the order of frequencies, whatever the batch."""
    grid, height, width = down.shape[0], down.shape[1], across.shape[1]
    mixed = np.empty(grid)
    line = np.empty(width)
    for plane in range(first, last):
        for y in range(height):
            for v in range(grid):
                mixed[v] = 0.0
            for u in range(grid):
                weight = down[u, y]
                for v in range(grid):
                    mixed[v] += weight * coefficients[plane, u, v]
            for x in range(width):
                line[x] = 0.5
            for v in range(grid):
                weight = mixed[v]
                for x in range(width):
                    line[x] += weight * across[v, x]
            for x in range(width):
                out[plane, y, x] = np.float32(min(max(line[x], 0.0), 1.0))


def cosine_planes(coefficients: np.ndarray, height: int, width: int, threads: int) -> np.ndarray:
    """The values of pixels, float32 ``(n, channels, height, width)`` in [0,1]; see spectral.py.

    Args:
        coefficients: float64 ``(n, channels, grid, grid)``.
        height: in pixels.
        width: in pixels.
        threads: upper bound on threads; the values do not depend on it.
    """
    n, channels, grid, _ = coefficients.shape
    out = np.empty((n * channels, height, width), np.float32)
    down, across = (_cosines(grid, side) for side in (height, width))
    planes = np.ascontiguousarray(coefficients).reshape(-1, grid, grid)
    run_chunks(
        lambda first, last: _plane_rows(planes, down, across, out, first, last),
        len(planes),
        threads,
        _VALUES_PER_THREAD // (height * width) + 1,
    )
    return out.reshape(n, channels, height, width)


def cosine_sums(planes: np.ndarray, grid: int) -> np.ndarray:
    """The sums over each plane of its values times each cosine: the transpose of :func:`cosine_planes`.

    Args:
        planes: float64 ``(n, channels, height, width)``.
        grid: frequencies in height and in width.

    Returns:
        float64 ``(n, channels, grid, grid)``. Sums run in the order of pixels, whatever the number of threads.
    """
    down, across = (_cosines(grid, side) for side in planes.shape[2:])
    rows = np.einsum("ncyx,vx->ncyv", planes, across)
    return np.einsum("ncyv,uy->ncuv", rows, down)


def _cosines(grid: int, side: int) -> np.ndarray:
    """cos(pi f (i + 1/2) / side) for the frequencies f below ``grid``, float64 ``(grid, side)``."""
    waves = [[math.cos(math.pi * f * (i + 0.5) / side) for i in range(side)] for f in range(grid)]
    return np.array(waves)
