"""The indirect encoding: CPPNs under the paper's rules (docs/reference/paper.md section 4).

A batch is a structured array ``(n,)`` (cppn_genome.py) that compiled kernels start, mutate and render; each row is at
any time a neat-python genome (``genome_object``), and cppn_reference.py is the same variation on that genome.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from neat.genome import DefaultGenome

from evo_fool.encodings.base import Encoding, Genomes, Images
from evo_fool.encodings.colour import resolve_colour
from evo_fool.encodings.cppn import genome as cppn_genome
from evo_fool.encodings.cppn import kernels as cppn_kernels
from evo_fool.encodings.cppn import neat as cppn_neat
from evo_fool.encodings.cppn.activations import NAMES
from evo_fool.encodings.cppn.crossover import cross_channels
from evo_fool.encodings.cppn.genome import INPUT_NAMES
from evo_fool.encodings.numeric.threads import available_threads, run_chunks
from evo_fool.encodings.rendering.cpu import render_cpu
from evo_fool.encodings.rendering.program import fields
from evo_fool.errors import ConfigError
from evo_fool.experiment import CppnConfig
from evo_fool.randomness import Stream, child_seeds

_ROWS_PER_THREAD = 500
_MAX_SIZE = 16384


class CppnEncoding(Encoding):
    """CPPNs with outputs grey, or three read as HSV, HLS or RGB.

    Args:
        config: rates, coordinates, colour and caps.
        size: height and width of the scored image, in pixels.
        channels: 1 or 3, which is also the number of outputs.
        device: where images are rendered: ``cpu`` by the compiled kernel, anything else by torch on that device.
        threads: upper bound on CPU threads; none: the cores of this process.

    Raises:
        ConfigError: a colour that does not fit ``channels``, or a crossover of a single channel.
    """

    codec = "cppn/1"
    resizable = True

    def __init__(
        self, config: CppnConfig, *, size: int, channels: int, device: str = "cpu", threads: int | None = None
    ) -> None:
        self.config = config
        self.size = size
        self.channels = channels
        self.can_mate = channels > 1
        if config.crossover and not self.can_mate:
            raise ConfigError(
                f"encoding.crossover = {config.crossover:g}: CPPNs exchange colour channels, and grey images have one; "
                "set it to 0"
            )
        self.colour = resolve_colour(config.colour, channels)
        self.device = str(device)
        self.threads = threads or available_threads()
        self.dtype = cppn_genome.genome_dtype(config.max_nodes, config.max_links)

    def random(self, n: int, rng: Stream) -> Genomes:
        """Starting genomes: every input linked to every output, no hidden nodes; structured ``(n,)``."""
        out = np.zeros(n, self.dtype)
        cppn_kernels.start_rows(*fields(out), child_seeds(rng, n), 0, n, self.channels, self.config.weight_range)
        return out

    def mutate(self, genomes: Genomes, rng: Stream, generation: int) -> Genomes:
        """Mutated copies, by the paper's six steps; ``generation`` is not used."""
        config, seeds = self.config, child_seeds(rng, len(genomes))
        out = np.array(genomes, self.dtype, order="C")
        arrays = fields(out)
        rates = (config.link_rate, config.node_rate, config.add_link, config.delete_link, config.split_link)

        def work(first: int, last: int) -> None:
            cppn_kernels.mutate_rows(
                *arrays, seeds, first, last, self.channels, config.weight_range, config.eta, *rates, config.delete_node
            )

        run_chunks(work, len(out), self.threads, _ROWS_PER_THREAD)
        return out

    def mate(self, first: Genomes, second: Genomes, rng: Stream) -> tuple[Genomes, Genomes]:
        """Two children a pair: each parent with some of the other's outputs, see cppn_crossover.py.

        Raises:
            ConfigError: grey images have one output.
        """
        if not self.can_mate:
            return super().mate(first, second, rng)
        seeds = child_seeds(rng, len(first))
        return (
            cross_channels(first, second, seeds, self.channels),
            cross_channels(second, first, seeds, self.channels),
        )

    def render(self, genomes: Genomes, size: int | None = None) -> Images:
        """Uint8 ``(n, channels, size, size)`` at any size.

        Raises:
            ConfigError: a size below 1 or above 16384.
        """
        size = self.size if size is None else size
        if not 1 <= size <= _MAX_SIZE:
            raise ConfigError(f"size {size}: an image is 1 to {_MAX_SIZE} pixels wide")
        if self.device == "cpu":
            return render_cpu(genomes, size=size, threads=self.threads, **self.render_options)
        return self._render_on_device(genomes, size).cpu().numpy()

    def draw(self, genomes: Genomes) -> Any:
        """The images at the scored size: an array on a CPU, a tensor on any other device."""
        return self.render(genomes) if self.device == "cpu" else self._render_on_device(genomes, self.size)

    def _render_on_device(self, genomes: Genomes, size: int) -> Any:
        from evo_fool.encodings.rendering.gpu import render_torch  # torch only where it renders

        return render_torch(genomes, size=size, device=self.device, **self.render_options)

    @property
    def render_options(self) -> dict[str, Any]:
        """What every renderer asks for besides genomes and size."""
        return {
            "outputs": self.channels,
            "colour": self.colour,
            "coordinates": self.config.coordinates,
            "native": self.size,
        }

    def encode(self, genome: Any) -> bytes:
        """The used nodes and links as bytes, see :func:`cppn_genome.encode`."""
        return cppn_genome.encode(genome, self.channels)

    def decode(self, data: bytes) -> Genomes:
        """One genome as a batch of one.

        Raises:
            GenomeError: ``data`` is not what :meth:`encode` writes for these caps, outputs and weight range.
        """
        return cppn_genome.decode(data, outputs=self.channels, dtype=self.dtype, weight_range=self.config.weight_range)

    def describe(self, genome: Any) -> dict[str, Any]:
        """Nodes (key, activation) and links (from, to, weight); inputs by name, outputs are the keys 0..channels-1."""
        nodes, links = int(genome["nodes"]), int(genome["links"])
        names = {-1 - i: name for i, name in enumerate(INPUT_NAMES)}
        sources, targets, weights = (genome[name][:links].tolist() for name in ("src", "dst", "weight"))
        return {
            "kind": "cppn",
            "channels": self.channels,
            "colour": self.colour,
            "coordinates": self.config.coordinates,
            "nodes": [
                {"key": key, "activation": NAMES[act]}
                for key, act in zip(genome["key"][:nodes].tolist(), genome["act"][:nodes].tolist(), strict=True)
            ],
            "links": [
                {"from": names.get(source, source), "to": target, "weight": weight}
                for source, target, weight in zip(sources, targets, weights, strict=True)
            ],
        }

    def genome_object(self, genome: Any) -> DefaultGenome:
        """The genome as neat-python has it; ``cppn_neat.network_config`` makes a network of it."""
        return cppn_neat.to_neat(genome)

    def from_neat(self, genome: DefaultGenome) -> Genomes:
        """A neat genome as a batch of one.

        Raises:
            GenomeError: it has parts that these CPPNs do not have, or exceeds the caps.
        """
        return cppn_neat.from_neat(
            genome, outputs=self.channels, dtype=self.dtype, weight_range=self.config.weight_range
        )
