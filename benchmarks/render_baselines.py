"""What the renderer is measured beside: CPPNs drawn genome by genome, node by node, link by link over the whole image.

With numpy that is the plain way. With PyTorch it is how CPPN packages such as PyTorch-NEAT do it: a tensor a node,
float32. Nothing but the benchmark uses either.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from evo_fool.encodings.base import Genomes, Images
from evo_fool.encodings.rendering.coordinates import coordinate_planes
from evo_fool.encodings.rendering.program import compile_programs

_ARRAY_FUNCTIONS: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    np.sin,
    lambda z: 2.0 * (1.0 / (1.0 + np.exp(-np.clip(z, -700.0, 700.0))) - 0.5),
    lambda z: np.exp(-np.minimum(z * z, 700.0)),
    lambda z: np.clip(z, -3.0, 3.0) / 3.0,
)
_TENSOR_FUNCTIONS: tuple[Callable[[torch.Tensor], torch.Tensor], ...] = (
    torch.sin,
    lambda z: 2.0 * (torch.sigmoid(z) - 0.5),
    lambda z: torch.exp(-z * z),
    lambda z: torch.clamp(z, -3.0, 3.0) / 3.0,
)


def render_arrays(genomes: Genomes, size: int) -> Images:
    """The array-per-node way: uint8 ``(n, 1, size, size)`` grey images on normalised coordinates."""
    program = compile_programs(genomes, 1)
    planes = coordinate_planes(size, "normalised", size)
    images = np.empty((len(genomes), size * size), np.uint8)
    for genome in range(len(genomes)):
        values = [*planes, np.ones(size * size)]
        for node in range(program.node_start[genome], program.node_start[genome + 1]):
            total = np.zeros(size * size)
            for link in range(program.link_start[node], program.link_start[node + 1]):
                total += program.weight[link] * values[program.source[link]]
            values.append(_ARRAY_FUNCTIONS[program.act[node]](total))
        images[genome] = np.abs(values[program.output[genome, 0]]) * 255.0
    return images.reshape(-1, 1, size, size)


@torch.inference_mode()
def render_tensors(genomes: Genomes, size: int, device: torch.device | str) -> torch.Tensor:
    """The tensor-per-node way: uint8 ``(n, 1, size, size)`` grey images on ``device``, on normalised coordinates."""
    program = compile_programs(genomes, 1)
    planes = torch.from_numpy(coordinate_planes(size, "normalised", size).astype(np.float32)).to(device)
    bias, nothing = torch.ones_like(planes[0]), torch.zeros_like(planes[0])
    images = torch.empty((len(genomes), size * size), dtype=torch.uint8, device=device)
    for genome in range(len(genomes)):
        values = [*planes, bias]
        for node in range(int(program.node_start[genome]), int(program.node_start[genome + 1])):
            total = nothing
            for link in range(int(program.link_start[node]), int(program.link_start[node + 1])):
                total = torch.add(total, values[program.source[link]], alpha=float(program.weight[link]))
            values.append(_TENSOR_FUNCTIONS[program.act[node]](total))
        images[genome] = values[program.output[genome, 0]].abs() * 255.0
    return images.view(-1, 1, size, size)
