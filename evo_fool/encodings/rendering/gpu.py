"""The batched renderer: a whole batch of CPPNs in one pass of torch operations, on any torch device.

All nodes of all genomes are rows of one matrix, rows by pixels, ordered by level and activation. A level is then one
weighted gather of earlier rows (``embedding_bag``) and one call an activation; no Python loop runs over genomes or
nodes. Tiles of pixels bound the memory. Arithmetic is float64, as on the CPU; images agree with the CPU renderer up to
the last bits of sin and exp.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from evo_fool.encodings.cppn.activations import GAUSSIAN, SIGMOID, SINE
from evo_fool.encodings.cppn.genome import INPUTS
from evo_fool.encodings.rendering.coordinates import coordinate_planes
from evo_fool.encodings.rendering.program import Program, compile_programs
from evo_fool.shape import Size, sides


@dataclass(frozen=True)
class _Level:
    """One level of all genomes: ``rows`` matrix rows from ``first``; activation ``code`` for rows ``spans[code]``."""

    first: int
    rows: int
    sources: torch.Tensor
    offsets: torch.Tensor
    weights: torch.Tensor
    spans: list[tuple[int, int, int]]


def _schedule(program: Program, device: torch.device) -> tuple[list[_Level], torch.Tensor, int]:
    """Levels, output rows int64 (n, outputs), and the number of rows."""
    nodes = len(program.act)
    order = np.lexsort((program.act, program.level))
    row_of = np.empty(nodes, np.int64)
    row_of[order] = np.arange(nodes) + INPUTS
    fan_in = np.diff(program.link_start)
    genome = np.repeat(np.arange(len(program.node_start) - 1), np.diff(program.node_start))
    base = program.node_start[np.repeat(genome, fan_in)]
    hidden = program.source >= INPUTS
    source_row = program.source.astype(np.int64)
    source_row[hidden] = row_of[(base + program.source - INPUTS)[hidden]]
    # links in the order of the rows that they feed
    starts = np.concatenate(([0], np.cumsum(fan_in[order])))
    link_order = np.repeat(program.link_start[:-1][order] - starts[:-1], fan_in[order]) + np.arange(starts[-1])
    sources = torch.from_numpy(source_row[link_order]).to(device)
    weights = torch.from_numpy(program.weight[link_order]).to(device)
    levels, act = program.level[order], program.act[order]
    bounds = np.searchsorted(levels, np.arange(int(levels[-1]) + 2)).tolist()
    schedule = []
    for first, last in pairwise(bounds):
        edges = np.searchsorted(act[first:last], np.arange(5)).tolist()
        a, b = int(starts[first]), int(starts[last])
        schedule.append(
            _Level(
                first + INPUTS,
                last - first,
                sources[a:b],
                torch.from_numpy(starts[first:last] - a).to(device),
                weights[a:b],
                [(code, low, high) for code, (low, high) in enumerate(pairwise(edges)) if low < high],
            )
        )
    outputs = row_of[program.node_start[:-1, None] + program.output - INPUTS]
    return schedule, torch.from_numpy(outputs).to(device), nodes + INPUTS


def _activate(code: int, z: torch.Tensor, out: torch.Tensor) -> None:
    if code == SINE:
        torch.sin(z, out=out)
    elif code == SIGMOID:
        torch.sigmoid(z, out=out)
        out.sub_(0.5).mul_(2.0)
    elif code == GAUSSIAN:
        torch.mul(z, z, out=out)
        out.neg_().exp_()
    else:
        torch.clamp(z, -3.0, 3.0, out=out)
        out.div_(3.0)


def _fold(x: torch.Tensor, period: float) -> torch.Tensor:
    return torch.where(x >= period, x - period, x)


def _bytes(values: torch.Tensor, colour: str) -> torch.Tensor:
    """Outputs folded to [0,1], float64 (n, channels, pixels) -> uint8 RGB or planes; see quantise.py."""
    if colour not in ("hsv", "hls"):
        return (values * 255.0).to(torch.uint8)
    if colour == "hsv":
        h, s, v = values.unsqueeze(1).unbind(2)
        n = torch.tensor([5.0, 3.0, 1.0], dtype=values.dtype, device=values.device).view(1, 3, 1)
        k = _fold(n + h * 6.0, 6.0)
        return ((v - v * s * torch.minimum(k, 4.0 - k).clamp(0.0, 1.0)) * 255.0).to(torch.uint8)
    h, lightness, s = (values * 255.0).floor().unsqueeze(1).unbind(2)
    lightness, s = lightness / 255.0, s / 255.0
    n = torch.tensor([0.0, 8.0, 4.0], dtype=values.dtype, device=values.device).view(1, 3, 1)
    k = _fold(n + _fold(h * (12.0 / 180.0), 12.0), 12.0)
    rgb = lightness - s * torch.minimum(lightness, 1.0 - lightness) * torch.minimum(k - 3.0, 9.0 - k).clamp(-1.0, 1.0)
    return (rgb * 255.0 + 0.5).to(torch.uint8)


@torch.inference_mode()
def render_torch(
    genomes: np.ndarray,
    *,
    outputs: int,
    colour: str,
    coordinates: str,
    size: Size,
    native: Size,
    scale: float = 1.0,
    device: torch.device | str,
    memory: int = 1 << 28,
) -> torch.Tensor:
    """Render a batch of packed genomes on ``device``.

    Args:
        genomes, outputs, colour, coordinates, size, native, scale: as ``render_cpu``.
        device: any torch device.
        memory: bound in bytes on the matrix of values; smaller means more tiles, the images stay the same.

    Returns:
        uint8 ``(n, outputs, height, width)`` on ``device``.
    """
    device = torch.device(device)
    height, width = sides(size)
    pixels = height * width
    images = torch.empty((len(genomes), outputs, pixels), dtype=torch.uint8, device=device)
    if len(genomes) == 0:
        return images.view(0, outputs, height, width)
    schedule, output_rows, rows = _schedule(compile_programs(genomes, outputs), device)
    planes = torch.from_numpy(coordinate_planes(size, coordinates, native, scale).copy()).to(device)
    tile = max(1, min(pixels, memory // (8 * rows)))
    values = torch.empty((rows, tile), dtype=torch.float64, device=device)
    for start in range(0, pixels, tile):
        count = min(tile, pixels - start)
        v = values[:, :count] if count == tile else torch.empty_like(values[:, :count])
        v[:3] = planes[:, start : start + count]
        v[3] = 1.0
        for level in schedule:
            sums = torch.nn.functional.embedding_bag(
                level.sources, v, level.offsets, mode="sum", per_sample_weights=level.weights
            )
            for code, low, high in level.spans:
                _activate(code, sums[low:high], v[level.first + low : level.first + high])
        images[:, :, start : start + count] = _bytes(v[output_rows].abs_(), colour)
    return images.view(len(genomes), outputs, height, width)
