"""Sheets of thumbnails: the images of a hundred neighbouring classes in one file, so that a grid takes a few requests.

The URL of a sheet contains the generation of the last capture of any of its classes and a key of its members: its
content never changes, and generations that show the same images share it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from evo_fool.errors import CorruptRunError, NotKeptError
from evo_fool.evolution.archive import EMPTY
from evo_fool.gallery.data.lru import Recent
from evo_fool.gallery.data.pictures import exactly, photograph, reduce
from evo_fool.runs.history import Archive
from evo_fool.runs.individuals import image_of
from evo_fool.runs.run import Run

BLOCK = 100
"""Thumbnails on a sheet."""

COLUMNS = 10

SIDE = 96
"""Largest side of a thumbnail; smaller images are their own thumbnails. A multiple of JPEG's blocks, so that neighbours
do not bleed into each other."""

_FORMAT = 1
"""Increase when the same members give another sheet."""

_THUMBNAIL_BYTES = 28_000_000
_SHEET_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of thumbnails.

    Attributes:
        generation: of the last capture of any of its classes; -1 for none.
        key: identifies its members.
        members: an individual for each place; :data:`~evo_fool.evolution.archive.EMPTY` where there is no image.
    """

    generation: int
    key: str
    members: tuple[int, ...]

    @property
    def blank(self) -> bool:
        """Whether it has no images."""
        return all(id == EMPTY for id in self.members)


def plan_sheet(run: Run, archive: Archive, kept: Collection[int], block: int) -> Sheet:
    """The sheet of one block of a run's classes, as of an archive.

    Args:
        run: the run.
        archive: the elites.
        kept: individuals whose images are still there.
        block: index of the hundred classes, of those that the run evolves.
    """
    cells = np.array(run.targets[block * BLOCK : (block + 1) * BLOCK], dtype=np.int64)
    members = tuple(id if id in kept else EMPTY for id in archive.ids[cells].tolist())
    text = f"{_FORMAT} {identity(run)} {members}"
    generation = int(archive.generations[cells].max(initial=EMPTY))
    return Sheet(generation, hashlib.sha256(text.encode()).hexdigest()[:16], members)


def blocks(run: Run) -> int:
    """The number of sheets of a run."""
    return math.ceil(len(run.targets) / BLOCK)


def thumbnail_side(run: Run) -> int:
    """The side of a run's thumbnails, in pixels."""
    return min(SIDE, max(run.store.image_shape()[1:]))


def identity(run: Run) -> str:
    """Identifies a run, also among runs that had the same directory before."""
    return f"{run.path.name} {run.meta.get('id', '')} {run.meta.get('created', '')}"


def is_exact(run: Run) -> bool:
    """Whether a run's thumbnails have the pixels that were scored."""
    return max(run.store.image_shape()[1:]) <= SIDE


class Painter:
    """Draws sheets; caches thumbnails and sheets."""

    def __init__(self) -> None:
        self._thumbnails: Recent[tuple[str, int], np.ndarray] = Recent(_THUMBNAIL_BYTES, lambda image: image.nbytes)
        self._sheets: Recent[str, bytes] = Recent(_SHEET_BYTES, len)

    def sheet(self, run: Run, sheet: Sheet) -> bytes:
        """A sheet as PNG where thumbnails are exact, else as JPEG. Damaged and discarded images are blank."""
        drawn = self._sheets.get(sheet.key)
        return drawn if drawn is not None else self._sheets.put(sheet.key, self._draw(run, sheet))

    def _draw(self, run: Run, sheet: Sheet) -> bytes:
        side = thumbnail_side(run)
        rows = math.ceil(len(sheet.members) / COLUMNS)
        canvas = np.zeros((rows, side, COLUMNS, side, 3), np.uint8)
        for place, id in enumerate(sheet.members):
            if id != EMPTY:
                canvas[place // COLUMNS, :, place % COLUMNS] = self._thumbnail(run, id, side)
        pixels = canvas.reshape(rows * side, COLUMNS * side, 3)
        return exactly(pixels) if is_exact(run) else photograph(pixels)

    def _thumbnail(self, run: Run, id: int, side: int) -> np.ndarray:
        """uint8 ``(side, side, 3)``."""
        key = (identity(run), id)
        known = self._thumbnails.get(key)
        if known is not None:
            return known
        try:
            return self._thumbnails.put(key, reduce(image_of(run, id), side))
        except (CorruptRunError, NotKeptError):
            return np.zeros((side, side, 3), np.uint8)
