"""The seam between evolved pictures and the classifier: a scene makes inputs of pictures, and answers into scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.views import view_count
from evo_fool.errors import ConfigError

Pictures = np.ndarray | Tensor
"""Evolved pictures, uint8 ``(n, channels, height, width)``, where they were drawn."""


class Scene(ABC):
    """What a picture is part of when the classifier sees it, and what counts as its score.

    Args:
        config: the experiment's ``scene`` section.
        scorer: scores the inputs.
        seed: the experiment's; all that a scene draws comes from it.

    Attributes:
        cells: names of the archive's cells, in order; the ``classes`` of a run.
        aliases: other names of each cell; empty where none has any.
        shape: channels, height and width of the picture that the encoding draws unless the experiment says a size.
        passes: network inputs scored so far.
        possible: as ``passes``, had every picture been scored on everything; what racing saves is the difference.
    """

    material: ClassVar[str] = "photographs"
    """What its record identifies, for messages."""

    cells: tuple[str, ...]
    aliases: tuple[tuple[str, ...], ...] = ()
    shape: tuple[int, int, int]

    def __init__(self, config: Any, scorer: Scorer, seed: int) -> None:
        self.config = config
        self.scorer = scorer
        self.seed = seed
        self.shape = scorer.classifier.shape
        self.passes = 0
        self.possible = 0
        self._views = view_count(scorer.view)

    @abstractmethod
    def check_picture(self, shape: tuple[int, int, int]) -> None:
        """Refuse a picture of another shape than the scene can use.

        Raises:
            ConfigError: names both shapes and the remedy.
        """

    @abstractmethod
    def score(self, pictures: Pictures, thresholds: np.ndarray | None = None) -> np.ndarray:
        """Log-odds float64 ``(n, cells)``; ``-inf`` throughout for a picture that is no challenger for any cell.

        Args:
            pictures: uint8 ``(n, channels, height, width)``.
            thresholds: the log-odds to beat in each cell, float64 ``(cells,)``, ``-inf`` for an empty one. None: every
                picture gets its whole score.

        Raises:
            ClassifierError: the classifier answers with something that is not a score, or memory does not suffice.
        """

    def slopes(self, pictures: Pictures, cells: np.ndarray) -> np.ndarray:
        """How each picture's score in one cell changes with its values in [0, 1], float32 of the pictures' shape.

        Args:
            pictures: uint8 ``(n, channels, height, width)``.
            cells: one for each picture, int64 ``(n,)``.

        Raises:
            ConfigError: the scene follows no gradients; the default.
            ClassifierError: the classifier has none.
        """
        raise ConfigError(
            f"scene.kind = {self.config.kind!r}: gradients are followed where the picture is the input, scene.kind "
            "alone; evolve without them: -S search.gradient=0"
        )

    @abstractmethod
    def shown(self, picture: np.ndarray, rows: Sequence[int] | None = None) -> np.ndarray:
        """The inputs that the network gets for one picture, uint8 ``(k, channels, height, width)``.

        Args:
            picture: uint8 ``(channels, height, width)``.
            rows: which of the scene's originals; None: all.
        """

    @abstractmethod
    def originals(self, rows: Sequence[int] | None = None) -> np.ndarray:
        """The same inputs without the picture, uint8 ``(k, channels, height, width)``."""

    def record(self) -> dict[str, Any]:
        """The identity of what the experiment does not determine, such as a digest of photographs; JSON-able.

        A run stores it; to resume or verify the run, the scene must have the same. Empty: the experiment says all.
        """
        return {}

    def keep_photographs(self, path: Path) -> None:
        """Write the photographs as an npz file that :func:`.build_scene` takes.

        Raises:
            ConfigError: there are none, or too many.
        """
        raise ConfigError(f"--keep-photos: a scene of kind {self.config.kind} has no photographs; leave it out")

    def report(self, picture: np.ndarray) -> dict[str, Any]:
        """What is reported of one picture, uint8 ``(channels, height, width)``, beside its scores; JSON-able."""
        return {}

    @property
    def inputs(self) -> int:
        """Network inputs that scoring one picture on everything takes."""
        return self._views

    @property
    def nbytes(self) -> int:
        """Bytes that the scene holds for as long as the run lasts."""
        return 0
