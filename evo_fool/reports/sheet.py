"""The contact sheet: every class's elite as a tile, pixel for pixel, with its name and how sure the classifier is.

Drawn with pillow, so that a pixel of an image is a whole number of pixels of the sheet.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from evo_fool.errors import ConfigError
from evo_fool.reports.captions import percent, printable, provenance
from evo_fool.runs.export import to_pillow
from evo_fool.runs.files import write_whole
from evo_fool.runs.run import Elite, Run

MAX_TILE = 1024
"""Largest side of a tile, in pixels."""

MAX_PIXELS = 100_000_000
"""Largest area of a sheet, in pixels."""

_PAPER = "#fbfaf8"
_INK = "#1f1f24"
_GREY = "#6f6f78"
_LINE = "#d5d3ce"
_VACANT = "#efede8"

Font = ImageFont.FreeTypeFont


@dataclass(frozen=True, slots=True)
class Layout:
    """Measures of a sheet, in pixels.

    Attributes:
        columns: tiles in a row.
        rows: rows of tiles.
        tile: side of a tile.
        gap: space between tiles.
        text: height of the letters.
    """

    columns: int
    rows: int
    tile: int
    gap: int
    text: int

    @property
    def margin(self) -> int:
        """Space around everything."""
        return 2 * self.gap

    @property
    def header(self) -> int:
        """Height of title and provenance, with the space below them."""
        return 5 * max(self.text, _TITLE_TEXT)

    @property
    def caption(self) -> int:
        """Height of the two lines below a tile."""
        return math.ceil(3.2 * self.text)

    @property
    def width(self) -> int:
        """Width of the sheet."""
        return 2 * self.margin + self.columns * self.tile + (self.columns - 1) * self.gap

    @property
    def height(self) -> int:
        """Height of the sheet."""
        return 2 * self.margin + self.header + self.rows * (self.tile + self.caption) + (self.rows - 1) * self.gap

    def corner(self, cell: int) -> tuple[int, int]:
        """Left and upper edge of a tile."""
        row, column = divmod(cell, self.columns)
        return (
            self.margin + column * (self.tile + self.gap),
            self.margin + self.header + row * (self.tile + self.caption + self.gap),
        )


_TITLE_TEXT = 15
_FEW = 20


def plan(classes: int, native: int, *, columns: int | None = None, tile: int | None = None) -> Layout:
    """A layout that suits the number of classes: two rows of five for ten, smaller tiles for many.

    Args:
        classes: number of tiles.
        native: side of the images.
        columns: tiles in a row; None: chosen.
        tile: side of a tile; rounded down to a whole multiple of ``native`` where it is larger than that. None: chosen.

    Raises:
        ConfigError: a number out of range, or a sheet that would be too large.

    >>> plan(10, 28)
    Layout(columns=5, rows=2, tile=168, gap=18, text=13)
    """
    if columns is not None and not 1 <= columns <= 10_000:
        raise ConfigError(f"--columns {columns}: give 1 to 10000")
    if tile is not None and not 8 <= tile <= MAX_TILE:
        raise ConfigError(f"--tile {tile}: a tile is 8 to {MAX_TILE} pixels wide")
    wished = tile or (176 if classes <= _FEW else 112 if classes <= 120 else 72)
    side = native * (wished // native) if wished >= native else wished
    # A sheet that is somewhat wider than high.
    across = columns or (min(classes, 5) if classes <= 10 else math.ceil(math.sqrt(1.4 * classes)))
    across = min(across, classes)
    text = max(9, min(13, side // 8))
    layout = Layout(across, math.ceil(classes / across), side, max(6, side // 9), text)
    if layout.width * layout.height > MAX_PIXELS:
        raise ConfigError(
            f"a sheet of {layout.width}x{layout.height} pixels is too large (more than {MAX_PIXELS // 10**6} million); "
            "choose a smaller --tile"
        )
    return layout


def draw_sheet(run: Run, *, columns: int | None = None, tile: int | None = None) -> Image.Image:
    """The contact sheet of a run as of its last commit, RGB.

    Args:
        run: the run.
        columns: see :func:`plan`.
        tile: see :func:`plan`.

    Raises:
        ConfigError: a sheet that cannot be drawn so.
        CorruptRunError: a stored image is damaged.
    """
    layout = plan(len(run.classes), max(run.store.image_shape()[1:]), columns=columns, tile=tile)
    sheet = Image.new("RGB", (layout.width, layout.height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    with run.store.snapshot():
        _draw_header(pen, run, layout)
        elites = {elite.class_index: elite for elite in run.elites}
        for cell, name in enumerate(run.classes):
            elite = elites.get(cell)
            if elite is None:
                _draw_vacancy(pen, layout, cell)
            else:
                picture = _fit(run.image(cell), layout.tile)
                left, top = layout.corner(cell)
                sheet.paste(picture, (left, top))
                pen.rectangle((left - 1, top - 1, left + layout.tile, top + layout.tile), outline=_LINE)
            _draw_caption(pen, layout, cell, name, elite)
    return sheet


def write_sheet(run: Run, to: str | Path | None = None, *, columns: int | None = None, tile: int | None = None) -> Path:
    """Draw the contact sheet into ``to``, by default ``sheet.png`` in the run directory, and return the path.

    Raises:
        ConfigError: not a .png, or see :func:`draw_sheet`.
        EvoFoolError: the file cannot be written.
    """
    path = run.path / "sheet.png" if to is None else Path(to)
    if path.suffix.lower() != ".png":
        raise ConfigError(f"{path}: a contact sheet is a .png; name it so")
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; give the name of a file")
    buffer = io.BytesIO()
    draw_sheet(run, columns=columns, tile=tile).save(buffer, format="PNG")
    write_whole(path, buffer.getvalue())
    return path


def _draw_header(pen: ImageDraw.ImageDraw, run: Run, layout: Layout) -> None:
    summary = run.summary()
    room = layout.width - 2 * layout.margin
    reached = f"{summary['at_least']['0.99']} of {summary['classes']} classes ≥ 99 %"
    lines = [
        (printable(summary["name"]), _font(_TITLE_TEXT + 5, bold=True), _INK),
        (provenance(summary), _font(_TITLE_TEXT - 3), _GREY),
        (f"median {percent(summary['median_confidence'])} · {reached}", _font(_TITLE_TEXT - 3), _GREY),
    ]
    top = layout.margin
    for text, font, colour in lines:
        pen.text((layout.margin, top), _shorten(text, font, room), font=font, fill=colour)
        top += math.ceil(font.size * 1.45)


def _draw_caption(pen: ImageDraw.ImageDraw, layout: Layout, cell: int, name: str, elite: Elite | None) -> None:
    left, top = layout.corner(cell)
    top += layout.tile + layout.text // 2
    bold, plain = _font(layout.text, bold=True), _font(max(8, layout.text - 1))
    if len(name) > len(str(cell)) and layout.rows * layout.columns > _FEW:
        name = f"{cell} {name}"  # in a crowd a name that is cut short does not tell which one it is
    pen.text((left, top), _shorten(printable(name), bold, layout.tile), font=bold, fill=_INK)
    confidence = "no image" if elite is None else percent(elite.probability)
    pen.text((left, top + round(1.3 * layout.text)), _shorten(confidence, plain, layout.tile), font=plain, fill=_GREY)


def _draw_vacancy(pen: ImageDraw.ImageDraw, layout: Layout, cell: int) -> None:
    left, top = layout.corner(cell)
    right, bottom = left + layout.tile - 1, top + layout.tile - 1
    pen.rectangle((left, top, right, bottom), fill=_VACANT, outline=_LINE)
    pen.line((left, bottom, right, top), fill=_LINE)
    pen.line((left, top, right, bottom), fill=_LINE)


def _fit(image: np.ndarray, side: int) -> Image.Image:
    """The image on a square of ``side`` pixels: pixels repeated to enlarge, averaged to reduce."""
    picture = to_pillow(image)
    way = Image.Resampling.NEAREST if side >= max(picture.size) else Image.Resampling.BOX
    return picture.convert("RGB").resize((side, side), way)


@cache
def _font(size: int, bold: bool = False) -> Font:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, size)


def _shorten(text: str, font: Font, room: int) -> str:
    """As much of ``text`` as fits, with an ellipsis where it is cut."""
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(text + "…") > room:
        text = text[:-1]
    return text.rstrip(" ,·") + "…"
