"""Real channel values in [0,1] -> uint8 planes or RGB: scalar functions that kernels inline.

Planes, HSV and RGB truncate: byte = trunc(255 v) (docs/reference/paper.md section 3, the released code's rule).

HLS is the released code's way: the three values become bytes first, trunc(255 v), in the order hue, lightness,
saturation, and are then read as 8-bit OpenCV HLS, whose hue byte counts half degrees. 0..180 is one turn, so 0..255
passes the colour circle one and two fifths times (the hue "wraps twice"). As in OpenCV the RGB result is rounded to
nearest.
"""

from __future__ import annotations

import numpy as np

from evo_fool.encodings.numeric.jit import inner


@inner
def to_byte(value: float) -> np.uint8:
    """trunc(255 v) for v in [0,1]."""
    return np.uint8(value * 255.0)


@inner
def _hsv_part(n: float, h6: float, s: float, v: float) -> float:
    k = n + h6
    k = k - 6.0 if k >= 6.0 else k
    return v - v * s * max(0.0, min(min(k, 4.0 - k), 1.0))


@inner
def hsv_to_rgb(h: float, s: float, v: float) -> tuple[float, float, float]:
    """RGB in [0,1] of hue, saturation and value in [0,1]; branch-free so that loops over it vectorise."""
    h6 = h * 6.0
    return _hsv_part(5.0, h6, s, v), _hsv_part(3.0, h6, s, v), _hsv_part(1.0, h6, s, v)


@inner
def _hls_part(n: float, h12: float, lightness: float, a: float) -> float:
    k = n + h12
    k = k - 12.0 if k >= 12.0 else k
    return lightness - a * max(-1.0, min(min(k - 3.0, 9.0 - k), 1.0))


@inner
def hls_bytes_to_rgb(h: float, lightness: float, s: float) -> tuple[float, float, float]:
    """RGB in [0,1] of the released code's HLS: each value in [0,1] becomes a byte, the hue byte counts 2 degrees."""
    h12 = np.floor(h * 255.0) * (12.0 / 180.0)
    h12 = h12 - 12.0 if h12 >= 12.0 else h12
    light = np.floor(lightness * 255.0) / 255.0
    a = (np.floor(s * 255.0) / 255.0) * min(light, 1.0 - light)
    return _hls_part(0.0, h12, light, a), _hls_part(8.0, h12, light, a), _hls_part(4.0, h12, light, a)


@inner
def round_byte(value: float) -> np.uint8:
    """255 v rounded to nearest, as OpenCV saturates to 8 bits."""
    return np.uint8(value * 255.0 + 0.5)
