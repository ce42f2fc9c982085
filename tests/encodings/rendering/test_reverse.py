"""Slopes of weights and genes beside torch's autograd over a readable renderer without bytes, in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from benchmarks.render_genomes import grown_genomes
from evo_fool.encodings import build_encoding
from evo_fool.encodings.base import Encoding
from evo_fool.encodings.cppn.activations import FUNCTIONS, NAMES
from evo_fool.encodings.cppn.encoding import CppnEncoding
from evo_fool.encodings.genes import STEPS
from evo_fool.encodings.operators import uphill_steps
from evo_fool.encodings.rendering.colour_slopes import colour_slopes
from evo_fool.encodings.rendering.coordinates import coordinate_planes
from evo_fool.encodings.rendering.cosines import cosine_sums
from evo_fool.encodings.rendering.reverse import pull_back
from evo_fool.randomness import stream
from evo_fool.sections import CppnConfig, PixelsConfig, SpectralConfig

COLOURS = {"grey": 1, "planes": 2, "rgb": 3, "hsv": 3, "hls": 3}
SEEDS = st.integers(0, 2**32)


def activated(z: Tensor, name: str) -> Tensor:
    return {
        "sine": torch.sin,
        "bipolar_sigmoid": lambda z: 2 * (torch.sigmoid(z) - 0.5),
        "gaussian": lambda z: torch.exp(-(z**2)),
        "clipped_linear": lambda z: z.clamp(-3, 3) / 3,
    }[name](z)


def coloured(values: Tensor, colour: str) -> Tensor:
    """Values ``(channels, pixels)`` as red, green and blue by the usual formulas of the colour models."""
    if colour not in ("hsv", "hls"):
        return values
    if colour == "hsv":
        h, s, v = values
        chroma, turn, low = v * s, 6 * h, v - v * s
    else:  # the hue byte counts two degrees
        h, light, s = values
        chroma, turn = 2 * s * torch.minimum(light, 1 - light), h * 255 / 30
        low = light - chroma / 2
    distance = [(turn - at + 3) % 6 - 3 for at in (0.0, 2.0, 4.0)]
    return torch.stack([low + chroma * (2 - d.abs()).clamp(0, 1) for d in distance])


def drawn(encoding: CppnEncoding, row: np.void, weights: Tensor, size: tuple[int, int]) -> Tensor:
    """The image of a genome before it becomes bytes, ``(channels, pixels)``, node by node."""
    options = encoding.render_options
    planes = coordinate_planes(size, options["coordinates"], options["native"], options["scale"])
    inputs = torch.cat([torch.tensor(planes), torch.ones(1, planes.shape[1], dtype=torch.float64)])
    names = dict(zip(row["key"][: row["nodes"]].tolist(), row["act"][: row["nodes"]].tolist(), strict=True))
    ends = list(zip(row["src"].tolist(), row["dst"].tolist(), strict=True))[: row["links"]]
    found: dict[int, Tensor] = {-1 - i: plane for i, plane in enumerate(inputs)}

    def value(key: int) -> Tensor:
        if key not in found:
            terms = [weights[j] * value(source) for j, (source, target) in enumerate(ends) if target == key]
            found[key] = activated(sum(terms, torch.zeros(planes.shape[1]).double()), NAMES[names[key]])
        return found[key]

    return coloured(torch.stack([value(key) for key in range(encoding.channels)]).abs(), options["colour"])


def built(colour: str, **settings: object) -> CppnEncoding:
    config = CppnConfig(kind="cppn", colour="auto" if colour == "planes" else colour, **settings)
    return CppnEncoding(config, size=(19, 33), channels=COLOURS[colour], threads=2)


@settings(max_examples=40)
@given(
    SEEDS, st.sampled_from(sorted(COLOURS)), st.integers(4, 20), st.booleans(), st.sampled_from(["normalised", "pixel"])
)
def test_slopes_of_weights_are_those_of_autograd(
    seed: int, colour: str, nodes: int, grown: bool, coordinates: str
) -> None:
    encoding = built(colour, coordinates=coordinates, coordinate_scale=0.1)
    rng = np.random.default_rng(seed)
    if grown:
        genomes = grown_genomes(2, nodes=nodes, seed=seed, channels=encoding.channels).astype(encoding.dtype)
    else:
        genomes = encoding.random(2, rng)
    genomes["weight"] *= 0.2  # or a chain of sines amplifies rounding beyond any tolerance
    slopes = rng.normal(size=(2, *encoding.shape))
    found = pull_back(genomes, slopes, **encoding.render_options)
    for row, slope, ours in zip(genomes, slopes, found, strict=True):
        weights = torch.tensor(row["weight"], requires_grad=True)
        image = drawn(encoding, row, weights, (19, 33))
        (expected,) = torch.autograd.grad((image * torch.tensor(slope).reshape(image.shape)).sum(), weights)
        assert ours == pytest.approx(expected.numpy(), rel=1e-6, abs=1e-6 * max(1.0, float(expected.abs().max())))
        assert not ours[row["links"] :].any()


@pytest.mark.parametrize("code", range(len(FUNCTIONS)), ids=NAMES)
@given(weight=st.floats(-9, 9))
def test_every_activation_has_the_slope_of_finite_differences(code: int, weight: float) -> None:
    """One output, one link from the bias: its value is f(weight)."""
    encoding = CppnEncoding(CppnConfig(kind="cppn", max_links=12), size=1, channels=1)
    genome = encoding.random(1, stream(1, "t"))
    genome["src"], genome["dst"], genome["links"] = 0, 0, 1
    genome["src"][0, 0], genome["act"][0, 0], genome["weight"][0, 0] = -4, code, weight
    step = 1e-6
    near = [abs(FUNCTIONS[code](weight + side * step)) for side in (-1, 1)]
    kinks = (0.0, -3.0, 3.0)
    if any(abs(weight - kink) < 2 * step for kink in kinks) or abs(math.sin(weight)) < 2 * step:
        return
    found = pull_back(genome, np.ones((1, 1, 1, 1)), **encoding.render_options)
    assert found[0, 0] == pytest.approx((near[1] - near[0]) / (2 * step), abs=1e-8)


def test_slopes_depend_on_the_genome_alone() -> None:
    encoding = built("hsv")
    genomes = grown_genomes(7, nodes=30, seed=3, channels=3).astype(encoding.dtype)
    slopes = np.random.default_rng(2).normal(size=(7, *encoding.shape))
    options = encoding.render_options
    whole = pull_back(genomes, slopes, threads=1, **options)
    assert pull_back(genomes, slopes, threads=3, **options).tobytes() == whole.tobytes()
    alone = [pull_back(genomes[i : i + 1], slopes[i : i + 1], **options) for i in range(7)]
    assert np.concatenate(alone).tobytes() == whole.tobytes()
    assert pull_back(genomes[:0], slopes[:0], **options).shape == (0, 256)


@pytest.mark.parametrize("colour", ["hsv", "hls", "rgb"])
def test_slopes_of_colours_are_those_of_autograd(colour: str) -> None:
    rng = np.random.default_rng(5)
    values, slopes = rng.random((2, 3, 20, 30)), rng.normal(size=(2, 3, 20, 30))
    leaf = torch.tensor(values, requires_grad=True)
    images = torch.stack([coloured(image.flatten(1), colour).view(3, 20, 30) for image in leaf])
    (expected,) = torch.autograd.grad((images * torch.tensor(slopes)).sum(), leaf)
    assert np.allclose(colour_slopes(values, slopes, colour, 2), expected.numpy(), atol=1e-9)


def test_sums_of_cosines_are_the_transpose_of_their_planes() -> None:
    rng = np.random.default_rng(4)
    encoding = build_encoding(SpectralConfig(kind="spectral", grid=5), size=(12, 9), channels=2)
    coefficients, planes = rng.normal(size=(2, 2, 5, 5)), rng.normal(size=(2, 2, 12, 9))
    expected = np.zeros((2, 2, 5, 5))
    for u in range(5):
        for v in range(5):
            down = np.cos(np.pi * u * (np.arange(12) + 0.5) / 12)
            across = np.cos(np.pi * v * (np.arange(9) + 0.5) / 9)
            expected[:, :, u, v] = (planes * np.outer(down, across)).sum(axis=(2, 3))
    assert np.allclose(cosine_sums(planes, 5), expected)
    assert encoding.coefficients(np.zeros((1, 50), np.float32)).shape == coefficients[:1].shape


@given(SEEDS)
def test_steps_uphill_are_as_long_as_asked_and_stay_within_bounds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.uniform(-1, 1, (6, 9))
    slopes = rng.normal(size=(6, 9)) * 10.0 ** rng.integers(-200, 250, (6, 1))
    slopes[1], slopes[2, 3], slopes[3, 4] = 0.0, np.inf, np.nan
    moved = uphill_steps(values, slopes, rng, lengths=(0.01, 0.03), bounds=(-2, 2)) - values
    lengths = np.linalg.norm(moved, axis=1)
    assert not moved[1:4].any()
    for row in (0, 4, 5):
        assert 0.01 - 1e-12 <= lengths[row] <= 0.03 + 1e-12
        unit = slopes[row] / np.abs(slopes[row]).max()
        assert moved[row] / lengths[row] == pytest.approx(unit / np.linalg.norm(unit))
    assert np.abs(uphill_steps(values, slopes, rng, lengths=(9, 9), bounds=(-1, 1))).max() <= 1


ENCODINGS = [
    CppnConfig(kind="cppn"),
    *(PixelsConfig(kind="pixels", colour=colour) for colour in ("hsv", "hls", "rgb")),
    *(SpectralConfig(kind="spectral", grid=6, colour=colour) for colour in ("hsv", "rgb")),
]


@pytest.mark.parametrize("config", ENCODINGS, ids=lambda c: f"{c.kind} {c.colour}")
def test_a_step_raises_what_the_slopes_are_of(config: object) -> None:
    """Slopes of a linear function of pixels; the step is long enough to show in bytes."""
    encoding: Encoding = build_encoding(config, size=40, channels=3)  # type: ignore[arg-type]
    genomes = encoding.random(30, stream(1, "t"))
    weights = np.random.default_rng(1).normal(size=encoding.shape).astype(np.float32)
    weights += weights.mean(axis=(1, 2), keepdims=True)
    slopes = np.repeat(weights[None], 30, axis=0)
    before = (encoding.render(genomes) * weights).sum(axis=(1, 2, 3))
    for step in range(5):
        genomes = encoding.ascend(genomes, slopes, stream(1, "step", step))
    after = (encoding.render(genomes) * weights).sum(axis=(1, 2, 3))
    assert (after > before).mean() > 0.9


def test_genes_move_by_a_share_of_their_range() -> None:
    encoding = build_encoding(PixelsConfig(kind="pixels"), size=10, channels=1)
    genomes = encoding.random(20, stream(1, "t")) * 0.5 + 0.25
    moved = encoding.ascend(genomes, np.ones((20, 1, 10, 10), np.float32), stream(1, "step")) - genomes
    roots = np.sqrt(np.square(moved).mean(axis=1))
    assert STEPS[0] * 0.99 < roots.min() < roots.max() < STEPS[1] * 1.01
