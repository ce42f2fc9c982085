"""The spectral encoding draws the cosines that its genes say, at any size, and varies them as its operators say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.fft import idctn

from evo_fool.encodings import build_encoding
from evo_fool.encodings.rendering.reference import to_bytes
from evo_fool.encodings.spectral import SpectralEncoding
from evo_fool.errors import ConfigError
from evo_fool.randomness import stream
from evo_fool.sections import SpectralConfig


def build(size: int | tuple[int, int] = 8, channels: int = 1, **settings: object) -> SpectralEncoding:
    encoding = build_encoding(SpectralConfig(kind="spectral", **settings), size=size, channels=channels)
    assert isinstance(encoding, SpectralEncoding)
    return encoding


def value(genes: np.ndarray, y: int, x: int, height: int, width: int) -> float:
    """One pixel of one channel by the formula of spectral.py; ``genes`` is ``(grid, grid)``."""
    total = 0.5
    for u, row in enumerate(genes.tolist()):
        for v, gene in enumerate(row):
            wave = np.cos(np.pi * u * (y + 0.5) / height) * np.cos(np.pi * v * (x + 0.5) / width)
            total += (2 * gene - 1) / (1 + u + v) * wave
    return min(max(float(total), 0.0), 1.0)


@given(st.integers(0, 2**32), st.integers(1, 5), st.tuples(st.integers(1, 7), st.integers(1, 7)))
def test_a_grey_image_is_the_formula(seed: int, grid: int, size: tuple[int, int]) -> None:
    encoding = build(size, grid=grid)
    genomes = encoding.random(2, stream(seed, "t"))
    images = encoding.render(genomes)
    height, width = size
    for genome, image in zip(genomes, images, strict=True):
        values = [[value(genome.reshape(grid, grid), y, x, height, width) for x in range(width)] for y in range(height)]
        assert np.abs(image[0] - 255 * np.array(values)).max() <= 1.0001
        assert (image[0] <= 255 * np.array(values) + 1e-3).all(), "rounded down"


def test_it_is_scipys_inverse_transform() -> None:
    encoding = build(12, grid=5)
    genomes = 0.45 + 0.1 * encoding.random(3, stream(1, "t"))  # small enough that nothing is clipped
    spectrum = np.zeros((3, 12, 12))
    twice = np.where(np.arange(5) > 0, 2.0, 1.0)  # scipy's transform adds every wave but the constant twice
    spectrum[:, :5, :5] = encoding.coefficients(genomes)[:, 0] * (2 * 12) ** 2 / np.outer(twice, twice)
    expected = 255 * (0.5 + idctn(spectrum, type=2, axes=(1, 2)))
    assert np.abs(encoding.render(genomes)[:, 0] - expected).max() <= 1.001


@pytest.mark.parametrize("colour", ["hsv", "hls", "rgb"])
def test_colours_are_those_of_the_other_encodings(colour: str) -> None:
    encoding = build(6, 3, colour=colour, grid=3)
    genomes = encoding.random(5, stream(2, "t"))
    images = encoding.render(genomes)
    planes = genomes.reshape(5, 3, 3, 3)
    for image, genome in zip(images, planes, strict=True):
        for y, x in ((0, 0), (2, 5), (5, 1)):
            pixel = [value(genome[c], y, x, 6, 6) for c in range(3)]
            assert np.abs(image[:, y, x].astype(int) - np.array(to_bytes(pixel, colour))).max() <= 1


def test_a_larger_image_shows_the_same() -> None:
    encoding = build(16, 1, grid=4)
    genomes = encoding.random(4, stream(3, "t"))
    small, large = encoding.render(genomes).astype(float), encoding.render(genomes, 64).astype(float)
    means = large.reshape(4, 1, 16, 4, 16, 4).mean(axis=(3, 5))
    assert np.abs(means - small).mean() < 1  # more only where a value is clipped inside of a pixel
    assert np.abs(means - small).max() < 16


def test_many_images_are_drawn_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    encoding = build(8, 3)
    genomes = encoding.random(7, stream(4, "t"))
    whole = encoding.render(genomes)
    monkeypatch.setattr("evo_fool.encodings.spectral._VALUES", 500)
    assert np.array_equal(encoding.render(genomes), whole)
    assert np.array_equal(build(8, 3).render(genomes[3:4]), whole[3:4])


def test_sizes_have_a_limit() -> None:
    with pytest.raises(ConfigError, match="16384"):
        build().render(build().random(1, stream(1, "t")), 20_000)


def test_children_have_the_low_frequencies_of_one_parent() -> None:
    encoding = build(8, 2, grid=4)
    first, second = (encoding.random(200, stream(seed, "t")) for seed in (5, 6))
    children = encoding.mate(first, second, stream(7, "mate"))
    sums = np.tile(encoding.frequencies.ravel(), 2)
    limits = set()
    for a, b, one, other in zip(first, second, *children, strict=True):
        limit = int(sums[one == b].min())
        limits.add(limit)
        assert np.array_equal(one, np.where(sums < limit, a, b))
        assert np.array_equal(other, np.where(sums < limit, b, a))
    assert limits == set(range(1, 7))


@pytest.mark.parametrize(
    ("name", "genes", "eta"), [("few", 8, 15), ("coarse", 4, 3), ("fine", 16, 100), ("dense", 768, 100)]
)
def test_operators_move_so_many_genes_so_far(name: str, genes: int, eta: float) -> None:
    encoding = build(8, 3)
    (operator,) = (each for each in encoding.operators if each.name == name)
    parents = np.full((400, 768), 0.5, np.float32)
    steps = np.abs(encoding.vary(operator, parents, stream(8, "vary"), 0) - parents)
    assert (steps > 0).sum(axis=1).mean() == pytest.approx(genes, rel=0.06)
    mean = 1 / (eta + 2)  # of the polynomial step, which is clipped where it is large
    assert steps[steps > 0].mean() == pytest.approx(mean, rel=0.12)
