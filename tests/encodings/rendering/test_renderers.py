"""CPU and torch renderers beside neat-python pixel by pixel, and images that depend on their genome alone."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.render_genomes import grown_genomes
from evo_fool.encodings import build_encoding
from evo_fool.encodings.cppn.encoding import CppnEncoding
from evo_fool.encodings.rendering import cpu
from evo_fool.encodings.rendering.coordinates import coordinate_planes
from evo_fool.encodings.rendering.gpu import render_torch
from evo_fool.encodings.rendering.program import X, Y, compile_programs
from evo_fool.encodings.rendering.reference import render_plain, render_reference
from evo_fool.errors import ConfigError
from evo_fool.randomness import stream
from evo_fool.sections import CppnConfig

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]


def build(colour: str = "grey", coordinates: str = "normalised", size: int = 28, **options: object) -> CppnEncoding:
    config = CppnConfig(kind="cppn", colour=colour, coordinates=coordinates)
    return CppnEncoding(config, size=size, channels=1 if colour == "grey" else 3, **options)


def drifted(encoding: CppnEncoding, n: int, generations: int = 200, seed: int = 1) -> np.ndarray:
    """``n`` genomes of up to 60 nodes from all stages of unselected mutation."""
    genomes = encoding.random(n, stream(seed, "t"))
    stages = []
    for generation in range(generations):
        genomes = encoding.mutate(genomes, stream(seed, "g", generation), generation)
        stages.append(genomes[generation * n // generations : (generation + 1) * n // generations])
    found = np.concatenate(stages)
    return found[found["nodes"] <= 60]


def disagreement(images: np.ndarray, encoding: CppnEncoding, genomes: np.ndarray) -> float:
    """Share of pixels that are more than one grey level away from neat-python's in some channel."""
    expected = np.stack(
        [
            render_reference(encoding.genome_object(row), size=images.shape[-1], **encoding.render_options)
            for row in genomes
        ]
    )
    return float((np.abs(images.astype(int) - expected).max(axis=1) > 1).mean())


@pytest.mark.parametrize("coordinates", ["normalised", "pixel"])
@pytest.mark.parametrize("colour", ["grey", "hsv"])
def test_500_genomes_agree_with_neat_python(colour: str, coordinates: str) -> None:
    encoding = build(colour, coordinates)
    genomes = drifted(encoding, 600)[:500]
    assert len(genomes) >= 450
    assert disagreement(encoding.render(genomes), encoding, genomes) <= 0.001
    images = render_torch(genomes, size=28, device="cpu", **encoding.render_options).numpy()
    assert disagreement(images, encoding, genomes) <= 0.001


def test_scaled_coordinates_agree_with_neat_python() -> None:
    config = CppnConfig(kind="cppn", colour="hsv", coordinate_scale=16)
    encoding = CppnEncoding(config, size=28, channels=3)
    genomes = drifted(encoding, 60)
    assert disagreement(encoding.render(genomes), encoding, genomes) <= 0.001
    images = render_torch(genomes, size=28, device="cpu", **encoding.render_options).numpy()
    assert disagreement(images, encoding, genomes) <= 0.001


@pytest.mark.parametrize("colour", ["hls", "rgb"])
def test_other_colours_agree_with_neat_python(colour: str) -> None:
    encoding = build(colour)
    genomes = drifted(encoding, 60)
    assert disagreement(encoding.render(genomes), encoding, genomes) <= 0.001


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("coordinates", ["normalised", "pixel"])
def test_dense_genomes_agree_too(coordinates: str, device: str) -> None:
    """Most of the 60 nodes of these reach the output, so rounding is amplified more than in drifted genomes."""
    encoding = build("hsv", coordinates)
    genomes = grown_genomes(30, nodes=60, seed=2, channels=3)
    assert disagreement(encoding.render(genomes), encoding, genomes) <= 0.001
    images = render_torch(genomes, size=28, device=device, **encoding.render_options).cpu().numpy()
    assert disagreement(images, encoding, genomes) <= 0.001


@pytest.mark.parametrize("size", [1, 2, 19, 28, 57])
def test_images_depend_on_the_genome_alone(size: int) -> None:
    encoding = build("hsv")
    genomes = drifted(encoding, 40, 60)
    whole = encoding.render(genomes, size)
    assert whole.shape == (len(genomes), 3, size, size)
    for threads in (1, 3):
        encoding.threads = threads
        alone = np.concatenate([encoding.render(genomes[i : i + 1], size) for i in range(len(genomes))])
        assert np.array_equal(whole, alone)
        assert np.array_equal(whole[::-1], encoding.render(genomes[::-1], size))


@settings(max_examples=40)
@given(
    st.integers(0, 2**32),
    st.integers(0, 60),
    st.sampled_from(["grey", "hsv", "hls", "rgb"]),
    st.sampled_from(["normalised", "pixel"]),
    st.sampled_from([1, 9, (1, 30), (30, 1), (7, 13), (33, 20), (2, 400)]),
)
def test_what_is_computed_once_a_row_or_column_changes_no_byte(
    seed: int, generations: int, colour: str, coordinates: str, size: int | tuple[int, int]
) -> None:
    encoding = build(colour, coordinates)
    genomes = encoding.random(2, stream(seed, "t"))
    for generation in range(generations):
        genomes = encoding.mutate(genomes, stream(seed, "g", generation), generation)
    found = cpu.render_cpu(genomes, size=size, **encoding.render_options)
    assert np.array_equal(found, render_plain(genomes, size=size, **encoding.render_options))


@pytest.mark.parametrize(("size", "seed"), [(28, 3), (57, 4)])
def test_no_byte_of_genomes_as_large_as_elites_changes(size: int, seed: int) -> None:
    encoding = build("hsv")
    genomes = grown_genomes(4, nodes=30, seed=seed, channels=3)
    assert {X, Y, X | Y} <= set(compile_programs(genomes, 3).axes.tolist())
    found = encoding.render(genomes, size)
    assert np.array_equal(found, render_plain(genomes, size=size, **encoding.render_options))


def test_a_pixel_does_not_depend_on_its_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shifted by three rows, about half a tile, the pixels of an image stay the same."""
    encoding = build()
    genomes = drifted(encoding, 20, 40)
    planes = coordinate_planes(64, "normalised", 28)
    whole = encoding.render(genomes, 64)
    shifted = planes[:, 3 * 64 : 60 * 64]
    monkeypatch.setattr(cpu, "coordinate_planes", lambda *_: shifted)
    assert np.array_equal(cpu.render_cpu(genomes, size=(57, 64), **encoding.render_options), whole[:, :, 3:60])


def test_torch_images_do_not_depend_on_memory() -> None:
    encoding = build("hls")
    genomes = drifted(encoding, 30, 60)
    images = render_torch(genomes, size=28, device="cpu", **encoding.render_options)
    small = render_torch(genomes, size=28, device="cpu", memory=100_000, **encoding.render_options)
    assert images.dtype == torch.uint8
    assert torch.equal(images, small)


def test_an_empty_batch() -> None:
    encoding = build()
    nothing = encoding.random(0, stream(1, "t"))
    assert encoding.render(nothing).shape == (0, 1, 28, 28)
    assert render_torch(nothing, size=28, device="cpu", **encoding.render_options).shape == (0, 1, 28, 28)


def test_a_node_without_links_is_its_activation_of_zero() -> None:
    encoding = build()
    genomes = np.repeat(encoding.random(1, stream(1, "t")), 4)
    for name in ("src", "dst", "weight", "links"):
        genomes[name] = 0
    genomes["act"][:, 0] = range(4)
    expected = np.array([0, 0, 255, 0])  # sine, sigmoid, gaussian, linear
    assert (encoding.render(genomes) == expected[:, None, None, None]).all()
    images = render_torch(genomes, size=28, device="cpu", **encoding.render_options).numpy()
    assert (images == expected[:, None, None, None]).all()
    assert disagreement(encoding.render(genomes), encoding, genomes) == 0


def test_the_device_chooses_the_renderer() -> None:
    genomes = drifted(build(), 20, 60)
    by_torch = build(device="cpu:0").render(genomes)
    assert by_torch.dtype == np.uint8
    assert np.abs(by_torch.astype(int) - build().render(genomes)).max() <= 1


def test_coordinates() -> None:
    x, y, d = coordinate_planes(3, "normalised", 3)
    assert x.tolist() == [-1, 0, 1] * 3
    assert y.tolist() == [-1] * 3 + [0] * 3 + [1] * 3
    assert d[[0, 1, 4]] == pytest.approx([2**0.5, 1, 0])
    raw_x, raw_y, raw_d = coordinate_planes(3, "pixel", 3)
    assert raw_x.tolist() == [0, 1, 2] * 3
    assert raw_y.tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert np.array_equal(raw_d, d)
    assert coordinate_planes(1, "normalised", 28).tolist() == [[0], [0], [0]]
    assert np.array_equal(coordinate_planes(3, "normalised", 3, 8.0), 8 * coordinate_planes(3, "normalised", 3))


@pytest.mark.parametrize("coordinates", ["normalised", "pixel"])
def test_another_size_shows_the_same_picture(coordinates: str) -> None:
    """At 55 pixels every second coordinate is one of the 28."""
    encoding = build("grey", coordinates)
    genomes = drifted(encoding, 50, 30)
    small, large = encoding.render(genomes), encoding.render(genomes, 55)
    difference = np.abs(large[:, :, ::2, ::2].astype(int) - small)
    assert (difference <= 1).mean() > 0.999


@pytest.mark.parametrize("size", [0, -3, 20_000])
def test_impossible_sizes_are_refused(size: int) -> None:
    encoding = build()
    with pytest.raises(ConfigError, match=str(size)):
        encoding.render(encoding.random(1, stream(1, "t")), size)


def test_registry_builds_both_kinds() -> None:
    encoding = build_encoding(CppnConfig(kind="cppn", size=40), size=28, channels=3)
    assert (encoding.size, encoding.channels, encoding.can_mate, encoding.resizable) == (40, 3, True, True)
