"""Where a patch lies on a photograph, and how it is composed there (Brown et al. 2017, section 2).

A placement maps each pixel that the patch covers back into the picture, where it reads the bilinear mean of four
pixels. The weights are multiples of 2^-16, so that every sum is exact in float32: the composed bytes are the same on
each device and for each batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from evo_fool.errors import ConfigError
from evo_fool.randomness import Stream

Form = Literal["disc", "square"]

_STEP = 256
"""Fractions of a picture's pixel along each axis."""


@dataclass(frozen=True, slots=True)
class Placement:
    """One place of a patch.

    Attributes:
        row: of the centre, in pixels of the photograph from its upper edge.
        column: of the centre, from the left edge.
        side: of the patch: the diameter of a disc, the side of a square, in pixels of the photograph.
        angle: by which the picture is turned, counter-clockwise, in degrees.
    """

    row: float
    column: float
    side: float
    angle: float


def side_of(form: Form, share: float, size: tuple[int, int]) -> float:
    """The side in pixels of a patch that covers ``share`` of a photograph of ``size`` (height, width).

    >>> side_of("square", 0.25, (28, 28))
    14.0
    """
    area = share * size[0] * size[1]
    return 2 * math.sqrt(area / math.pi) if form == "disc" else math.sqrt(area)


def draw_placements(
    rng: Stream, n: int, *, form: Form, share: tuple[float, float], rotation: float, size: tuple[int, int]
) -> list[Placement]:
    """``n`` placements, uniform in share, angle, and in the places where the patch lies inside the photograph.

    Args:
        rng: decides them.
        n: how many.
        form: of the patch.
        share: least and largest share of the photograph's area.
        rotation: largest angle in degrees, either way.
        size: height and width of the photograph.

    Raises:
        ConfigError: the patch does not fit.
    """
    turned = math.radians(min(rotation, 45.0))
    most = side_of(form, share[1], size) * (1.0 if form == "disc" else math.cos(turned) + math.sin(turned))
    if most > min(size):
        remedy = "a smaller share" if form == "disc" else "a smaller share or rotation"
        raise ConfigError(
            f"scene.share = {share[1]:g}: a {form} of that share is {most:.0f} pixels wide where it is widest and does "
            f"not fit into {size[0]}x{size[1]}; choose {remedy}"
        )
    placements = []
    for u in rng.random((n, 4)):
        side = side_of(form, share[0] + (share[1] - share[0]) * u[0], size)
        angle = rotation * (2 * u[1] - 1)
        turn = math.radians(angle)
        reach = side / 2 * (1.0 if form == "disc" else abs(math.cos(turn)) + abs(math.sin(turn)))
        row, column = (reach + (length - 2 * reach) * x for length, x in zip(size, u[2:], strict=True))
        # Rounded, so that the record of a run does not depend on the last bit of a cosine.
        placements.append(Placement(*(round(float(x), 3) for x in (row, column, side, angle))))
    return placements


class Overlay:
    """Composes pictures onto photographs at one placement.

    Args:
        placement: where.
        form: of the patch.
        picture: height and width of the pictures.
        photo: height and width of the photographs.
        device: where to compose.

    Attributes:
        pixels: the pixels of the photograph that the patch covers, int64 ``(m,)``, as row * width + column.
    """

    def __init__(
        self, placement: Placement, form: Form, picture: tuple[int, int], photo: tuple[int, int], device: torch.device
    ) -> None:
        rows, columns = np.indices(photo).reshape(2, -1) + 0.5
        down, right = rows - placement.row, columns - placement.column
        turn = math.radians(placement.angle)
        # In units of half the side, turned back: the picture spans [-1, 1] both ways.
        y = (math.cos(turn) * down + math.sin(turn) * right) * 2 / placement.side
        x = (math.cos(turn) * right - math.sin(turn) * down) * 2 / placement.side
        inside = x * x + y * y <= 1 if form == "disc" else np.maximum(abs(x), abs(y)) <= 1
        corners, weights = _taps(y[inside], x[inside], picture)
        self.pixels = torch.from_numpy(np.flatnonzero(inside)).to(device)
        self._corners = torch.from_numpy(corners).to(device)
        self._weights = torch.from_numpy(weights.astype(np.float32)).to(device)

    def compose(self, pictures: Tensor, photo: Tensor) -> Tensor:
        """The photograph under each picture, uint8 ``(n, channels, height, width)``.

        Args:
            pictures: uint8 ``(n, channels, h, w)``.
            photo: uint8 ``(channels, height, width)``.
        """
        composed = photo.flatten(1).repeat(len(pictures), 1, 1)
        composed[:, :, self.pixels] = torch.floor(self.read(pictures.to(torch.float32)) + 0.5).to(torch.uint8)
        return composed.view(len(pictures), *photo.shape)

    def read(self, pictures: Tensor) -> Tensor:
        """The values at :attr:`pixels` before rounding, float32 ``(n, channels, m)``; differentiable.

        Args:
            pictures: float32 ``(n, channels, h, w)`` in [0, 255].
        """
        flat = pictures.flatten(2)
        parts = [flat[:, :, corner] * weight for corner, weight in zip(self._corners, self._weights, strict=True)]
        return parts[0] + parts[1] + parts[2] + parts[3]


def _taps(y: np.ndarray, x: np.ndarray, picture: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The four pixels that each place in [-1, 1]² reads, int64 ``(4, m)``, and their weights, float64 ``(4, m)``."""
    firsts, nexts, fractions = [], [], []
    for place, length in ((y, picture[0]), (x, picture[1])):
        steps = np.rint(np.clip((place + 1) / 2 * length - 0.5, 0, length - 1) * _STEP).astype(np.int64)
        firsts.append(steps // _STEP)
        nexts.append(np.minimum(steps // _STEP + 1, length - 1))
        fractions.append(steps % _STEP / _STEP)
    (top, left), (bottom, right), (down, across) = firsts, nexts, fractions
    width = picture[1]
    corners = np.stack([top * width + left, top * width + right, bottom * width + left, bottom * width + right])
    weights = np.stack([(1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across])
    return corners, weights


def compose_slowly(placement: Placement, form: Form, picture: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """The specification of :meth:`Overlay.compose` for one picture: pixel by pixel, in exact whole numbers.

    Args:
        placement: where.
        form: of the patch.
        picture: uint8 ``(channels, h, w)``.
        photo: uint8 ``(channels, height, width)``.
    """
    composed = photo.copy()
    height, width = picture.shape[1:]
    cos, sin = math.cos(math.radians(placement.angle)), math.sin(math.radians(placement.angle))
    for row, column in np.ndindex(*photo.shape[1:]):
        down, right = row + 0.5 - placement.row, column + 0.5 - placement.column
        y = (cos * down + sin * right) * 2 / placement.side
        x = (cos * right - sin * down) * 2 / placement.side
        if (x * x + y * y if form == "disc" else max(abs(x), abs(y))) > 1:
            continue
        above, down = divmod(round(min(max((y + 1) / 2 * height - 0.5, 0), height - 1) * _STEP), _STEP)
        before, right = divmod(round(min(max((x + 1) / 2 * width - 0.5, 0), width - 1) * _STEP), _STEP)
        total = 0
        for source_row, row_weight in ((above, _STEP - down), (min(above + 1, height - 1), down)):
            for source_column, weight in ((before, _STEP - right), (min(before + 1, width - 1), right)):
                total = total + picture[:, source_row, source_column].astype(int) * row_weight * weight
        composed[:, row, column] = (total + _STEP * _STEP // 2) // (_STEP * _STEP)
    return composed
