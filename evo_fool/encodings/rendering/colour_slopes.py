"""From slopes of red, green and blue to slopes of the three values that a colour model reads: quantise.py backwards.

Bytes are taken for the values that they were truncated from (straight through); at a kink either side's slope will do.
"""
# The kernels' types are numba's to infer.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from evo_fool.encodings.colour import HSV, MODES
from evo_fool.encodings.numeric.jit import inner, kernel
from evo_fool.encodings.numeric.threads import run_chunks

_PIXELS_PER_THREAD = 100_000
_HUE = 255.0 * 12.0 / 180.0
"""Twelfths of a turn that HLS's hue passes from 0 to 1."""


@inner
def _hsv_part(n, h6, s, v):
    """The derivatives of one of red, green and blue by hue, saturation and value."""
    k = n + h6
    k = k - 6.0 if k >= 6.0 else k
    part = max(0.0, min(min(k, 4.0 - k), 1.0))
    turn = 1.0 if k < 1.0 else -1.0 if 3.0 < k < 4.0 else 0.0
    return -6.0 * v * s * turn, -v * part, 1.0 - s * part


@inner
def hsv_slopes(h, s, v, red, green, blue):
    """Slopes of hue, saturation and value in [0,1], from those of red, green and blue."""
    r, g, b = _hsv_part(5.0, 6.0 * h, s, v), _hsv_part(3.0, 6.0 * h, s, v), _hsv_part(1.0, 6.0 * h, s, v)
    return (
        red * r[0] + green * g[0] + blue * b[0],
        red * r[1] + green * g[1] + blue * b[1],
        red * r[2] + green * g[2] + blue * b[2],
    )


@inner
def _hls_part(n, h12, lightness, s):
    """The derivatives of one of red, green and blue by hue, lightness and saturation."""
    k = n + h12
    k = k - 12.0 if k >= 12.0 else k
    part = max(-1.0, min(min(k - 3.0, 9.0 - k), 1.0))
    turn = 1.0 if 2.0 < k < 4.0 else -1.0 if 8.0 < k < 10.0 else 0.0
    room, side = (lightness, 1.0) if lightness < 0.5 else (1.0 - lightness, -1.0)
    return -_HUE * s * room * turn, 1.0 - s * side * part, -room * part


@inner
def hls_slopes(h, lightness, s, red, green, blue):
    """Slopes of the released code's hue, lightness and saturation in [0,1], from those of red, green and blue."""
    h12 = h * _HUE
    h12 = h12 - 12.0 if h12 >= 12.0 else h12
    r, g, b = _hls_part(0.0, h12, lightness, s), _hls_part(8.0, h12, lightness, s), _hls_part(4.0, h12, lightness, s)
    return (
        red * r[0] + green * g[0] + blue * b[0],
        red * r[1] + green * g[1] + blue * b[1],
        red * r[2] + green * g[2] + blue * b[2],
    )


@kernel
def _slope_rows(values, slopes, out, first, last, hsv):
    pixels = values.shape[2]
    for row in range(first, last):
        for i in range(pixels):
            a, b, c = np.float64(values[row, 0, i]), np.float64(values[row, 1, i]), np.float64(values[row, 2, i])
            red, green, blue = slopes[row, 0, i], slopes[row, 1, i], slopes[row, 2, i]
            found = hsv_slopes(a, b, c, red, green, blue) if hsv else hls_slopes(a, b, c, red, green, blue)
            out[row, 0, i], out[row, 1, i], out[row, 2, i] = found


def colour_slopes(values: np.ndarray, slopes: np.ndarray, colour: str, threads: int) -> np.ndarray:
    """The slopes of what makes the colours, float64 of the same shape.

    Args:
        values: in [0,1], float32 ``(n, channels, height, width)``, see :func:`.render_pixels`.
        slopes: of some number with respect to each drawn value in [0,1], of the same shape.
        colour: hsv or hls for three planes that make colours; with anything else the slopes stay as they are.
        threads: upper bound on threads; the slopes do not depend on it.
    """
    slopes = np.ascontiguousarray(slopes, np.float64)
    mode = MODES.get(colour)
    if mode is None:
        return slopes
    flat = (len(values), 3, slopes.shape[2] * slopes.shape[3])
    given, wanted, out = np.ascontiguousarray(values).reshape(flat), slopes.reshape(flat), np.empty(slopes.shape)
    found = out.reshape(flat)
    run_chunks(
        lambda first, last: _slope_rows(given, wanted, found, first, last, mode == HSV),
        len(values),
        threads,
        _PIXELS_PER_THREAD // max(1, found.shape[2]) + 1,
    )
    return out
