"""The CPU renderer: programs over tiles of pixels, every node one vector loop over the tile, in float64.

A tile's values fit into the first cache levels. A node that only x, only y or neither reaches is computed once a column
or once a row, and spread over the tiles where it feeds a node of both: the same operations on the same numbers. A
genome's image depends on that genome alone: neither the batch nor the tiles nor the number of threads change a bit of
it.

Why float64: chains of sines with weights up to 10 amplify rounding several times a node. Over 500 genomes of up to 60
nodes, most of them live (mean 25), float32 leaves one genome in seven with pixels more than one grey level away from
neat-python, up to 248 levels, in all 0.15 to 0.25 % of pixels. float64 differs in none of these; what may differ in
larger genomes are pixels where the same amplification reaches the sixteenth digit, or where 255 v is all but whole.
"""
# The kernels' types are numba's to infer.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from evo_fool.encodings.colour import HSV, MODES, PLANES
from evo_fool.encodings.cppn.activations import GAUSSIAN, SIGMOID, SINE
from evo_fool.encodings.numeric.jit import inner, kernel
from evo_fool.encodings.numeric.threads import run_chunks
from evo_fool.encodings.numeric.vector_math import vector_exp, vector_sin
from evo_fool.encodings.rendering.coordinates import coordinate_planes
from evo_fool.encodings.rendering.program import INPUT_AXES, X, Y, compile_rows, fields
from evo_fool.encodings.rendering.quantise import hls_bytes_to_rgb, hsv_to_rgb, round_byte, to_byte
from evo_fool.shape import Size, sides

TILE = 392
"""Pixels a tile: half of 28x28 and a divisor of 224x224; 3 kB a node."""

_PIXELS_PER_THREAD = 20_000

_LANES = 8
"""Numbers that the widest vector units take at once: lines are as long as a multiple of it."""


@inner
def sum_links(v, t, source, weight, first, last):
    """v[t] = the weighted sum of the rows that feed it, added in order; up to four links a pass over the row."""
    n = v.shape[1]
    if first == last:
        for i in range(n):
            v[t, i] = 0.0
        return
    count = (last - first) % 4
    a, wa = source[first], weight[first]
    if count == 1:
        for i in range(n):
            v[t, i] = wa * v[a, i]
    elif count == 2:
        b, wb = source[first + 1], weight[first + 1]
        for i in range(n):
            v[t, i] = wa * v[a, i] + wb * v[b, i]
    elif count == 3:
        b, wb = source[first + 1], weight[first + 1]
        c, wc = source[first + 2], weight[first + 2]
        for i in range(n):
            v[t, i] = (wa * v[a, i] + wb * v[b, i]) + wc * v[c, i]
    else:
        b, wb = source[first + 1], weight[first + 1]
        c, wc = source[first + 2], weight[first + 2]
        d, wd = source[first + 3], weight[first + 3]
        count = 4
        for i in range(n):
            v[t, i] = ((wa * v[a, i] + wb * v[b, i]) + wc * v[c, i]) + wd * v[d, i]
    for j in range(first + count, last, 4):
        a, b, c, d = source[j], source[j + 1], source[j + 2], source[j + 3]
        wa, wb, wc, wd = weight[j], weight[j + 1], weight[j + 2], weight[j + 3]
        for i in range(n):
            v[t, i] = (((v[t, i] + wa * v[a, i]) + wb * v[b, i]) + wc * v[c, i]) + wd * v[d, i]


@inner
def activate(v, t, code):
    n = v.shape[1]
    if code == SINE:
        for i in range(n):
            v[t, i] = vector_sin(v[t, i])
    elif code == SIGMOID:
        for i in range(n):
            v[t, i] = 2.0 * (1.0 / (1.0 + vector_exp(min(max(-v[t, i], -700.0), 700.0))) - 0.5)
    elif code == GAUSSIAN:
        for i in range(n):
            v[t, i] = vector_exp(-min(v[t, i] * v[t, i], 700.0))
    else:
        for i in range(n):
            v[t, i] = min(max(v[t, i], -3.0), 3.0) * (1.0 / 3.0)


@inner
def _copy(source, target):
    """target = source, two slices of equal length; a loop over sums of signed indices would not become vector code."""
    for i in range(len(target)):
        target[i] = source[i]


@inner
def _spread_down(values, start, width, target):
    """target = the pixels of an image from ``start`` on, where ``values`` are its rows'."""
    row, i, end = start // width, 0, width - start % width
    while i < len(target):
        target[i:end] = values[row]
        row, i, end = row + 1, end, end + width


@inner
def _quantise(v, output, mode, tile):
    """The tile's bytes from the output rows: tile is uint8 (channels, TILE); negative outputs fold."""
    if mode == PLANES:
        for channel in range(len(output)):
            row = output[channel]
            for i in range(TILE):
                tile[channel, i] = to_byte(abs(v[row, i]))
        return
    o0, o1, o2 = output[0], output[1], output[2]
    if mode == HSV:
        for i in range(TILE):
            red, green, blue = hsv_to_rgb(abs(v[o0, i]), abs(v[o1, i]), abs(v[o2, i]))
            tile[0, i] = to_byte(red)
            tile[1, i] = to_byte(green)
            tile[2, i] = to_byte(blue)
    else:
        for i in range(TILE):
            red, green, blue = hls_bytes_to_rgb(abs(v[o0, i]), abs(v[o1, i]), abs(v[o2, i]))
            tile[0, i] = round_byte(red)
            tile[1, i] = round_byte(green)
            tile[2, i] = round_byte(blue)


@kernel
def _render_rows(
    weight, src, dst, key, nodes, links, act, first, last, outputs, mode, planes, width, first_tile, last_tile, out
):  # fmt: skip
    """Fill ``out[first:last, :, tiles]``; out is uint8 (n, channels, pixels)."""
    node_start, p_act, _, p_axes, link_start, source, p_weight, output = compile_rows(
        weight, src, dst, key, nodes, links, act, first, last, outputs
    )
    slots = 4
    for g in range(last - first):
        slots = max(slots, 4 + node_start[g + 1] - node_start[g])
    pixels = planes.shape[1]
    height = pixels // width
    v = np.zeros((slots, TILE))
    line = np.zeros((slots, (max(width, height) + _LANES - 1) // _LANES * _LANES))
    repeated = np.empty((slots, width + TILE))
    for i in range(width):
        line[0, i] = planes[0, i]
    for i in range(height):
        line[1, i] = planes[1, i * width]
    line[3] = 1.0
    axes = np.empty(slots, np.uint8)
    for slot in range(4):
        axes[slot] = INPUT_AXES[slot]
    needed = np.empty(slots, np.bool_)
    tile = np.empty((out.shape[1], TILE), np.uint8)
    for g in range(last - first):
        base = node_start[g] - 4
        used = node_start[g + 1] - base
        needed[:used] = False
        for row in range(4, used):
            t = base + row
            axes[row] = p_axes[t]
            if axes[row] == X | Y:
                for j in range(link_start[t], link_start[t + 1]):
                    needed[source[j]] = True
            else:
                sum_links(line, row, source, p_weight, link_start[t], link_start[t + 1])
                activate(line, row, p_act[t])
        for row in output[g]:
            needed[row] = True
        for row in range(used):
            if needed[row] and axes[row] == 0:
                v[row] = line[row, 0]
            elif needed[row] and axes[row] == X:
                _copy(line[row, :width], repeated[row, :width])
                for i in range(TILE):
                    repeated[row, width + i] = repeated[row, i]
        for number in range(first_tile, last_tile):
            start = number * TILE
            count = min(TILE, pixels - start)
            if needed[2]:
                _copy(planes[2, start : start + count], v[2, :count])
            for row in range(used):
                if needed[row] and axes[row] == X:
                    x = start % width
                    _copy(repeated[row, x : x + TILE], v[row])
                elif needed[row] and axes[row] == Y:
                    _spread_down(line[row], start, width, v[row, :count])
            for row in range(4, used):
                if axes[row] == X | Y:
                    t = base + row
                    sum_links(v, row, source, p_weight, link_start[t], link_start[t + 1])
                    activate(v, row, p_act[t])
            _quantise(v, output[g], mode, tile)
            for channel in range(out.shape[1]):
                _copy(tile[channel, :count], out[first + g, channel, start : start + count])


def render_cpu(
    genomes: np.ndarray,
    *,
    outputs: int,
    colour: str,
    coordinates: str,
    size: Size,
    native: Size,
    scale: float = 1.0,
    threads: int = 1,
) -> np.ndarray:
    """Render a batch of packed genomes.

    Args:
        genomes: structured ``(n,)``, see cppn/genome.py.
        outputs: channels of the images.
        colour: hsv or hls for three outputs that make colours; anything else: each output is a plane of its own.
        coordinates: normalised or pixel.
        size: height and width of the images, in pixels.
        native: the size at which ``pixel`` coordinates are raw indices.
        scale: factor on the coordinates.
        threads: upper bound on threads; the images do not depend on it.

    Returns:
        uint8 ``(n, outputs, height, width)``: RGB, or planes.
    """
    planes = coordinate_planes(size, coordinates, native, scale)
    height, width = sides(size)
    pixels = height * width
    tiles = -(-pixels // TILE)
    n = len(genomes)
    out = np.empty((n, outputs, pixels), np.uint8)
    arrays = fields(genomes)
    mode = MODES.get(colour, PLANES)
    if n >= threads:
        run_chunks(
            lambda a, b: _render_rows(*arrays, a, b, outputs, mode, planes, width, 0, tiles, out),
            n,
            threads,
            _PIXELS_PER_THREAD // pixels + 1,
        )
    else:
        run_chunks(
            lambda a, b: _render_rows(*arrays, 0, n, outputs, mode, planes, width, a, b, out),
            tiles,
            threads,
            _PIXELS_PER_THREAD // (TILE * max(1, n)) + 1,
        )
    return out.reshape(n, outputs, height, width)
