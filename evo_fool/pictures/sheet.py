"""The contact sheet: every class's elite as a tile, pixel for pixel, with its name and how sure the classifier is.

Drawn with pillow, so that a pixel of an image is a whole number of pixels of the sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from evo_fool.errors import ConfigError
from evo_fool.pictures.board import Board
from evo_fool.pictures.layout import Captions
from evo_fool.pictures.picture_file import FORMATS, check_target, write_picture
from evo_fool.runs.past import archive_at
from evo_fool.runs.run import Run
from evo_fool.text import printable, provenance

SCREEN_DPI = 96.0
"""The resolution that a sheet has on record unless told otherwise."""


def draw_sheet(
    run: Run,
    *,
    classes: Sequence[int | str] | None = None,
    generation: int | None = None,
    columns: int | None = None,
    tile: int | None = None,
    captions: Captions | None = None,
    title: bool | None = None,
    rerender: bool = False,
) -> Image.Image:
    """The contact sheet of a run, RGB.

    Args:
        run: the run.
        classes: which, by index or name, in this order; None: all that the run evolves.
        generation: as of the end of this one; None: as of the last commit. Images that retention has given up since
            are hatched tiles.
        columns: see :func:`.plan`.
        tile: see :func:`.plan`.
        captions: see :data:`.Captions`; None: ``full``.
        title: whether there is a title; None: there is.
        rerender: draw CPPNs from their genomes at the tile's size, rather than enlarge or reduce the scored image.

    Raises:
        ConfigError: a sheet that cannot be drawn so.
        CorruptRunError: a stored image is damaged.
    """
    cells = run.targets if classes is None else _indices(run, classes)
    board = Board(
        run,
        cells,
        columns=columns,
        tile=tile,
        captions=captions or "full",
        title=title is not False,
        rerender=rerender,
    )
    with run.store.snapshot():
        elites = run.elites if generation is None else archive_at(run, generation)
        board.draw_title(run.generation if generation is None else generation, elites)
        holders = {elite.class_index: elite for elite in elites}
        for cell in cells:
            board.draw(cell, holders.get(cell))
    return board.image


def write_sheet(run: Run, to: str | Path | None = None, *, dpi: float = SCREEN_DPI, **options: Any) -> Path:
    """Draw the contact sheet into ``to``, by default ``sheet.png`` in the run directory, and return the path.

    Args:
        run: the run.
        to: a file of one of :data:`.FORMATS`.
        dpi: pixels an inch, recorded in the file.
        options: those of :func:`draw_sheet`.

    Raises:
        ConfigError: no such format, or see :func:`draw_sheet`.
        EvoFoolError: the file cannot be written.
    """
    path = run.path / "sheet.png" if to is None else Path(to)
    check_target(path, FORMATS, "contact sheets")
    summary = run.summary()
    write_picture(
        draw_sheet(run, **options), path, dpi=dpi, title=printable(summary["name"]), about=provenance(summary)
    )
    return path


def _indices(run: Run, classes: Sequence[int | str]) -> list[int]:
    cells = [run.class_index(cls) for cls in classes]
    if not cells:
        raise ConfigError("a sheet has at least one class")
    return list(dict.fromkeys(cells))
