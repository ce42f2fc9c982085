"""One elite for print: a CPPN rendered at the printer's resolution, pixels as crisp squares, with a caption."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from evo_fool.errors import ConfigError
from evo_fool.image import to_pillow
from evo_fool.pictures.layout import MAX_PIXELS
from evo_fool.pictures.picture_file import FORMATS, MAX_DPI, check_target, write_picture
from evo_fool.pictures.style import GREY, INK, PAPER, font, shorten
from evo_fool.runs.individuals import picture_of
from evo_fool.runs.run import Elite, Run
from evo_fool.text import percent, printable, provenance

_INCHES = {"cm": 1 / 2.54, "mm": 1 / 25.4, "in": 1.0}
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(cm|mm|in|px)")

_MIN_SIDE = 64


@dataclass(frozen=True, slots=True)
class Poster:
    """The outcome of :func:`write_poster`.

    Attributes:
        path: the file.
        width: of the page, in pixels.
        height: of the page, in pixels.
        side: of the image on it, in pixels.
        dpi: pixels an inch; a little more than asked for where that makes each scored pixel a square.
    """

    path: Path
    width: int
    height: int
    side: int
    dpi: float


def inches(text: str, dpi: float) -> float:
    """A length such as 30cm, 297mm, 12in or 4096px, in inches.

    >>> inches("12in", 300), inches("600px", 300)
    (12.0, 2.0)

    Raises:
        ConfigError: anything else.
    """
    match = _LENGTH.fullmatch(text.strip().lower())
    if match is None:
        raise ConfigError(f"--size {text!r} is no length; write 30cm, 297mm, 12in or 4096px")
    number, unit = float(match[1]), match[2]
    return number / dpi if unit == "px" else number * _INCHES[unit]


def write_poster(
    run: Run,
    cls: int | str,
    to: str | Path | None = None,
    *,
    size: str = "30cm",
    dpi: float = 300.0,
    caption: bool = True,
    rerender: bool = True,
) -> Poster:
    """Write the elite of a class at print size.

    Args:
        run: the run.
        cls: a class by index or name.
        to: a file of one of :data:`.picture_file.FORMATS`; None: ``poster-<class>.png`` in the run directory.
        size: width and height of the image in print, as :func:`inches` reads it. A caption adds a margin of its own.
        dpi: pixels an inch, recorded in the file.
        caption: set the class's name, the confidence and where the image comes from below it. Without, the page is the
            image and nothing else.
        rerender: draw a CPPN from its genome at this resolution, rather than repeat the pixels that were scored. What
            was scored is the small image: the classifier may see something else in the large one.

    Raises:
        ConfigError: no such class or format, or a size or resolution out of range.
        EvoFoolError: no image holds the class yet, or the file cannot be written.
        CorruptRunError: the stored image or genome is damaged.
    """
    elite = run[cls]
    path = run.path / f"poster-{elite.class_index}.png" if to is None else Path(to)
    check_target(path, FORMATS, "posters")
    if not 1 <= dpi <= MAX_DPI:
        raise ConfigError(f"--dpi {dpi:g}: give 1 to {MAX_DPI}")
    length = inches(size, dpi)
    side = round(length * dpi)
    largest = math.isqrt(MAX_PIXELS * 2 // 3 if caption else MAX_PIXELS)  # margins and caption are half as large again
    if not _MIN_SIDE <= side <= largest:
        raise ConfigError(f"--size {size} at {dpi:g} dpi is {side} pixels; choose {_MIN_SIDE} to {largest}")
    native = max(run.store.image_shape()[1:])
    if not (rerender and run.encoding.resizable) and side > native:
        # Every scored pixel a square of the same size, and the print as large as asked for.
        side = native * math.ceil(side / native)
        dpi = side / length
    image = to_pillow(picture_of(run, elite.id, side, rerender=rerender)).convert("RGB")
    summary = run.summary() | {"generation": elite.generation}
    origin = f"{printable(summary['name'])} {summary['id']} · {provenance(summary)}"
    page = _captioned(image, elite, printable(summary["classifier"]), origin) if caption else image
    title = f"{printable(elite.class_name)} {percent(elite.probability)}"
    about = f"{origin} · image {elite.id}"
    write_picture(page, path, dpi=dpi, title=title, about=about)
    return Poster(path, page.width, page.height, side, dpi)


def _captioned(image: Image.Image, elite: Elite, judge: str, origin: str) -> Image.Image:
    """The image on a page with a margin, its caption below, in letters that suit its size."""
    side = max(image.size)
    margin, text = side // 14, max(8, side // 40)
    lines = [
        (printable(elite.class_name), font(2 * text, bold=True), INK),
        (f"{percent(elite.probability)} according to {judge}", font(text), INK),
        (origin, font(max(7, text // 2)), GREY),
    ]
    height = margin // 2 + sum(math.ceil(1.5 * letters.size) for _, letters, _ in lines)
    page = Image.new("RGB", (image.width + 2 * margin, image.height + 2 * margin + height), PAPER)
    page.paste(image, (margin, margin))
    pen = ImageDraw.Draw(page)
    top = margin + image.height + margin // 2
    for line, letters, colour in lines:
        pen.text((margin, top), shorten(line, letters, image.width), font=letters, fill=colour)
        top += math.ceil(1.5 * letters.size)
    return page
