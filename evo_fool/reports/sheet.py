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
        lines: lines that a name may take.
    """

    columns: int
    rows: int
    tile: int
    gap: int
    text: int
    lines: int = 1

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
        """Height of the name and the line below it."""
        return math.ceil((1.9 + 1.3 * self.lines) * self.text)

    @property
    def width(self) -> int:
        """Width of the sheet; a single tile leaves room for the title too."""
        return max(_TITLE_WIDTH, 2 * self.margin + self.columns * self.tile + (self.columns - 1) * self.gap)

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
_TITLE_WIDTH = 640
_FEW = 20


def plan(classes: int, native: int, *, columns: int | None = None, tile: int | None = None, lines: int = 1) -> Layout:
    """A layout that suits the number of classes: two rows of five for ten, smaller tiles for many.

    Args:
        classes: number of tiles.
        native: side of the images.
        columns: tiles in a row; None: chosen.
        tile: side of a tile; rounded down to a whole multiple of ``native`` where it is larger than that. None: chosen.
        lines: lines that a name may take.

    Raises:
        ConfigError: a number out of range, or a sheet that would be too large.

    >>> plan(10, 28)
    Layout(columns=5, rows=2, tile=168, gap=18, text=13, lines=1)
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
    layout = Layout(across, math.ceil(classes / across), side, max(6, side // 9), text, lines)
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
    cells = run.targets
    labels = {cell: _label(run.classes[cell], cell, len(cells)) for cell in cells}
    native = max(run.store.image_shape()[1:])
    layout = plan(len(cells), native, columns=columns, tile=tile)
    font = _font(layout.text, bold=True)
    if len(cells) > _FEW and any(font.getlength(label) > layout.tile for label in labels.values()):
        layout = plan(len(cells), native, columns=columns, tile=tile, lines=2)
    sheet = Image.new("RGB", (layout.width, layout.height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    with run.store.snapshot():
        _draw_header(pen, run, layout)
        elites = {elite.class_index: elite for elite in run.elites}
        for place, cell in enumerate(cells):
            elite = elites.get(cell)
            if elite is None:
                _draw_vacancy(pen, layout, place)
            else:
                picture = _fit(run.image(cell), layout.tile)
                left, top = layout.corner(place)
                sheet.paste(picture, (left, top))
                pen.rectangle((left - 1, top - 1, left + layout.tile, top + layout.tile), outline=_LINE)
            _draw_caption(pen, layout, place, labels[cell], elite)
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
    reached = f"{summary['at_least']['0.99']} of {summary['targets']} classes ≥ 99 %"
    lines = [
        (printable(summary["name"]), _font(_TITLE_TEXT + 5, bold=True), _INK),
        (provenance(summary), _font(_TITLE_TEXT - 3), _GREY),
        (f"median {percent(summary['median_confidence'])} · {reached}", _font(_TITLE_TEXT - 3), _GREY),
    ]
    top = layout.margin
    for text, font, colour in lines:
        pen.text((layout.margin, top), _shorten(text, font, room), font=font, fill=colour)
        top += math.ceil(font.size * 1.45)


def _label(name: str, cell: int, classes: int) -> str:
    """What stands below a tile. In a crowd a name that is cut short does not tell which one it is."""
    crowd = classes > _FEW and len(name) > len(str(cell))
    return printable(f"{cell} {name}" if crowd else name)


def _draw_caption(pen: ImageDraw.ImageDraw, layout: Layout, place: int, label: str, elite: Elite | None) -> None:
    left, top = layout.corner(place)
    top += layout.tile + layout.text // 2
    bold, plain = _font(layout.text, bold=True), _font(max(8, layout.text - 1))
    confidence = "no image" if elite is None else percent(elite.probability)
    lines = [(line, bold, _INK) for line in _wrap(label, bold, layout.tile, layout.lines)]
    for text, font, colour in [*lines, (_shorten(confidence, plain, layout.tile), plain, _GREY)]:
        pen.text((left, top), text, font=font, fill=colour)
        top += round(1.3 * layout.text)


def _draw_vacancy(pen: ImageDraw.ImageDraw, layout: Layout, place: int) -> None:
    left, top = layout.corner(place)
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


def _wrap(text: str, font: Font, room: int, lines: int) -> list[str]:
    """``text`` in at most ``lines`` lines, broken between words; what does not fit in the last is cut."""
    words = text.split(" ")
    wrapped: list[str] = []
    while len(wrapped) < lines - 1 and len(words) > 1:
        taken = 1
        while taken < len(words) and font.getlength(" ".join(words[: taken + 1])) <= room:
            taken += 1
        wrapped.append(_shorten(" ".join(words[:taken]), font, room))
        words = words[taken:]
    return wrapped + ([_shorten(" ".join(words), font, room)] if words else [])


def _shorten(text: str, font: Font, room: int) -> str:
    """As much of ``text`` as fits, with an ellipsis where it is cut."""
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(text + "…") > room:
        text = text[:-1]
    return text.rstrip(" ,·") + "…"
