"""The direct encoding: one gene in [0,1] a pixel and channel (docs/reference/paper.md section 3).

A batch is float32 ``(n, channels * height * width)`` in [0,1], channel planes one after the other, rows of the
image from top to bottom.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evo_fool.encodings.base import Encoding, Genomes, Images, Operator
from evo_fool.encodings.colour import resolve_colour
from evo_fool.encodings.genes import climbed, genes_from_bytes, genes_to_bytes
from evo_fool.errors import ConfigError
from evo_fool.randomness import Stream, child_seeds
from evo_fool.sections import PixelsConfig
from evo_fool.shape import compact

_OPERATORS = (
    Operator("default", expected_gain=1.5),
    Operator("coarse", {"genes": 16, "eta": 3.0}, expected_gain=1.5),
    Operator("few", {"genes": 8, "eta": 15.0}, expected_gain=0.5),
    Operator("fine", {"rate": 0.1, "eta": 100.0}, expected_gain=0.5),
    Operator("dense", {"rate": 1.0, "eta": 100.0}, expected_gain=0.5),
    Operator("block", {"block": 0.25}, expected_gain=3.0),
    Operator("wave", {"wave": 0.1}, expected_gain=3.0),
)
"""``genes`` is how many genes are expected to mutate; ``block`` and ``wave`` are spreads, see operators.py.

Measured on MNIST: among the first 2,000 images a child by ``block`` gains five times as much as one by ``default``, and
one by ``wave`` three times; from 8,000 on ``coarse``, ``few`` and ``block`` take most cells.
"""


class PixelEncoding(Encoding):
    """Direct encoding with polynomial mutation and, where asked for, simulated binary crossover.

    Args:
        config: rates and operators.
        size, channels, threads: see :class:`.Encoding`; it draws on the CPU, whatever the device.

    Raises:
        ConfigError: a colour that does not fit ``channels``.
    """

    Config = PixelsConfig
    codec = "pixels/1"
    can_mate = True
    export_as = "npz"

    def __init__(self, config: PixelsConfig, **options: Any) -> None:
        super().__init__(config, **options)
        self.colour = resolve_colour(config.colour, self.channels)

    @property
    def genes(self) -> int:
        """Genes of one genome."""
        return self.channels * self.height * self.width

    def random(self, n: int, rng: Stream) -> Genomes:
        """Uniform genes, float32 ``(n, genes)`` in [0,1)."""
        return rng.random((n, self.genes), dtype=np.float32)

    def rate(self, generation: int) -> float:
        """The mutation rate at a generation: halved every ``halve_every`` generations where that is set."""
        every = self.config.halve_every
        return self.config.rate if every is None else self.config.rate * 2.0 ** -min(generation // every, 1000)

    def mutate(self, genomes: Genomes, rng: Stream, generation: int) -> Genomes:
        """Polynomial mutation, each gene with probability :meth:`rate`; new array of the same shape."""
        return self._mutated(genomes, rng, self.rate(generation), self.config.eta)

    @property
    def operators(self) -> tuple[Operator, ...]:
        """The paper's mutation, with more or fewer genes, smaller or larger steps, and steps of many pixels at once."""
        return _OPERATORS

    def vary(self, operator: Operator, genomes: Genomes, rng: Stream, generation: int) -> Genomes:
        """Mutated copies by the operator's rate and step, or with a block or a wave added to each image."""
        from evo_fool.encodings.operators import block_steps, wave_steps  # numba

        match dict(operator.settings):
            case {"block": spread}:
                return block_steps(genomes.reshape(-1, *self.shape), rng, spread).reshape(genomes.shape)
            case {"wave": spread}:
                return wave_steps(genomes.reshape(-1, *self.shape), rng, spread).reshape(genomes.shape)
            case {"genes": genes, "eta": eta}:
                return self._mutated(genomes, rng, min(1.0, genes / self.genes), eta)
            case {"rate": rate, "eta": eta}:
                return self._mutated(genomes, rng, rate, eta)
        return self.mutate(genomes, rng, generation)

    def _mutated(self, genomes: Genomes, rng: Stream, rate: float, eta: float) -> Genomes:
        from evo_fool.encodings.operators import polynomial_mutation  # numba

        return polynomial_mutation(
            genomes,
            child_seeds(rng, len(genomes)),
            rate=rate,
            eta=eta,
            bounded=self.config.mutation == "bounded",
            threads=self.threads,
        )

    def mate(self, first: Genomes, second: Genomes, rng: Stream) -> tuple[Genomes, Genomes]:
        """Simulated binary crossover of every pair; which pairs are crossed is the search's to decide."""
        from evo_fool.encodings.operators import simulated_binary_crossover  # numba

        return simulated_binary_crossover(
            first,
            second,
            child_seeds(rng, len(first)),
            eta=self.config.crossover_eta,
            grey_bug=self.config.released_code_bug,
            threads=self.threads,
        )

    def ascend(self, genomes: Genomes, slopes: np.ndarray, rng: Stream) -> Genomes:
        """Copies that are a step further up, of 0.001 to 0.01 a gene (root of the mean square)."""
        from evo_fool.encodings.rendering.colour_slopes import colour_slopes  # numba

        images = genomes.reshape(-1, *self.shape)
        pulled = colour_slopes(images, slopes, self.colour, self.threads).reshape(genomes.shape)
        return climbed(genomes, pulled, rng)

    def render(self, genomes: Genomes, size: int | None = None) -> Images:
        """Uint8 ``(n, channels, height, width)``: trunc(255 gene), through the colour model where there is one.

        Raises:
            ConfigError: another size than the encoding's own.
        """
        from evo_fool.encodings.rendering.pixels import render_pixels  # numba

        if size not in (None, self.size):
            raise ConfigError(
                f"size {size}: a pixel genome has only its own {self.height}x{self.width} pixels; enlarge the image"
            )
        return render_pixels(genomes, self.colour, self.threads).reshape(-1, *self.shape)

    def encode(self, genome: Any) -> bytes:
        """Little-endian float32, 4 bytes a gene."""
        return genes_to_bytes(genome)

    def decode(self, data: bytes) -> Genomes:
        """One genome, float32 ``(1, genes)``.

        Raises:
            GenomeError: another length than 4 bytes a gene, or a gene that is no number in [0,1].
        """
        shape = "x".join(map(str, self.shape))
        taken = f"{shape} genes take {4 * self.genes}; was it made for another image size?"
        return genes_from_bytes(data, self.genes, "pixel", taken)

    def describe(self, genome: Any) -> dict[str, Any]:
        """Shape, colour and the genes as nested lists ``[channel][row][column]``."""
        return {
            "kind": "pixels",
            "channels": self.channels,
            "size": compact(self.height, self.width),
            "colour": self.colour,
            "genes": self.genome_object(genome).tolist(),
        }

    def arrays(self, genome: Any) -> dict[str, np.ndarray]:
        """``genes`` float32 ``(channels, height, width)``."""
        return {"genes": self.genome_object(genome)}

    def asked(self, generations: int) -> dict[str, Any]:
        """With the resolved colour; a halving that never comes is none."""
        never = self.config.halve_every is not None and self.config.halve_every > generations
        return super().asked(generations) | {"colour": self.colour} | ({"halve_every": None} if never else {})

    def genome_object(self, genome: Any) -> np.ndarray:
        """The genes as an image: float32 ``(channels, height, width)`` in [0,1], a copy."""
        return np.array(genome, np.float32).reshape(self.shape)


def genes_of(pixels: np.ndarray) -> np.ndarray:
    """Genes in [0,1], float32, that render to exactly these bytes: the middle of what truncates to each.

    >>> (genes_of(np.array([0, 51, 255], dtype=np.uint8)) * 255).tolist()
    [0.5, 51.5, 255.0]
    """
    return np.minimum((pixels + np.float32(0.5)) / np.float32(255), np.float32(1))
