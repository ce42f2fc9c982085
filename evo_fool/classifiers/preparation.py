"""How a photograph becomes a classifier's input; part of the classifier, as its normalisation is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True, slots=True)
class Preparation:
    """Resize the shorter side of a photograph, then crop the middle.

    Attributes:
        resize: the shorter side in pixels, at least the classifier's size.
        interpolation: ``bilinear``, ``bicubic`` or another of pillow's.
    """

    resize: int
    interpolation: str = "bilinear"

    def __call__(self, photo: Image.Image, size: int, channels: int) -> np.ndarray:
        """The input, uint8 ``(channels, size, size)``; as torchvision's ``ImageClassification`` before it normalises.

        Raises:
            OSError: the photograph is damaged.
        """
        photo = photo.convert("L" if channels == 1 else "RGB")
        short = min(photo.size)
        if short != self.resize:
            width, height = (int(self.resize * side / short) for side in photo.size)
            photo = photo.resize((width, height), Image.Resampling[self.interpolation.upper()])
        left, top = (round((side - size) / 2) for side in photo.size)
        pixels = np.asarray(photo.crop((left, top, left + size, top + size)))
        return pixels[None] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))
