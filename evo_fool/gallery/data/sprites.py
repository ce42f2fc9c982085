"""Sheets of thumbnails: the images of a hundred neighbouring classes in one file, so that a grid takes a few requests.

A sheet is addressed by the last generation at or before the one shown in which any of its classes changed hands, and by
a key of its members: an address means the same picture for ever, and generations that show the same share it.
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
do not run into each other."""

_FORMAT = 1
"""Changes when the same members would give another sheet."""

_THUMBNAIL_BYTES = 28_000_000
_SHEET_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of thumbnails.

    Attributes:
        generation: the last one in which it changed; -1 where it never has.
        key: names its members.
        members: an individual for each place; :data:`~evo_fool.evolution.archive.EMPTY` where there is no image.
    """

    generation: int
    key: str
    members: tuple[int, ...]

    @property
    def blank(self) -> bool:
        """Whether there is nothing on it."""
        return all(id == EMPTY for id in self.members)


def plan_sheet(run: Run, archive: Archive, kept: Collection[int], block: int) -> Sheet:
    """The sheet of one block of a run's classes, as of an archive.

    Args:
        run: the run.
        archive: who holds the classes.
        kept: individuals whose images are still there.
        block: which hundred of the classes that the run evolves, from 0.
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
    """What tells a run from others, those included that once had its directory."""
    return f"{run.path.name} {run.meta.get('id', '')} {run.meta.get('created', '')}"


def is_exact(run: Run) -> bool:
    """Whether a run's thumbnails are the very pixels that were scored."""
    return max(run.store.image_shape()[1:]) <= SIDE


class Painter:
    """Draws sheets, and remembers thumbnails and sheets."""

    def __init__(self) -> None:
        self._thumbnails: Recent[tuple[str, int], np.ndarray] = Recent(_THUMBNAIL_BYTES, lambda image: image.nbytes)
        self._sheets: Recent[str, bytes] = Recent(_SHEET_BYTES, len)

    def sheet(self, run: Run, sheet: Sheet) -> bytes:
        """A sheet as PNG where thumbnails are exact, else as JPEG.

        An image that is damaged, or has been let go since the sheet was planned, is left blank.
        """
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
