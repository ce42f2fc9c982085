"""What is evolved: the protocol every encoding follows.

A batch of genomes is a numpy array whose first axis counts individuals; its dtype and the remaining axes are the
encoding's own business. Everything outside this room moves genomes only by indexing and concatenating that axis.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from evo_fool.errors import ConfigError
from evo_fool.randomness import Stream

Genomes = np.ndarray
"""A batch of genomes, first axis individuals."""

Images = np.ndarray
"""A batch of images, uint8 ``(n, channels, height, width)``, RGB or grey."""


class Encoding(ABC):
    """Genomes of one kind: how they start, vary, look, and are written down.

    Attributes:
        codec: name and version of the byte format of :meth:`encode`, e.g. ``"cppn/1"``; stored with every run.
        channels: 1 (grey) or 3 (RGB) channels of the rendered image.
        size: height and width in pixels of the image that is scored.
        can_mate: whether :meth:`mate` is defined.
        resizable: whether :meth:`render` honours any size (a CPPN does; a pixel grid has only its own).
    """

    codec: str
    channels: int
    size: int
    can_mate: bool
    resizable: bool

    @abstractmethod
    def random(self, n: int, rng: Stream) -> Genomes:
        """``n`` fresh genomes, the encoding's starting distribution."""

    @abstractmethod
    def mutate(self, genomes: Genomes, rng: Stream, generation: int) -> Genomes:
        """Mutated copies of ``genomes``, row for row; ``generation`` drives rate schedules. The input is left alone."""

    def mate(self, first: Genomes, second: Genomes, rng: Stream) -> tuple[Genomes, Genomes]:
        """Cross row ``i`` of ``first`` with row ``i`` of ``second``: two children a pair, new arrays.

        Raises:
            ConfigError: where ``can_mate`` is false.
        """
        raise ConfigError(f"{type(self).__name__} has no crossover; set its probability to 0")

    @abstractmethod
    def render(self, genomes: Genomes, size: int | None = None) -> Images:
        """The images of ``genomes``, uint8 ``(n, channels, size, size)``; ``size`` defaults to the scored size.

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

    @abstractmethod
    def genome_object(self, genome: Any) -> Any:
        """One row as the object that users work with: an image of genes, or a neat-python genome."""
