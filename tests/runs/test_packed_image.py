"""Stored images come back byte for byte, and take no more memory than an image of the run's shape."""

import tracemalloc
import zlib

import numpy as np
import pytest

from evo_fool.errors import CorruptRunError
from evo_fool.runs.packed_image import pack_image, unpack_image


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 28, 28), (3, 64, 64), (5, 40, 30)])
@pytest.mark.parametrize("noise", [False, True])
def test_images_come_back(shape: tuple[int, int, int], noise: bool) -> None:
    image = np.random.default_rng(1).integers(0, 256 if noise else 2, shape, dtype=np.uint8)
    assert np.array_equal(unpack_image(pack_image(image.tobytes()), shape), image)


def test_large_images_are_compressed() -> None:
    assert len(pack_image(bytes(100_000))) < 1000


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"\x00" + bytes(5),
        b"\x00" + bytes(7),
        b"\x01" + zlib.compress(bytes(5)),
        b"\x01" + zlib.compress(bytes(6))[:-6],
        b"\x01not zlib",
        b"\x02" + bytes(6),
    ],
    ids=["nothing", "short", "long", "packed short", "cut", "garbage", "unknown form"],
)
def test_anything_but_one_image_of_the_shape_is_damage(blob: bytes) -> None:
    with pytest.raises(CorruptRunError, match="image"):
        unpack_image(blob, (1, 2, 3))


def test_a_compressed_flood_is_not_unpacked() -> None:
    blob = b"\x01" + zlib.compress(bytes(50_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(CorruptRunError):
            unpack_image(blob, (1, 2, 3))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
