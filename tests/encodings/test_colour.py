"""Colour conversion beside the standard library's colorsys."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo_fool.encodings.colour import resolve_colour
from evo_fool.encodings.rendering.quantise import hls_bytes_to_rgb, hsv_to_rgb, round_byte, to_byte
from evo_fool.encodings.rendering.reference import to_bytes
from evo_fool.errors import ConfigError

UNIT = st.floats(0, 1)


@given(UNIT, UNIT, UNIT)
def test_hsv_is_that_of_colorsys(h: float, s: float, v: float) -> None:
    ours = [int(to_byte(x)) for x in hsv_to_rgb(h, s, v)]
    assert np.abs(np.subtract(ours, to_bytes([h, s, v], "hsv"))).max() <= 1


@given(UNIT, UNIT, UNIT)
def test_hls_is_that_of_colorsys_on_half_degrees(h: float, lightness: float, s: float) -> None:
    ours = [int(round_byte(x)) for x in hls_bytes_to_rgb(h, lightness, s)]
    assert np.abs(np.subtract(ours, to_bytes([h, lightness, s], "hls"))).max() <= 1


@pytest.mark.parametrize(
    ("hsv", "rgb"),
    [((0, 1, 1), (255, 0, 0)), ((1, 1, 1), (255, 0, 0)), ((1 / 3, 1, 1), (0, 255, 0)), ((0.7, 0, 1), (255, 255, 255))],
)
def test_known_colours(hsv: tuple[float, float, float], rgb: tuple[int, int, int]) -> None:
    assert tuple(int(to_byte(x)) for x in hsv_to_rgb(*map(float, hsv))) == rgb


def test_hls_hue_wraps_beyond_180() -> None:
    red = [int(round_byte(x)) for x in hls_bytes_to_rgb(0.0, 0.5, 1.0)]
    wrapped = [int(round_byte(x)) for x in hls_bytes_to_rgb(180.5 / 255, 0.5, 1.0)]
    assert red == wrapped


@given(UNIT)
def test_bytes_truncate(value: float) -> None:
    assert int(to_byte(value)) == int(255 * value)


def test_auto_colour() -> None:
    assert resolve_colour("auto", 1) == "grey"
    assert resolve_colour("auto", 3) == "hsv"
    assert resolve_colour("auto", 5) == "planes"


@pytest.mark.parametrize(("colour", "channels"), [("hsv", 1), ("grey", 3), ("rgb", 1), ("hsv", 4), ("grey", 2)])
def test_colours_that_do_not_fit(colour: str, channels: int) -> None:
    with pytest.raises(ConfigError, match="channel"):
        resolve_colour(colour, channels)
