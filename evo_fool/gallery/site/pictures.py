"""The images of a static site: how large they may be so that all of them stay within their share of it."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from evo_fool.gallery.data.pictures import reduce
from evo_fool.image import to_pillow
from evo_fool.runs.individuals import image_of, picture_of
from evo_fool.runs.run import Run
from evo_fool.sampling import evenly

Choice = TypeVar("Choice")

_SAMPLES = 20


@dataclass(frozen=True, slots=True)
class Coding:
    """How an image is written as WebP.

    Attributes:
        side: in pixels; None for the size that it was scored at.
        quality: of 100; None to keep every pixel.
    """

    side: int | None
    quality: int | None


SCORED = (Coding(None, None), Coding(None, 90), Coding(None, 70), Coding(None, 50), Coding(160, 60), Coding(112, 50))
"""For the image that was scored, the better ones first."""

LARGE = (Coding(512, 88), Coding(512, 70), Coding(384, 60))
"""For a CPPN rendered again to be looked at."""


def encode(run: Run, individual: int, coding: Coding) -> bytes:
    """The image of an individual as WebP.

    Raises:
        NotKeptError: it is not there.
        CorruptRunError: it is damaged.
    """
    image = image_of(run, individual)
    native = max(image.shape[1:])
    if coding.side is not None and coding.side < native:
        image = np.ascontiguousarray(reduce(image, coding.side).transpose(2, 0, 1))
    elif coding.side is not None and coding.side > native:
        image = picture_of(run, individual, coding.side)
    buffer = io.BytesIO()
    lossless = coding.quality is None
    to_pillow(image).save(buffer, format="WEBP", lossless=lossless, quality=coding.quality or 60, method=4)
    return buffer.getvalue()


def affordable(
    choices: Sequence[Choice], items: Sequence[int], size: Callable[[int, Choice], int], share: int
) -> Choice | None:
    """The first of ``choices`` with which all ``items`` together stay within ``share`` bytes; None: not one does.

    Args:
        choices: the better ones first.
        items: what is to be written.
        size: the bytes that an item takes with a choice.
        share: in bytes.
    """
    if not items:
        return next(iter(choices), None)
    some = [items[place] for place in evenly(len(items), _SAMPLES)]
    for choice in choices:
        if sum(size(item, choice) for item in some) / len(some) * len(items) <= share:
            return choice
    return None
