"""The slow reference renderer: neat-python's feed-forward phenotype, pixel by pixel, and colorsys."""

from __future__ import annotations

import colorsys

import numpy as np
from neat.genome import DefaultGenome
from neat.nn import FeedForwardNetwork

from evo_fool.encodings.cppn.neat import network_config
from evo_fool.encodings.rendering.coordinates import coordinate_planes
from evo_fool.shape import Size, sides


def render_reference(
    genome: DefaultGenome,
    *,
    outputs: int,
    colour: str,
    coordinates: str,
    size: Size,
    native: Size,
    scale: float = 1.0,
) -> np.ndarray:
    """One image, uint8 ``(outputs, height, width)``; the arguments are those of ``render_cpu``."""
    network = FeedForwardNetwork.create(genome, network_config(outputs))
    planes = coordinate_planes(size, coordinates, native, scale)
    image = np.empty((outputs, planes.shape[1]), np.uint8)
    for pixel, (x, y, d) in enumerate(planes.T.tolist()):
        image[:, pixel] = to_bytes([abs(value) for value in network.activate([x, y, d, 1.0])], colour)
    return image.reshape(outputs, *sides(size))


def to_bytes(values: list[float], colour: str) -> list[int]:
    """Channel values in [0,1] -> bytes, see quantise.py."""
    if colour not in ("hsv", "hls"):
        return [int(255 * value) for value in values]
    if colour == "hsv":
        return [int(255 * value) for value in colorsys.hsv_to_rgb(*values)]
    hue, lightness, saturation = (int(255 * value) for value in values)
    rgb = colorsys.hls_to_rgb((hue / 180.0) % 1.0, lightness / 255.0, saturation / 255.0)
    return [int(255 * value + 0.5) for value in rgb]
