"""Images for the browser: the scored pixels as PNG, thumbnails, and enlargements that show every pixel."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from evo_fool.errors import ConfigError
from evo_fool.image import enlarge, png_bytes, shown
from evo_fool.runs.individuals import image_of
from evo_fool.runs.run import Run
from evo_fool.shape import scaled

MIN_SIDE, MAX_SIDE = 8, 2048
"""Sizes that an image can be asked for, in pixels."""

_QUALITY = 85
_GROUND = 128


def reduce(image: np.ndarray, side: int) -> np.ndarray:
    """A uint8 image ``(channels, h, w)`` averaged down to ``(side, side, 3)``; a smaller one is enlarged.

    Images that are not square are centred on grey; planes that are not colours are grey tiles, see :func:`.shown`.

    >>> reduce(np.full((1, 4, 4), 7, np.uint8), 2).tolist()
    [[[7, 7, 7], [7, 7, 7]], [[7, 7, 7], [7, 7, 7]]]
    """
    averaged = _averaged(shown(image), side)
    height, width = averaged.shape[:2]
    if height == width:
        return averaged
    out = np.full((side, side, 3), _GROUND, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    out[top : top + height, left : left + width] = averaged
    return out


def _averaged(image: np.ndarray, side: int) -> np.ndarray:
    if max(image.shape[1:]) <= side:
        image = enlarge(image, side)
    height, width = scaled(image.shape[1:], side)
    out = np.empty((height, width, 3), np.uint8)
    # Channel by channel, as stored: interleaving first takes as long again.
    for channel, plane in enumerate(image):
        out[..., channel] = np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BOX))
    out[..., len(image) :] = out[..., :1]
    return out


def scored_png(run: Run, individual: int) -> bytes:
    """The image of an individual as it was scored, as PNG.

    Raises:
        NotKeptError: retention has discarded it, or it never existed.
        CorruptRunError: it is damaged.
    """
    return png_bytes(image_of(run, individual))


def resized_png(run: Run, individual: int, size: int) -> bytes | None:
    """The image at another size as PNG, or None where its genome has to be rendered for that.

    Args:
        run: the run.
        individual: its id.
        size: the longer side in pixels. Smaller ones than it has are averages; larger ones of pixels repeat each pixel.

    Raises:
        ConfigError: a size out of range.
        NotKeptError: retention has discarded it, or it never existed.
        CorruptRunError: it is damaged.
    """
    if not MIN_SIDE <= size <= MAX_SIDE:
        raise ConfigError(f"{size}: an image is {MIN_SIDE} to {MAX_SIDE} pixels wide")
    image = image_of(run, individual)
    native = max(image.shape[1:])
    if size == native:
        return png_bytes(image)
    if size < native:
        return png_bytes(_averaged(shown(image), size).transpose(2, 0, 1))
    return None if run.encoding.resizable else png_bytes(enlarge(image, size))


def photograph(pixels: np.ndarray) -> bytes:
    """uint8 ``(h, w, 3)`` as JPEG: ten times as fast as any other format that is as small."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=_QUALITY)
    return buffer.getvalue()


def exactly(pixels: np.ndarray) -> bytes:
    """uint8 ``(h, w, 3)`` as PNG, in grey where it is."""
    picture = Image.fromarray(pixels)
    grey = bool((pixels[..., :1] == pixels).all())
    buffer = io.BytesIO()
    (picture.convert("L") if grey else picture).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()
