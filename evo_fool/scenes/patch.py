"""The picture is a patch that replaces a part of photographs, whatever lies there (Brown et al. 2017).

Each photograph is shown at several places, with the patch at several sizes and angles, all drawn once per run: a score
is one number for one picture, and scores of different generations compare.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.randomness import stream
from evo_fool.scenes.perturbation import OnPhotographs
from evo_fool.scenes.photographs import Photographs
from evo_fool.scenes.placement import BYTES_A_PIXEL, Overlays, draw_placements, side_of

if TYPE_CHECKING:
    from evo_fool.scene_sections import PatchConfig

_LARGEST = 4e9
"""Bytes that placements may take."""


class Patch(OnPhotographs):
    """Photographs with the picture on a disc or square of each, ``places`` times.

    The encoding draws a square as large as the largest patch; of a disc the corners are never seen.

    Attributes:
        placements: of the patch on each input.

    Raises:
        ConfigError: the photographs cannot be used, the patch does not fit, or there are too many placements.
    """

    config: PatchConfig

    def __init__(
        self, config: PatchConfig, scorer: Scorer, seed: int, photos: Path | Photographs | None = None
    ) -> None:
        super().__init__(config, scorer, seed, photos, copies=config.places)
        channels, height, width = scorer.classifier.shape
        shares = config.share if isinstance(config.share, tuple) else (config.share, config.share)
        need = BYTES_A_PIXEL * self.k * shares[1] * height * width
        if need > _LARGEST:
            raise ConfigError(
                f"scene.places = {config.places}: {self.k} inputs take {need / 1e9:.0f} GB; lower scene.places or "
                "scene.count"
            )
        self.placements = draw_placements(
            stream(seed, "patch"),
            self.k,
            form=config.form,
            share=shares,
            rotation=config.rotation,
            size=(height, width),
        )
        side = max(1, math.ceil(side_of(config.form, shares[1], (height, width))))
        self.shape = (channels, side, side)
        self._overlays = Overlays(self.placements, config.form, (side, side), (height, width), scorer.device)

    def compose(self, pictures: Tensor, rows: np.ndarray) -> Tensor:
        """Photographs with patches, as bytes."""
        photos = self._there_photographs[torch.from_numpy(self.photograph_of(rows)).to(self.scorer.device)]
        return self._overlays.compose(pictures, photos, rows)

    def record(self) -> dict[str, Any]:
        """The photographs, and a digest of the placements."""
        places = json.dumps([astuple(placement) for placement in self.placements])
        return super().record() | {"places_sha256": hashlib.sha256(places.encode()).hexdigest()}

    @property
    def nbytes(self) -> int:
        """Bytes of the photographs, and of what each placement covers."""
        return super().nbytes + self._overlays.nbytes
