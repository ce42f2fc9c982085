"""The direct encoding: start, schedule, images, bytes."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo_fool.encodings import build_encoding
from evo_fool.encodings.pixels import PixelEncoding
from evo_fool.encodings.rendering.reference import to_bytes
from evo_fool.errors import GenomeError
from evo_fool.randomness import stream
from evo_fool.sections import PixelsConfig


def build(size: int = 8, channels: int = 1, **settings: object) -> PixelEncoding:
    encoding = build_encoding(PixelsConfig(kind="pixels", **settings), size=size, channels=channels)
    assert isinstance(encoding, PixelEncoding)
    return encoding


def test_start_is_uniform() -> None:
    genomes = build(28).random(50, stream(1, "t"))
    assert genomes.shape == (50, 784)
    assert genomes.dtype == np.float32
    assert genomes.mean() == pytest.approx(0.5, abs=0.01)
    assert genomes.std() == pytest.approx(12**-0.5, abs=0.01)


def test_rate_halves() -> None:
    encoding = build(rate=0.1, halve_every=1000)
    assert [encoding.rate(g) for g in (0, 999, 1000, 2999, 3000)] == [0.1, 0.1, 0.05, 0.025, 0.0125]
    assert encoding.rate(10**9) >= 0
    genomes = np.full((20, 64), 0.5, np.float32)
    late = encoding.mutate(genomes, stream(1, "t"), 20_000)
    assert (late != genomes).mean() < 0.01


@given(st.integers(0, 2**32))
def test_grey_image_truncates(seed: int) -> None:
    encoding = build()
    genomes = encoding.random(3, stream(seed, "t"))
    genomes[0, :2] = 0.0, 1.0
    expected = (genomes.astype(np.float64) * 255).astype(int)
    assert np.array_equal(encoding.render(genomes).reshape(3, -1), expected)


@pytest.mark.parametrize("colour", ["hsv", "hls", "rgb"])
def test_colour_images(colour: str) -> None:
    encoding = build(6, 3, colour=colour)
    genomes = encoding.random(20, stream(2, "t"))
    images = encoding.render(genomes)
    assert images.shape == (20, 3, 6, 6)
    assert images.dtype == np.uint8
    planes = genomes.reshape(20, 3, 36).transpose(0, 2, 1).reshape(-1, 3).tolist()
    expected = np.array([to_bytes(pixel, colour) for pixel in planes]).reshape(20, 36, 3).transpose(0, 2, 1)
    difference = np.abs(images.reshape(20, 3, 36).astype(int) - expected)
    assert difference.max() <= 1
    assert (difference == 0).mean() > 0.999


def test_own_size_overrides_the_classifier() -> None:
    assert build_encoding(PixelsConfig(kind="pixels", size=12), size=8, channels=1).size == 12


def test_every_pair_is_mated() -> None:
    crossing = build()
    a, b = (crossing.random(10, stream(3, name)) for name in "ab")
    first, second = crossing.mate(a, b, stream(3, "m"))
    changed = (first != a) | (second != b)
    assert 0.4 < changed.mean() < 0.6
    # before clipping at the bounds SBX keeps the parents' mean
    assert np.abs(first + second - a - b).mean() < 0.05


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.001])
def test_values_out_of_range_are_refused(value: float) -> None:
    data = np.array([0.5, 0.5, value, 0.5], "<f4").tobytes()
    with pytest.raises(GenomeError, match="gene 2"):
        build(2).decode(data)


def test_description_is_json() -> None:
    encoding = build(2, 3)
    genome = encoding.random(1, stream(5, "t"))[0]
    described = json.loads(json.dumps(encoding.describe(genome)))
    assert np.array_equal(np.array(described["genes"], np.float32).ravel(), genome)
    assert encoding.genome_object(genome).shape == (3, 2, 2)
