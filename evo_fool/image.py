"""Images as arrays, uint8 ``(h, w)`` or ``(h, w, 3)``: enlarged, as Pillow's, as PNG."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def enlarge(image: np.ndarray, size: int) -> np.ndarray:
    """``image`` ``(channels, h, w)`` at ``(channels, size, size)``, each new pixel the nearest old one.

    >>> enlarge(np.array([[[1, 2], [3, 4]]]), 4)[0].tolist()
    [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    """
    rows, columns = ((2 * np.arange(size) + 1) * n // (2 * size) for n in image.shape[1:])
    return image[:, rows[:, None], columns]


def png_bytes(image: np.ndarray) -> bytes:
    """A uint8 image ``(1 or 3, h, w)`` as PNG, without loss."""
    buffer = io.BytesIO()
    to_pillow(image).save(buffer, format="PNG")
    return buffer.getvalue()


def to_pillow(image: np.ndarray) -> Image.Image:
    """A uint8 image ``(1 or 3, h, w)`` as pillow has it, grey or RGB."""
    return Image.fromarray(np.ascontiguousarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)))
