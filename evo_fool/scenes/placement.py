"""Where a patch lies on a photograph, and how it is composed there (Brown et al. 2017, section 2).

A placement maps each pixel that the patch covers back into the picture, where it reads the bilinear mean of four
pixels. The weights are whole 65536ths, so that all sums are exact and the composed bytes the same on each device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from evo_fool.errors import ConfigError
from evo_fool.randomness import Stream

BYTES_A_PIXEL = 12
"""What :class:`Overlays` hold for each pixel that a patch covers."""

Form = Literal["disc", "square"]

_STEP = 256
"""Places are rounded to so many steps a pixel of the picture."""


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


class Overlays:
    """Composes pictures onto photographs, each at one of several placements.

    Args:
        placements: ``k`` of them.
        form: of the patch.
        picture: height and width of the pictures.
        photo: height and width of the photographs.
        device: where to compose.
    """

    def __init__(
        self,
        placements: Sequence[Placement],
        form: Form,
        picture: tuple[int, int],
        photo: tuple[int, int],
        device: torch.device,
    ) -> None:
        self.picture, self.photo = picture, photo
        covered = [_covered(placement, form, picture, photo) for placement in placements]
        self.counts = np.array([each.shape[1] for each in covered])
        """Pixels that each placement covers, int64 ``(k,)``."""
        # What a shorter list lacks is drawn beyond the last pixel and dropped.
        outside = np.array([[photo[0] * photo[1]], [0], [0]])
        table = np.broadcast_to(outside[:, None], (3, len(covered), self.counts.max(initial=0))).astype(np.int32)
        for i, each in enumerate(covered):
            table[:, i, : each.shape[1]] = each
        self._table = torch.from_numpy(table).to(device)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._table.nbytes

    def compose(self, pictures: Tensor, photos: Tensor, which: np.ndarray) -> Tensor:
        """The photographs under the pictures, uint8 ``(n, channels, height, width)``.

        Args:
            pictures: uint8 ``(n, channels, h, w)`` on the device.
            photos: uint8 ``(n, channels, height, width)`` there.
            which: the placement of each, int64 ``(n,)``.
        """
        total = self._read(pictures, which, torch.int32)
        return self._put(photos, ((total + _STEP * _STEP // 2) >> 16).to(torch.uint8), which)

    def paste(self, pictures: Tensor, photos: Tensor, which: np.ndarray) -> Tensor:
        """As :meth:`compose` for float32 values and without rounding: the gradient flows to the pictures."""
        return self._put(photos, self._read(pictures, which, torch.float32) / (_STEP * _STEP), which)

    def _put(self, photos: Tensor, values: Tensor, which: np.ndarray) -> Tensor:
        """The photographs with ``values`` ``(n, channels, m)`` at the pixels that the placements cover."""
        n, channels = values.shape[:2]
        pixels = self._at(which)[0][:, None].expand_as(values)
        flat = torch.cat([photos.flatten(2), photos.new_zeros(n, channels, 1)], dim=2)
        return flat.scatter(2, pixels, values)[:, :, :-1].reshape(n, channels, *self.photo)

    def _read(self, pictures: Tensor, which: np.ndarray, dtype: torch.dtype) -> Tensor:
        """Bilinear means times 65536, ``(n, channels, m)`` of ``dtype``, of pictures ``(n, channels, h, w)``."""
        (height, width), flat = self.picture, pictures.flatten(2)
        _, rows, columns = self._at(which)
        total = torch.zeros((), dtype=dtype, device=flat.device)
        for row, row_weight in _neighbours(rows, height):
            for column, weight in _neighbours(columns, width):
                index = (row * width + column)[:, None].expand(-1, flat.shape[1], -1)
                total = total + flat.gather(2, index).to(dtype) * (row_weight * weight).to(dtype)[:, None]
        return total

    def _at(self, which: np.ndarray) -> Tensor:
        """Pixels, rows and columns of some placements, int64 ``(3, n, m)``."""
        return self._table[:, torch.from_numpy(which).to(self._table.device)].long()


def _neighbours(steps: Tensor, length: int) -> list[tuple[Tensor, Tensor]]:
    """The two pixels along an axis between which a place lies, and the weight of each in 256ths."""
    first, rest = steps // _STEP, steps % _STEP
    return [(first, _STEP - rest), ((first + 1).clamp_(max=length - 1), rest)]


def _covered(placement: Placement, form: Form, picture: tuple[int, int], photo: tuple[int, int]) -> np.ndarray:
    """The pixels that a patch covers, as row * width + column, and the row and column of the picture that each reads,
    in steps: int64 ``(3, m)``."""
    rows, columns = np.indices(photo).reshape(2, -1) + 0.5
    down, right = rows - placement.row, columns - placement.column
    cos, sin = math.cos(math.radians(placement.angle)), math.sin(math.radians(placement.angle))
    # In units of half the side, turned back: the picture spans [-1, 1] both ways.
    y = (cos * down + sin * right) * 2 / placement.side
    x = (cos * right - sin * down) * 2 / placement.side
    inside = (x * x + y * y if form == "disc" else np.maximum(abs(x), abs(y))) <= 1
    steps = [
        np.rint(np.clip((place[inside] + 1) / 2 * length - 0.5, 0, length - 1) * _STEP).astype(np.int64)
        for place, length in ((y, picture[0]), (x, picture[1]))
    ]
    return np.stack([np.flatnonzero(inside), *steps])


def compose_slowly(placement: Placement, form: Form, picture: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """The specification of :meth:`Overlays.compose` for one picture: pixel by pixel, in exact whole numbers.

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
