"""A run as a film: all its classes over the generations, or one class from holder to holder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from evo_fool.errors import ConfigError, EvoFoolError
from evo_fool.pictures.board import Board
from evo_fool.pictures.layout import FEW, Captions
from evo_fool.pictures.movie import check_movie, write_movie
from evo_fool.runs.lineage import history
from evo_fool.runs.past import changes
from evo_fool.runs.run import Elite, Run

FRAMES = 120
"""As many frames as a film has unless told otherwise."""

MAX_FRAMES = 20_000

FPS = 10.0
"""Frames a second unless told otherwise."""


@dataclass(frozen=True, slots=True)
class TimeLapse:
    """The outcome of :func:`write_timelapse`.

    Attributes:
        path: the file.
        frames: how many it has; formats may join equal ones.
        width: in pixels.
        height: in pixels.
        shown: images that were shown, each time one took a class.
        forgotten: images that could not be shown, because retention has given them up: tiles that are hatched in a
            film of all classes, captures that are left out in a film of one.
    """

    path: Path
    frames: int
    width: int
    height: int
    shown: int
    forgotten: int


@dataclass(slots=True)
class _Film:
    """Frames to come, and what is known of them; ``shown`` and ``forgotten`` are final when all are drawn."""

    count: int
    frames: Iterator[Image.Image]
    shown: int = 0
    forgotten: int = 0


def write_timelapse(
    run: Run,
    to: str | Path,
    cls: int | str | None = None,
    *,
    frames: int = FRAMES,
    fps: float = FPS,
    log: bool = False,
    columns: int | None = None,
    tile: int | None = None,
    captions: Captions | None = None,
    title: bool | None = None,
    rerender: bool = False,
) -> TimeLapse:
    """Write the film of a run or of one class.

    Of all classes: frames at generations evenly apart, the first and the last among them. Of one class: a frame for
    each image that ever held it and is still kept; where these are more than ``frames``, some of them evenly apart.

    Args:
        run: the run; a live one is filmed as of its last commit.
        to: a file of one of :data:`.movie_file.FORMATS`.
        cls: a class by index or name; None: all.
        frames: at most so many.
        fps: frames a second.
        log: generations evenly apart on a logarithmic scale, to see the first ones. Only without ``cls``.
        columns: see :func:`.plan`.
        tile: side of an image, see :func:`.plan`; None: chosen.
        captions: see :data:`.Captions`; None: ``dated`` for one class, ``full`` for a few, ``none`` for many.
        title: name, provenance and progress at the top; None: where there are all classes.
        rerender: see :func:`.draw_sheet`.

    Raises:
        ConfigError: a film that cannot be made so.
        EvoFoolError: there is nothing to show, an mp4 without PyAV, or the file cannot be written.
        CorruptRunError: the run is damaged.
    """
    path = Path(to)
    if not 1 <= frames <= MAX_FRAMES:
        raise ConfigError(f"--frames {frames}: give 1 to {MAX_FRAMES}")
    if cls is not None and log:
        raise ConfigError("--log spaces the generations of a film of all classes; one of a class has a frame a capture")
    cells = run.targets if cls is None else [run.class_index(cls)]
    few = len(cells) <= FEW
    board = Board(
        run,
        cells,
        columns=columns,
        tile=_tile(run, len(cells)) if tile is None else tile,
        captions=captions or ("dated" if cls is not None else "full" if few else "none"),
        title=cls is None if title is None else title,
        rerender=rerender,
    )
    # Not in one snapshot: a long one would keep a live run's log from being folded into its file.
    film = _of_all(run, board, frames, log) if cls is None else _of_class(run, board, cells[0], frames)
    check_movie(path, board.image.size, film.count, fps)
    write_movie(film.frames, path, fps=fps, one_palette=cls is None)
    return TimeLapse(path, film.count, *board.image.size, film.shown, film.forgotten)


def spread(count: int, wanted: int, log: bool = False) -> list[int]:
    """At most ``wanted`` of the numbers below ``count``, evenly apart, the first and the last among them.

    >>> spread(10, 4), spread(3, 9), spread(1000, 4, log=True), spread(5, 1)
    ([0, 3, 6, 9], [0, 1, 2], [0, 9, 99, 999], [4])
    """
    if wanted == 1:
        return [count - 1]
    points = np.geomspace(1, count, wanted) - 1 if log else np.linspace(0, count - 1, min(wanted, count))
    return np.unique(np.round(points).astype(int)).tolist()


def _of_all(run: Run, board: Board, wanted: int, log: bool) -> _Film:
    last = run.generation
    if last < 0:
        raise EvoFoolError(
            f"{run.path} has not committed a generation yet; wait for one, or: evo-fool resume {run.path}"
        )
    generations = spread(last + 1, wanted, log)

    def frames() -> Iterator[Image.Image]:
        holders: dict[int, Elite] = {}
        for cell in run.targets:
            board.draw(cell, None)
        for generation, changed in zip(generations, changes(run, generations), strict=True):
            holders |= {elite.class_index: elite for elite in changed}
            board.draw_title(generation, holders.values())
            for elite in changed:
                _count(film, board.draw(elite.class_index, elite))
            yield board.image.copy()

    film = _Film(len(generations), frames())
    return film


def _of_class(run: Run, board: Board, cell: int, wanted: int) -> _Film:
    captures = history(run, cell)
    kept = [capture for capture in captures if capture.kept]
    if not kept:
        why = "its images are not kept; see retention.keep" if captures else "no image has held it yet"
        raise EvoFoolError(f"class {cell} ({run.classes[cell]}) of {run.path}: {why}")
    chosen = [kept[i] for i in spread(len(kept), wanted)]

    def frames() -> Iterator[Image.Image]:
        for capture in chosen:
            elite = Elite(
                cell, run.classes[cell], capture.id, capture.log_odds, capture.probability, capture.generation
            )
            board.draw_title(capture.generation)
            _count(film, board.draw(cell, elite))
            yield board.image.copy()

    film = _Film(len(chosen), frames(), forgotten=len(captures) - len(kept))
    return film


def _count(film: _Film, shown: bool) -> None:
    film.shown += shown
    film.forgotten += not shown


def _tile(run: Run, tiles: int) -> int:
    """Side of a tile for a film that a screen can show: a whole multiple of the images' where that is smaller."""
    wished = 512 if tiles == 1 else 112 if tiles <= FEW else 64 if tiles <= 120 else 32
    return max(wished, max(run.store.image_shape()[1:])) if tiles == 1 else wished
