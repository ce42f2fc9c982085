"""Images as arrays, uint8 ``(channels, h, w)``: enlarged, shown, as Pillow's, as PNG."""

from __future__ import annotations

import io
import math

import numpy as np
from PIL import Image

from evo_fool.shape import scaled


def enlarge(image: np.ndarray, size: int) -> np.ndarray:
    """``image`` ``(channels, h, w)`` with its longer side at ``size``, each new pixel the nearest old one.

    >>> enlarge(np.array([[[1, 2], [3, 4]]]), 4)[0].tolist()
    [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    """
    old, new = image.shape[1:], scaled(image.shape[1:], size)
    rows, columns = ((2 * np.arange(m) + 1) * n // (2 * m) for n, m in zip(old, new, strict=True))
    return image[:, rows[:, None], columns]


def shown(image: np.ndarray) -> np.ndarray:
    """What people see of ``(channels, h, w)``: itself if grey or RGB, else its planes as grey tiles, row by row.

    >>> shown(np.arange(5).reshape(5, 1, 1)).tolist()
    [[[0, 1, 2], [3, 4, 0]]]
    """
    planes, height, width = image.shape
    if planes in (1, 3):
        return image
    columns = math.isqrt(planes - 1) + 1
    rows = -(-planes // columns)
    tiles = np.zeros((rows * columns, height, width), image.dtype)
    tiles[:planes] = image
    return tiles.reshape(rows, columns, height, width).swapaxes(1, 2).reshape(1, rows * height, columns * width)


def png_bytes(image: np.ndarray) -> bytes:
    """A uint8 image ``(channels, h, w)`` as PNG, without loss; see :func:`shown`."""
    buffer = io.BytesIO()
    to_pillow(image).save(buffer, format="PNG")
    return buffer.getvalue()


def to_pillow(image: np.ndarray) -> Image.Image:
    """A uint8 image ``(channels, h, w)`` as pillow has it, grey or RGB; see :func:`shown`."""
    image = shown(image)
    return Image.fromarray(np.ascontiguousarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)))
