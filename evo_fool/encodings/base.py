"""What is evolved: the protocol that every encoding follows.

A batch of genomes is a numpy array whose first axis counts individuals; its dtype and the remaining axes are the
encoding's own. Code outside this room moves genomes by indexing and concatenating that axis, and never asks which
encoding it has. Importing an encoding is cheap: what needs numba, torch or neat-python is imported where it is used.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from evo_fool.encodings.numeric.threads import available_threads
from evo_fool.errors import ConfigError
from evo_fool.randomness import Stream
from evo_fool.shape import Size, compact, scaled, sides

Genomes = np.ndarray
"""A batch of genomes, first axis individuals."""

Images = np.ndarray
"""A batch of images, uint8 ``(n, channels, height, width)``: grey, RGB, or any other number of planes."""


@dataclass(frozen=True, slots=True)
class Operator:
    """A named way to make a child; a search with ``operators: adaptive`` chooses among those of its encoding.

    Attributes:
        name: stored with every individual that it made.
        settings: what differs from :meth:`Encoding.mutate`, as the encoding reads it; empty: nothing.
        mates: the child is the first of :meth:`Encoding.mate`, as it is.
        expected_gain: of a child at first, in log-odds, over all cells that it takes of a thousand.
        cost: of a child, in images: 1 is its own score.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    mates: bool = False
    expected_gain: float = 1.0
    cost: int = 1


class Encoding(ABC):
    """Genomes of one kind: how they start, vary, look, and are written down.

    Args:
        config: the encoding's section of the experiment, a ``Config``; None where it has no settings.
        size: height and width of the image that is scored, in pixels; one number for a square.
        channels: of the image: 1 is grey, 3 is RGB, any other number as many planes.
        device: a torch device to draw on, for encodings that can.
        threads: upper bound on CPU threads; none: the cores of this process.

    Attributes:
        Config: the model of the encoding's section, an :class:`~evo_fool.sections.EncodingSection`.
        codec: name and version of the byte format of :meth:`encode`, e.g. ``"cppn/1"``; stored with every run.
        can_mate: whether :meth:`mate` is defined.
        resizable: whether :meth:`render` draws at any size.
        export_as: how a genome is exported: ``json`` is :meth:`describe`, ``npz`` is :meth:`arrays` and the rest.
        header: how many bytes at the beginning of an encoded genome :meth:`complexity` reads.
        device: where :meth:`draw` leaves images; ``"cpu"`` unless the encoding draws elsewhere.
    """

    Config: ClassVar[type]
    codec: str
    can_mate: bool = False
    resizable: bool = False
    export_as: Literal["json", "npz"] = "json"
    header: int = 0

    def __init__(
        self, config: Any = None, *, size: Size, channels: int, device: str = "cpu", threads: int | None = None
    ) -> None:
        self.config = config
        self.height, self.width = sides(size)
        self.channels = channels
        self.device = "cpu"
        self.threads = threads or available_threads()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the image that is scored."""
        return self.channels, self.height, self.width

    @property
    def size(self) -> int:
        """The longer side of the image that is scored, in pixels."""
        return max(self.height, self.width)

    def sides_at(self, size: int | None) -> tuple[int, int]:
        """Height and width of an image whose longer side is ``size``; None: as it is scored."""
        return (self.height, self.width) if size is None else scaled((self.height, self.width), size)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs, where :meth:`genome_object` is a neat-python network; else empty."""
        return ()

    @abstractmethod
    def random(self, n: int, rng: Stream) -> Genomes:
        """``n`` fresh genomes, the encoding's starting distribution."""

    @abstractmethod
    def mutate(self, genomes: Genomes, rng: Stream, generation: int) -> Genomes:
        """Mutated copies of ``genomes``, row for row; ``generation`` drives rate schedules. The input is left alone."""

    @property
    def operators(self) -> tuple[Operator, ...]:
        """The operators that a search may choose among, distinct in name; the first is :meth:`mutate` itself."""
        return (Operator("default"),)

    def vary(self, operator: Operator, genomes: Genomes, rng: Stream, generation: int) -> Genomes:
        """As :meth:`mutate`, with the settings of one of :attr:`operators`, which does not mate."""
        return self.mutate(genomes, rng, generation)

    def mate(self, first: Genomes, second: Genomes, rng: Stream) -> tuple[Genomes, Genomes]:
        """Cross row ``i`` of ``first`` with row ``i`` of ``second``: two children a pair, new arrays.

        Raises:
            ConfigError: where ``can_mate`` is false.
        """
        raise ConfigError(f"{type(self).__name__} has no crossover; set its probability to 0")

    def ascend(self, genomes: Genomes, slopes: np.ndarray, rng: Stream) -> Genomes:
        """Copies that are a short step further up ``slopes``, row for row; the input is left alone.

        Args:
            genomes: to move.
            slopes: of what shall rise, with respect to each value in [0, 1] of the images at the scored size, float32
                ``(n, channels, height, width)``. A byte stands for the value that it was truncated from.
            rng: draws the lengths of the steps.

        Raises:
            ConfigError: the encoding cannot follow slopes; the default.
        """
        raise ConfigError(
            f"{type(self).__name__} cannot follow gradients; evolve without it: -S search.gradient=0, or choose "
            "encoding.kind cppn, pixels or spectral"
        )

    @abstractmethod
    def render(self, genomes: Genomes, size: int | None = None) -> Images:
        """The images of ``genomes``, uint8 ``(n, channels, height, width)``, as scored or with longer side ``size``.

        Raises:
            ConfigError: another size than the encoding's own where ``resizable`` is false.
        """

    def draw(self, genomes: Genomes) -> Any:
        """As :meth:`render` at the scored size, but left where it was drawn: a torch tensor for a GPU's encoding."""
        return self.render(genomes)

    @abstractmethod
    def encode(self, genome: Any) -> bytes:
        """One row of a batch as bytes; equal genomes give equal bytes."""

    @abstractmethod
    def decode(self, data: bytes) -> Genomes:
        """The genome in ``data`` as a batch of one.

        Raises:
            GenomeError: ``data`` is not what :meth:`encode` of this very encoding writes. Safe on hostile bytes.
        """

    @abstractmethod
    def describe(self, genome: Any) -> dict[str, Any]:
        """One genome as plain JSON data, for export and display."""

    def arrays(self, genome: Any) -> dict[str, np.ndarray]:
        """One genome as named arrays without Python objects, for npz files; by default the row itself."""
        return {"genome": np.asarray(genome)}

    def complexity(self, header: bytes) -> dict[str, int]:
        """How large a genome is, from its first :attr:`header` bytes: plural nouns and numbers, the chief one first.

        Empty where there is no such number, or the bytes are no header. Safe on hostile bytes.
        """
        return {}

    @abstractmethod
    def genome_object(self, genome: Any) -> Any:
        """One row as the object that users work with: an image of genes, or a neat-python genome."""

    def asked(self, generations: int) -> dict[str, Any]:
        """What of the configuration decides images within ``generations``, JSON-able, nothing left to a rule."""
        return self.config.model_dump(mode="json") | {"size": compact(self.height, self.width)}
