"""The direct encoding: one gene in [0,1] a pixel and channel (docs/reference/paper.md section 3).

A batch is float32 ``(n, channels * size * size)`` in [0,1], channel planes one after the other, rows of the image from
top to bottom.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evo_fool.encodings import colour as colours
from evo_fool.encodings.base import Encoding, Genomes, Images
from evo_fool.encodings.numeric.jit import kernel
from evo_fool.encodings.numeric.threads import available_threads, run_chunks
from evo_fool.encodings.operators import polynomial_mutation, simulated_binary_crossover
from evo_fool.errors import ConfigError, GenomeError
from evo_fool.experiment import PixelsConfig
from evo_fool.randomness import Stream, child_seeds

_PIXELS_PER_THREAD = 200_000
_LITTLE = np.dtype("<f4")


@kernel
def _plain_rows(genes, out, first, last):  # type: ignore[no-untyped-def]
    for row in range(first, last):
        for i in range(genes.shape[1]):
            out[row, i] = np.uint8(genes[row, i] * np.float32(255.0))


@kernel
def _colour_rows(genes, out, first, last, hls):  # type: ignore[no-untyped-def]
    pixels = genes.shape[1] // 3
    for row in range(first, last):
        for i in range(pixels):
            a, b = np.float64(genes[row, i]), np.float64(genes[row, pixels + i])
            c = np.float64(genes[row, 2 * pixels + i])
            if hls:
                red, green, blue = colours.hls_bytes_to_rgb(a, b, c)
                out[row, i] = colours.round_byte(red)
                out[row, pixels + i] = colours.round_byte(green)
                out[row, 2 * pixels + i] = colours.round_byte(blue)
            else:
                red, green, blue = colours.hsv_to_rgb(a, b, c)
                out[row, i] = colours.to_byte(red)
                out[row, pixels + i] = colours.to_byte(green)
                out[row, 2 * pixels + i] = colours.to_byte(blue)


class PixelEncoding(Encoding):
    """Direct encoding with polynomial mutation and, where asked for, simulated binary crossover.

    Args:
        config: rates and operators.
        size: height and width of the image, in pixels.
        channels: 1 or 3.
        threads: upper bound on threads; none: the cores of this process.

    Raises:
        ConfigError: a colour that does not fit ``channels``.
    """

    codec = "pixels/1"
    can_mate = True
    resizable = False

    def __init__(self, config: PixelsConfig, *, size: int, channels: int, threads: int | None = None) -> None:
        self.config = config
        self.size = size
        self.channels = channels
        self.colour = colours.resolve_colour(config.colour, channels)
        self.threads = threads or available_threads()

    @property
    def genes(self) -> int:
        """Genes of one genome."""
        return self.channels * self.size * self.size

    def random(self, n: int, rng: Stream) -> Genomes:
        """Uniform genes, float32 ``(n, genes)`` in [0,1)."""
        return rng.random((n, self.genes), dtype=np.float32)

    def rate(self, generation: int) -> float:
        """The mutation rate at a generation: halved every ``halve_every`` generations where that is set."""
        if self.config.halve_every is None:
            return self.config.rate
        return self.config.rate * 2.0 ** -min(generation // self.config.halve_every, 1000)

    def mutate(self, genomes: Genomes, rng: Stream, generation: int) -> Genomes:
        """Polynomial mutation, each gene with probability :meth:`rate`; new array of the same shape."""
        return polynomial_mutation(
            genomes,
            child_seeds(rng, len(genomes)),
            rate=self.rate(generation),
            eta=self.config.eta,
            bounded=self.config.mutation == "bounded",
            threads=self.threads,
        )

    def mate(self, first: Genomes, second: Genomes, rng: Stream) -> tuple[Genomes, Genomes]:
        """Simulated binary crossover of every pair; which pairs are crossed is the search's to decide."""
        return simulated_binary_crossover(
            first,
            second,
            child_seeds(rng, len(first)),
            eta=self.config.crossover_eta,
            grey_bug=self.config.released_code_bug,
            threads=self.threads,
        )

    def render(self, genomes: Genomes, size: int | None = None) -> Images:
        """Uint8 ``(n, channels, size, size)``: trunc(255 gene), through the colour model for three channels.

        Raises:
            ConfigError: another size than the encoding's own.
        """
        if size not in (None, self.size):
            raise ConfigError(
                f"size {size}: a pixel genome has only its own {self.size}x{self.size} pixels; enlarge the image"
            )
        genomes = np.ascontiguousarray(genomes, np.float32)
        out = np.empty(genomes.shape, np.uint8)

        def work(first: int, last: int) -> None:
            if self.colour in ("grey", "rgb"):
                _plain_rows(genomes, out, first, last)
            else:
                _colour_rows(genomes, out, first, last, self.colour == "hls")

        run_chunks(work, len(genomes), self.threads, _PIXELS_PER_THREAD // self.genes + 1)
        return out.reshape(len(genomes), self.channels, self.size, self.size)

    def encode(self, genome: Any) -> bytes:
        """Little-endian float32, 4 bytes a gene."""
        return np.ascontiguousarray(genome, _LITTLE).tobytes()

    def decode(self, data: bytes) -> Genomes:
        """One genome, float32 ``(1, genes)``.

        Raises:
            GenomeError: another length than 4 bytes a gene, or a gene that is no number in [0,1].
        """
        if len(data) != 4 * self.genes:
            raise GenomeError(
                f"pixel genome of {len(data)} bytes: {self.channels}x{self.size}x{self.size} genes take "
                f"{4 * self.genes}; was it made for another image size?"
            )
        genes = np.frombuffer(data, _LITTLE).astype(np.float32).reshape(1, -1)
        valid = (genes >= 0) & (genes <= 1)
        if not valid.all():
            where = int(np.argmin(valid))
            raise GenomeError(f"pixel genome: gene {where} is {genes[0, where]}, outside [0, 1]; the data is damaged")
        return genes

    def describe(self, genome: Any) -> dict[str, Any]:
        """Shape, colour and the genes as nested lists ``[channel][row][column]``."""
        return {
            "kind": "pixels",
            "channels": self.channels,
            "size": self.size,
            "colour": self.colour,
            "genes": self.genome_object(genome).tolist(),
        }

    def genome_object(self, genome: Any) -> np.ndarray:
        """The genes as an image: float32 ``(channels, size, size)`` in [0,1], a copy."""
        return np.array(genome, np.float32).reshape(self.channels, self.size, self.size)
