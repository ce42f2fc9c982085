"""The slow reference renderers: neat-python's feed-forward phenotype, pixel by pixel, with colorsys; and the CPU
renderer's own arithmetic without whatever makes it fast, whose bytes are the same."""

from __future__ import annotations

import colorsys

import numpy as np
from neat.genome import DefaultGenome
from neat.nn import FeedForwardNetwork

from evo_fool.encodings.cppn.activations import GAUSSIAN, SIGMOID, SINE
from evo_fool.encodings.cppn.neat import network_config
from evo_fool.encodings.numeric.vector_math import vector_exp, vector_sin
from evo_fool.encodings.rendering.coordinates import coordinate_planes
from evo_fool.encodings.rendering.program import compile_programs
from evo_fool.encodings.rendering.quantise import hls_bytes_to_rgb, hsv_to_rgb, round_byte, to_byte
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


def render_plain(
    genomes: np.ndarray,
    *,
    outputs: int,
    colour: str,
    coordinates: str,
    size: Size,
    native: Size,
    scale: float = 1.0,
) -> np.ndarray:
    """``render_cpu`` as it is specified: every node of every genome at every pixel; the same arguments and bytes."""
    program = compile_programs(genomes, outputs)
    planes = coordinate_planes(size, coordinates, native, scale)
    images = np.empty((len(genomes), outputs, planes.shape[1]), np.uint8)
    for genome, image in enumerate(images):
        for pixel, inputs in enumerate(planes.T.tolist()):
            values = [*inputs, 1.0]
            for t in range(*program.node_start[genome : genome + 2]):
                links = range(*program.link_start[t : t + 2])
                terms = [program.weight[j] * values[program.source[j]] for j in links]
                values.append(_activated(sum(terms), program.act[t]))  # from the left, as the links are in the genome
            image[:, pixel] = _bytes_of([abs(values[slot]) for slot in program.output[genome]], colour)
    return images.reshape(len(genomes), outputs, *sides(size))


def _activated(z: float, code: int) -> float:
    if code == SINE:
        return float(vector_sin(z))
    if code == SIGMOID:
        return float(2.0 * (1.0 / (1.0 + vector_exp(min(max(-z, -700.0), 700.0))) - 0.5))
    if code == GAUSSIAN:
        return float(vector_exp(-min(z * z, 700.0)))
    return min(max(z, -3.0), 3.0) * (1.0 / 3.0)


def _bytes_of(values: list[float], colour: str) -> list[int]:
    if colour == "hsv":
        return [to_byte(value) for value in hsv_to_rgb(*values)]
    if colour == "hls":
        return [round_byte(value) for value in hls_bytes_to_rgb(*values)]
    return [to_byte(value) for value in values]


def to_bytes(values: list[float], colour: str) -> list[int]:
    """Channel values in [0,1] -> bytes, see quantise.py."""
    if colour not in ("hsv", "hls"):
        return [int(255 * value) for value in values]
    if colour == "hsv":
        return [int(255 * value) for value in colorsys.hsv_to_rgb(*values)]
    hue, lightness, saturation = (int(255 * value) for value in values)
    rgb = colorsys.hls_to_rgb((hue / 180.0) % 1.0, lightness / 255.0, saturation / 255.0)
    return [int(255 * value + 0.5) for value in rgb]
