"""How the store writes a scored image down: raw, or compressed where that pays."""

from __future__ import annotations

import zlib

import numpy as np

from evo_fool.errors import CorruptRunError

_RAW, _ZLIB = b"\x00", b"\x01"

_COMPRESS_FROM = 4096
"""Images of fewer bytes are stored as they are: setting up a compressor takes longer than writing them."""


def pack_image(pixels: bytes) -> bytes:
    """The stored form of an image: a byte that says how, then its bytes, raw or compressed."""
    return _RAW + pixels if len(pixels) < _COMPRESS_FROM else _ZLIB + zlib.compress(pixels, 1)


def unpack_image(blob: bytes, shape: tuple[int, int, int]) -> np.ndarray:
    """The stored image, uint8 ``shape``.

    Raises:
        CorruptRunError: the bytes do not hold exactly one image of that shape.
    """
    expected = int(np.prod(shape))
    pixels = blob[1:]
    if blob[:1] == _ZLIB:
        try:
            pixels = zlib.decompressobj().decompress(pixels, expected + 1)
        except zlib.error:
            raise CorruptRunError("a stored image does not decompress") from None
    if blob[:1] not in (_RAW, _ZLIB) or len(pixels) != expected:
        raise CorruptRunError(f"a stored image does not hold {expected} bytes")
    return np.frombuffer(pixels, dtype=np.uint8).reshape(shape)
