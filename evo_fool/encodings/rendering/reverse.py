"""From slopes of pixels to slopes of weights: reverse mode through CPPN programs, the transpose of cpu.py.

Each node is drawn as the CPU renderer draws it, tile by tile, and its derivative kept; slopes then run through the
program from its outputs back. The step to bytes is taken as if it were none (straight through): a byte stands for the
value that it was truncated from. A genome's slopes depend on it and on its pixels' slopes alone, not on the batch or
the number of threads.
"""
# The kernels' types are numba's to infer.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from evo_fool.encodings.colour import HSV, MODES, PLANES
from evo_fool.encodings.cppn.activations import GAUSSIAN, SIGMOID, SINE
from evo_fool.encodings.cppn.genome import INPUTS
from evo_fool.encodings.numeric.jit import inner, kernel
from evo_fool.encodings.numeric.threads import run_chunks
from evo_fool.encodings.numeric.vector_math import vector_sin
from evo_fool.encodings.rendering.colour_slopes import hls_slopes, hsv_slopes
from evo_fool.encodings.rendering.coordinates import coordinate_planes
from evo_fool.encodings.rendering.cpu import TILE, activate, sum_links
from evo_fool.encodings.rendering.program import compile_rows, fields
from evo_fool.shape import Size

_QUARTER = math.pi / 2


@inner
def _activate_and_derive(v, d, t, code):
    """v[t] = f(v[t]), d[t] = f'(v[t])."""
    n = v.shape[1]
    if code == SINE:
        for i in range(n):
            d[t, i] = vector_sin(v[t, i] + _QUARTER)
    elif code == GAUSSIAN:
        for i in range(n):
            d[t, i] = -2.0 * v[t, i]
    activate(v, t, code)
    if code == SIGMOID:
        for i in range(n):
            d[t, i] = 0.5 * (1.0 - v[t, i] * v[t, i])
    elif code == GAUSSIAN:
        for i in range(n):
            d[t, i] *= v[t, i]
    elif code != SINE:
        for i in range(n):
            d[t, i] = 1.0 / 3.0 if abs(v[t, i]) < 1.0 else 0.0


@inner
def _dot(a, b):
    """The sum of products over a tile, in eight sums side by side: one alone would wait for every addition."""
    s0, s1, s2, s3, s4, s5, s6, s7 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(0, TILE, 8):
        s0 += a[i] * b[i]
        s1 += a[i + 1] * b[i + 1]
        s2 += a[i + 2] * b[i + 2]
        s3 += a[i + 3] * b[i + 3]
        s4 += a[i + 4] * b[i + 4]
        s5 += a[i + 5] * b[i + 5]
        s6 += a[i + 6] * b[i + 6]
        s7 += a[i + 7] * b[i + 7]
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))


@inner
def _sign(value):
    return -1.0 if value < 0.0 else 1.0


@inner
def _unquantise(v, output, mode, slopes, start, count, back):
    """Slopes of the tile's pixels to the output rows of ``back``: through the colour model, and the fold at 0."""
    if mode == PLANES:
        for channel in range(len(output)):
            row = output[channel]
            for i in range(count):
                back[row, i] = _sign(v[row, i]) * slopes[channel, start + i]
        return
    o0, o1, o2 = output[0], output[1], output[2]
    for i in range(count):
        values = abs(v[o0, i]), abs(v[o1, i]), abs(v[o2, i])
        red, green, blue = slopes[0, start + i], slopes[1, start + i], slopes[2, start + i]
        found = hsv_slopes(*values, red, green, blue) if mode == HSV else hls_slopes(*values, red, green, blue)
        back[o0, i] = _sign(v[o0, i]) * found[0]
        back[o1, i] = _sign(v[o1, i]) * found[1]
        back[o2, i] = _sign(v[o2, i]) * found[2]


@kernel
def _pull_rows(
    weight, src, dst, key, nodes, links, act, places, first, last, outputs, mode, planes, slopes, out
):  # fmt: skip
    """Fill ``out[first:last]``; slopes is float64 (n, channels, pixels), places the number of each link in its row."""
    node_start, p_act, _, _, link_start, source, p_weight, output = compile_rows(
        weight, src, dst, key, nodes, links, act, first, last, outputs
    )
    # The same programs with each link's place for its weight say where in the genome a program's links are.
    place = compile_rows(places, src, dst, key, nodes, links, act, first, last, outputs)[6]
    slots = INPUTS
    for g in range(last - first):
        slots = max(slots, INPUTS + node_start[g + 1] - node_start[g])
    v, d, back = np.zeros((slots, TILE)), np.empty((slots, TILE)), np.empty((slots, TILE))
    v[3] = 1.0
    pixels = planes.shape[1]
    for g in range(last - first):
        base = node_start[g] - INPUTS
        used = node_start[g + 1] - base
        for start in range(0, pixels, TILE):
            count = min(TILE, pixels - start)
            for axis in range(3):
                for i in range(count):
                    v[axis, i] = planes[axis, start + i]
            for row in range(INPUTS, used):
                t = base + row
                sum_links(v, row, source, p_weight, link_start[t], link_start[t + 1])
                _activate_and_derive(v, d, row, p_act[t])
            back[:used] = 0.0
            _unquantise(v, output[g], mode, slopes[first + g], start, count, back)
            for row in range(used - 1, INPUTS - 1, -1):
                for i in range(TILE):
                    back[row, i] *= d[row, i]
                for j in range(link_start[base + row], link_start[base + row + 1]):
                    feeding, w = source[j], p_weight[j]
                    out[first + g, int(place[j])] += _dot(back[row], v[feeding])
                    if feeding >= INPUTS:
                        for i in range(TILE):
                            back[feeding, i] += w * back[row, i]


def pull_back(
    genomes: np.ndarray,
    slopes: np.ndarray,
    *,
    outputs: int,
    colour: str,
    coordinates: str,
    native: Size,
    scale: float = 1.0,
    threads: int = 1,
) -> np.ndarray:
    """The slopes of weights, float64 ``(n, links)``, in the order of each genome's links; 0 in unused places.

    Args:
        genomes: structured ``(n,)``, see cppn/genome.py.
        slopes: of some number with respect to each value in [0,1] of the drawn images, ``(n, outputs, height, width)``.
        outputs, colour, coordinates, native, scale: as of :func:`.render_cpu`.
        threads: upper bound on threads; the slopes do not depend on it.
    """
    n, _, height, width = slopes.shape
    planes = coordinate_planes((height, width), coordinates, native, scale)
    arrays = fields(genomes)
    links = genomes["weight"].shape[1]
    out, places = np.zeros((n, links)), np.tile(np.arange(links, dtype=np.float64), (n, 1))
    flat = np.ascontiguousarray(slopes, np.float64).reshape(n, outputs, height * width)
    mode = MODES.get(colour, PLANES)
    run_chunks(
        lambda a, b: _pull_rows(*arrays, places, a, b, outputs, mode, planes, flat, out),
        n,
        threads,
        1,
    )
    return out
