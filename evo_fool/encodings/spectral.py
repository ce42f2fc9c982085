"""The spectral encoding, ours: an image is a sum of a few cosines, so every gene moves the whole image smoothly.

Between the two encodings of the paper: as direct as pixels, a gene a number, but a few hundred low frequencies in place
of 150,000 pixels that a network sees as noise.

A batch is float32 ``(n, channels * grid * grid)`` in [0,1]: for each channel the coefficients c(u, v) of a discrete
cosine transform, u periods of half a wave from top to bottom, v from left to right, row by row. A gene g stands for the
coefficient (2g - 1) / (1 + u + v), which falls with frequency as in photographs, and a channel's value at row y and
column x of an image of H by W pixels is

    1/2 + sum over u, v of c(u, v) cos(pi u (y + 1/2) / H) cos(pi v (x + 1/2) / W), clipped to [0, 1].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evo_fool.encodings.base import Encoding, Genomes, Images, Operator
from evo_fool.encodings.colour import resolve_colour
from evo_fool.encodings.genes import climbed, genes_from_bytes, genes_to_bytes
from evo_fool.errors import ConfigError
from evo_fool.randomness import Stream, child_seeds
from evo_fool.sections import SpectralConfig
from evo_fool.shape import compact

_MAX_SIZE = 16384
_VALUES = 16_000_000
"""Pixel values that are computed at a time."""

_OPERATORS = (
    Operator("default", expected_gain=2.0),
    Operator("few", {"genes": 8, "eta": 15.0}),
    Operator("coarse", {"genes": 4, "eta": 3.0}),
    Operator("fine", {"genes": 16, "eta": 100.0}),
    Operator("dense", {"genes": None, "eta": 100.0}),
    Operator("crossover", mates=True),
)
"""``genes`` is how many genes are expected to mutate; None: all."""


class SpectralEncoding(Encoding):
    """Low frequencies, varied by polynomial mutation; crossover exchanges those below a limit.

    Args:
        config: grid, rates and colour.
        size, channels, threads: see :class:`.Encoding`; it draws on the CPU, whatever the device.

    Raises:
        ConfigError: a colour that does not fit ``channels``.
    """

    Config = SpectralConfig
    codec = "spectral/1"
    can_mate = True
    resizable = True

    def __init__(self, config: SpectralConfig, **options: Any) -> None:
        super().__init__(config, **options)
        self.colour = resolve_colour(config.colour, self.channels)
        frequencies = np.arange(config.grid)
        self.frequencies = frequencies[:, None] + frequencies
        """u + v of each coefficient, int64 ``(grid, grid)``."""

    @property
    def genes(self) -> int:
        """Genes of one genome."""
        return self.channels * int(self.config.grid) ** 2

    @property
    def operators(self) -> tuple[Operator, ...]:
        """The default mutation, with fewer genes, smaller or larger steps, and crossover."""
        return _OPERATORS

    def random(self, n: int, rng: Stream) -> Genomes:
        """Uniform genes, float32 ``(n, genes)`` in [0,1)."""
        return rng.random((n, self.genes), dtype=np.float32)

    def mutate(self, genomes: Genomes, rng: Stream, generation: int) -> Genomes:
        """Polynomial mutation, each gene with probability ``rate``; ``generation`` is not used."""
        return self._mutated(genomes, rng, self.config.rate, self.config.eta)

    def vary(self, operator: Operator, genomes: Genomes, rng: Stream, generation: int) -> Genomes:
        """Polynomial mutation of as many genes, and by such steps, as the operator says."""
        if not operator.settings:
            return self.mutate(genomes, rng, generation)
        genes = operator.settings["genes"] or self.genes
        return self._mutated(genomes, rng, min(1.0, genes / self.genes), operator.settings["eta"])

    def _mutated(self, genomes: Genomes, rng: Stream, rate: float, eta: float) -> Genomes:
        from evo_fool.encodings.operators import polynomial_mutation  # numba

        seeds = child_seeds(rng, len(genomes))
        return polynomial_mutation(genomes, seeds, rate=rate, eta=eta, bounded=False, threads=self.threads)

    def mate(self, first: Genomes, second: Genomes, rng: Stream) -> tuple[Genomes, Genomes]:
        """Two children a pair: the frequencies u + v below a limit of one parent, and the others of the other.

        Limits are uniform from 1 to 2 grid - 2; a grid of one frequency has none, and its channels are exchanged.
        """
        highest = 2 * self.config.grid - 2
        limits = rng.integers(1, highest + 1, len(first)) if highest else np.zeros(len(first), np.int64)
        low = np.tile((self.frequencies < limits[:, None, None]).reshape(len(first), -1), self.channels)
        return np.where(low, first, second), np.where(low, second, first)

    def render(self, genomes: Genomes, size: int | None = None) -> Images:
        """Uint8 ``(n, channels, height, width)`` at any size; ``size`` is the longer side.

        Raises:
            ConfigError: a size below 1 or above 16384.
        """
        from evo_fool.encodings.rendering.cosines import cosine_planes  # numba
        from evo_fool.encodings.rendering.pixels import render_pixels  # numba

        if size is not None and not 1 <= size <= _MAX_SIZE:
            raise ConfigError(f"size {size}: an image is 1 to {_MAX_SIZE} pixels wide")
        height, width = self.sides_at(size)
        images = np.empty((len(genomes), self.channels, height, width), np.uint8)
        step = max(1, _VALUES // images[:1].size) if len(images) else 1
        coefficients = self.coefficients(genomes)
        for start in range(0, len(images), step):
            planes = cosine_planes(coefficients[start : start + step], height, width, self.threads)
            values = planes.reshape(len(planes), -1)
            images[start : start + step] = render_pixels(values, self.colour, self.threads).reshape(planes.shape)
        return images

    def ascend(self, genomes: Genomes, slopes: np.ndarray, rng: Stream) -> Genomes:
        """Copies that are a step further up, of 0.001 to 0.01 a gene (root of the mean square).

        A value that is clipped to 0 or 1 has no slope.
        """
        from evo_fool.encodings.rendering.colour_slopes import colour_slopes  # numba
        from evo_fool.encodings.rendering.cosines import cosine_planes, cosine_sums

        planes = cosine_planes(self.coefficients(genomes), self.height, self.width, self.threads)
        pulled = colour_slopes(planes, slopes, self.colour, self.threads)
        sums = cosine_sums(np.where((planes > 0) & (planes < 1), pulled, 0.0), self.config.grid)
        return climbed(genomes, (2.0 * sums / (1 + self.frequencies)).reshape(genomes.shape), rng)

    def coefficients(self, genomes: Genomes) -> np.ndarray:
        """The coefficients c(u, v), float64 ``(n, channels, grid, grid)``."""
        grid = self.config.grid
        genes = np.asarray(genomes, np.float64).reshape(-1, self.channels, grid, grid)
        return (2.0 * genes - 1.0) / (1 + self.frequencies)

    def encode(self, genome: Any) -> bytes:
        """Little-endian float32, 4 bytes a gene."""
        return genes_to_bytes(genome)

    def decode(self, data: bytes) -> Genomes:
        """One genome, float32 ``(1, genes)``.

        Raises:
            GenomeError: another length than 4 bytes a gene, or a gene that is no number in [0,1].
        """
        grid = self.config.grid
        taken = f"{self.channels} grids of {grid}x{grid} take {4 * self.genes}"
        return genes_from_bytes(data, self.genes, "spectral", taken)

    def describe(self, genome: Any) -> dict[str, Any]:
        """Colour and the coefficients as nested lists ``[channel][u][v]``."""
        return {
            "kind": "spectral",
            "channels": self.channels,
            "size": compact(self.height, self.width),
            "colour": self.colour,
            "coefficients": self.genome_object(genome).tolist(),
        }

    def arrays(self, genome: Any) -> dict[str, np.ndarray]:
        """``coefficients`` float64 ``(channels, grid, grid)``."""
        return {"coefficients": self.genome_object(genome)}

    def complexity(self, header: bytes) -> dict[str, int]:
        """The coefficients, of which every genome has as many."""
        return {"coefficients": self.genes}

    def asked(self, generations: int) -> dict[str, Any]:
        """With the resolved colour."""
        return super().asked(generations) | {"colour": self.colour}

    def genome_object(self, genome: Any) -> np.ndarray:
        """The coefficients, float64 ``(channels, grid, grid)``, a copy."""
        return self.coefficients(genome)[0]
