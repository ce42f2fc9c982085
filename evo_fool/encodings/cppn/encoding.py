"""The indirect encoding: CPPNs under the paper's rules (docs/reference/paper.md section 4).

A batch is a structured array ``(n,)`` (genome.py) that compiled kernels start, mutate and render; each row is at any
time a neat-python genome (``genome_object``), and reference.py is the same variation on that genome.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evo_fool.encodings.base import Encoding, Genomes, Images, Operator
from evo_fool.encodings.colour import output_names, resolve_colour
from evo_fool.encodings.cppn import genome as packed
from evo_fool.encodings.cppn.activations import NAMES
from evo_fool.encodings.numeric.threads import run_chunks
from evo_fool.errors import ConfigError
from evo_fool.randomness import Stream, child_seeds
from evo_fool.sections import CppnConfig

if TYPE_CHECKING:
    from neat.genome import DefaultGenome

_ROWS_PER_THREAD = 500
_MAX_SIZE = 16384
_MAX_OUTPUTS = 255
_MAX_MATING_OUTPUTS = 32

_STILL = dict.fromkeys(("link_rate", "node_rate", "add_link", "delete_link", "split_link", "delete_node"), 0.0)
_GROWN = _STILL | {"add_link": 1.0, "split_link": 1.0}
_FEW = {"node_rate": 0.02, "add_link": 0.2, "delete_link": 0.1, "split_link": 0.2, "delete_node": 0.05}
_OPERATORS = (
    Operator("default", expected_gain=2.0),
    Operator("fine", _STILL | {"weights": 8.0, "eta": 100.0}, expected_gain=0.6),
    Operator("weights5", _STILL | {"weights": 5.0, "eta": 15.0}),
    Operator("few", _FEW | {"weights": 3.0}, expected_gain=1.5),
    Operator("grow", _GROWN | {"weights": 1.0}, expected_gain=3.0),
    Operator("growfine", _GROWN | {"weights": 8.0, "eta": 100.0}),
    Operator("prune", _STILL | {"delete_link": 1.0, "delete_node": 0.5}, expected_gain=0.7),
)
"""Beside the rates of :class:`.CppnConfig`, ``weights`` is how many weights are expected to mutate.

Measured on ImageNet: of a genome of 50 nodes that is good already, a child by ``default``, which changes a tenth of
every kind of gene, gains a fifth of what one by ``fine`` does. Among the first thousand images it gains four times as
much as one by ``fine``, and ``grow`` gains most.
"""
_CROSSOVER = Operator("crossover", mates=True, expected_gain=1.5)
_STEPS = (0.01, 0.03)
"""The lengths of steps uphill, over all weights: of genomes of 50 nodes on ImageNet half of these win, and a twelfth of
those of length 1."""


class CppnEncoding(Encoding):
    """CPPNs with an output a channel: grey, three read as HSV, HLS or RGB, or any other number of planes.

    Args:
        config: rates, coordinates, colour and caps.
        size, channels, threads: see :class:`.Encoding`.
        device: where images are rendered: ``cpu`` by the compiled kernel, anything else by torch on that device.

    Raises:
        ConfigError: a colour or a cap that does not fit ``channels``, more than 255 channels, or a crossover of one.
    """

    Config = CppnConfig
    codec = "cppn/1"
    resizable = True
    header = packed.HEADER.size

    def __init__(self, config: CppnConfig, *, device: str = "cpu", **options: Any) -> None:
        super().__init__(config, **options)
        self.device = str(device)
        channels = self.channels
        self.can_mate = 1 < channels <= _MAX_MATING_OUTPUTS
        if config.crossover and not self.can_mate:
            has = "grey images have one" if channels == 1 else f"at most {_MAX_MATING_OUTPUTS} can be crossed"
            raise ConfigError(
                f"encoding.crossover = {config.crossover:g}: CPPNs exchange colour channels, and {has}; set it to 0"
            )
        if channels > _MAX_OUTPUTS:
            raise ConfigError(f"a classifier of {channels} channels: a CPPN has at most {_MAX_OUTPUTS} outputs")
        for cap, least in (("max_nodes", channels), ("max_links", packed.INPUTS * channels)):
            if getattr(config, cap) < least:
                raise ConfigError(f"encoding.{cap} must be at least {least} for {channels} channels")
        self.colour = resolve_colour(config.colour, channels)
        self.dtype = packed.genome_dtype(config.max_nodes, config.max_links)

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the outputs mean, one a channel."""
        return output_names(self.colour, self.channels)

    def random(self, n: int, rng: Stream) -> Genomes:
        """Starting genomes: every input linked to every output, no hidden nodes; structured ``(n,)``."""
        from evo_fool.encodings.cppn.kernels import start_rows  # numba
        from evo_fool.encodings.rendering.program import fields

        out = np.zeros(n, self.dtype)
        start_rows(*fields(out), child_seeds(rng, n), 0, n, self.channels, self.config.weight_range)
        return out

    def mutate(self, genomes: Genomes, rng: Stream, generation: int) -> Genomes:
        """Mutated copies, by the paper's six steps; ``generation`` is not used."""
        return self._mutated(genomes, rng, self.config)

    @property
    def operators(self) -> tuple[Operator, ...]:
        """The paper's mutation, and others that suit genomes that are good already; crossover where it is defined."""
        return (*_OPERATORS, _CROSSOVER) if self.can_mate else _OPERATORS

    def vary(self, operator: Operator, genomes: Genomes, rng: Stream, generation: int) -> Genomes:
        """Mutated copies, by the six steps at the operator's rates."""
        rates = dict(operator.settings)
        weights = rates.pop("weights", 0.0)
        return self._mutated(genomes, rng, self.config.model_copy(update=rates), weights)

    def _mutated(self, genomes: Genomes, rng: Stream, config: CppnConfig, weights: float = 0.0) -> Genomes:
        from evo_fool.encodings.cppn.kernels import mutate_rows  # numba
        from evo_fool.encodings.rendering.program import fields

        seeds = child_seeds(rng, len(genomes))
        out = np.array(genomes, self.dtype, order="C")
        arrays = fields(out)
        structure = (config.add_link, config.delete_link, config.split_link, config.delete_node)
        rates = (config.eta, weights, config.link_rate, config.node_rate, *structure)

        def work(first: int, last: int) -> None:
            mutate_rows(*arrays, seeds, first, last, self.channels, config.weight_range, *rates)

        run_chunks(work, len(out), self.threads, _ROWS_PER_THREAD)
        return out

    def mate(self, first: Genomes, second: Genomes, rng: Stream) -> tuple[Genomes, Genomes]:
        """Two children a pair: each parent with some of the other's outputs, see crossover.py.

        Raises:
            ConfigError: grey images have one output.
        """
        if not self.can_mate:
            return super().mate(first, second, rng)
        from evo_fool.encodings.cppn.crossover import cross_channels  # numba

        seeds = child_seeds(rng, len(first))
        return (
            cross_channels(first, second, seeds, self.channels),
            cross_channels(second, first, seeds, self.channels),
        )

    def ascend(self, genomes: Genomes, slopes: np.ndarray, rng: Stream) -> Genomes:
        """Copies whose weights are a step further up, of length .01 to .03; structure and activations stay."""
        from evo_fool.encodings.operators import uphill_steps  # numba
        from evo_fool.encodings.rendering.reverse import pull_back

        out = np.array(genomes, self.dtype, order="C")
        pulled = pull_back(out, slopes, threads=self.threads, **self.render_options)
        most = self.config.weight_range
        out["weight"] = uphill_steps(out["weight"], pulled, rng, lengths=_STEPS, bounds=(-most, most))
        return out

    def render(self, genomes: Genomes, size: int | None = None) -> Images:
        """Uint8 ``(n, channels, height, width)`` at any size; ``size`` is the longer side.

        Raises:
            ConfigError: a size below 1 or above 16384.
        """
        if size is not None and not 1 <= size <= _MAX_SIZE:
            raise ConfigError(f"size {size}: an image is 1 to {_MAX_SIZE} pixels wide")
        images = self._drawn(genomes, self.sides_at(size))
        return images if isinstance(images, np.ndarray) else images.cpu().numpy()

    def draw(self, genomes: Genomes) -> Any:
        """The images at the scored size: an array on a CPU, a tensor on any other device."""
        return self._drawn(genomes, self.sides_at(None))

    def _drawn(self, genomes: Genomes, size: tuple[int, int]) -> Any:
        if self.device == "cpu":
            from evo_fool.encodings.rendering.cpu import render_cpu  # numba

            return render_cpu(genomes, size=size, threads=self.threads, **self.render_options)
        from evo_fool.encodings.rendering.gpu import render_torch  # torch

        return render_torch(genomes, size=size, device=self.device, **self.render_options)

    @property
    def render_options(self) -> dict[str, Any]:
        """What every renderer asks for besides genomes and size."""
        return {
            "outputs": self.channels,
            "colour": self.colour,
            "coordinates": self.config.coordinates,
            "native": (self.height, self.width),
            "scale": self.config.coordinate_scale,
        }

    def encode(self, genome: Any) -> bytes:
        """The used nodes and links as bytes, see :func:`packed.encode`."""
        return packed.encode(genome, self.channels)

    def decode(self, data: bytes) -> Genomes:
        """One genome as a batch of one.

        Raises:
            GenomeError: ``data`` is not what :meth:`encode` writes for these caps, outputs and weight range.
        """
        return packed.decode(data, outputs=self.channels, dtype=self.dtype, weight_range=self.config.weight_range)

    def describe(self, genome: Any) -> dict[str, Any]:
        """Nodes (key, activation) and links (from, to, weight); inputs by name, outputs are the keys 0..channels-1."""
        nodes, links = int(genome["nodes"]), int(genome["links"])
        names = {-1 - i: name for i, name in enumerate(packed.INPUT_NAMES)}
        sources, targets, weights = (genome[name][:links].tolist() for name in ("src", "dst", "weight"))
        return {
            "kind": "cppn",
            "channels": self.channels,
            "colour": self.colour,
            "coordinates": self.config.coordinates,
            "coordinate_scale": self.config.coordinate_scale,
            "nodes": [
                {"key": key, "activation": NAMES[act]}
                for key, act in zip(genome["key"][:nodes].tolist(), genome["act"][:nodes].tolist(), strict=True)
            ],
            "links": [
                {"from": names.get(source, source), "to": target, "weight": weight}
                for source, target, weight in zip(sources, targets, weights, strict=True)
            ],
        }

    def arrays(self, genome: Any) -> dict[str, np.ndarray]:
        """``node_key`` int64, ``node_activation`` text, ``link_from`` and ``link_to`` text, ``link_weight`` float64.

        Ends of links are keys, or names of inputs.
        """
        described = self.describe(genome)
        nodes, links = described["nodes"], described["links"]
        return {
            "node_key": np.array([node["key"] for node in nodes], np.int64),
            "node_activation": np.array([node["activation"] for node in nodes], np.str_),
            "link_from": np.array([str(link["from"]) for link in links], np.str_),
            "link_to": np.array([str(link["to"]) for link in links], np.str_),
            "link_weight": np.array([link["weight"] for link in links], np.float64),
        }

    def complexity(self, header: bytes) -> dict[str, int]:
        """Hidden and output nodes, and links."""
        if len(header) < self.header:
            return {}
        _, _, nodes, links = packed.HEADER.unpack(header[: self.header])
        return {"nodes": nodes, "links": links}

    def asked(self, generations: int) -> dict[str, Any]:
        """With the resolved colour."""
        return super().asked(generations) | {"colour": self.colour}

    def genome_object(self, genome: Any) -> DefaultGenome:
        """The genome as neat-python has it; ``cppn.neat.network_config`` makes a network of it."""
        from evo_fool.encodings.cppn.neat import to_neat

        return to_neat(genome)

    def from_neat(self, genome: DefaultGenome) -> Genomes:
        """A neat genome as a batch of one.

        Raises:
            GenomeError: it has parts that these CPPNs do not have, or exceeds the caps.
        """
        from evo_fool.encodings.cppn.neat import from_neat

        return from_neat(genome, outputs=self.channels, dtype=self.dtype, weight_range=self.config.weight_range)
