"""How a photograph becomes a classifier's input; part of the classifier, as its normalisation is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from evo_fool.shape import Size, sides


@dataclass(frozen=True, slots=True)
class Preparation:
    """Resize the shorter side of a photograph, then crop the middle.

    Attributes:
        resize: the shorter side in pixels, at least the longer side of the input.
        interpolation: ``bilinear``, ``bicubic`` or another of pillow's.
    """

    resize: int
    interpolation: str = "bilinear"

    def __call__(self, photo: Image.Image, size: Size, channels: int) -> np.ndarray:
        """The input, uint8 ``(channels, height, width)``; as torchvision's ``ImageClassification`` unnormalised.

        Raises:
            OSError: the photograph is damaged.
        """
        photo = photo.convert("L" if channels == 1 else "RGB")
        short = min(photo.size)
        if short != self.resize:
            across, down = (int(self.resize * side / short) for side in photo.size)
            photo = photo.resize((across, down), Image.Resampling[self.interpolation.upper()])
        height, width = sides(size)
        left, top = round((photo.width - width) / 2), round((photo.height - height) / 2)
        pixels = np.asarray(photo.crop((left, top, left + width, top + height)))
        return pixels[None] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))
