"""Letters and colours of the pictures that pillow draws."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import matplotlib
from PIL import ImageFont

PAPER = "#fbfaf8"
INK = "#1f1f24"
GREY = "#6f6f78"
LINE = "#d5d3ce"
VACANT = "#efede8"

Font = ImageFont.FreeTypeFont


@cache
def font(size: int, bold: bool = False) -> Font:
    """The typeface that comes with matplotlib, so that a picture looks the same everywhere."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, size)


def wrap(text: str, font: Font, room: int, lines: int) -> list[str]:
    """``text`` in at most ``lines`` lines, broken between words; what does not fit in the last is cut."""
    words = text.split(" ")
    wrapped: list[str] = []
    while len(wrapped) < lines - 1 and len(words) > 1:
        taken = 1
        while taken < len(words) and font.getlength(" ".join(words[: taken + 1])) <= room:
            taken += 1
        wrapped.append(shorten(" ".join(words[:taken]), font, room))
        words = words[taken:]
    return wrapped + ([shorten(" ".join(words), font, room)] if words else [])


def shorten(text: str, font: Font, room: int) -> str:
    """As much of ``text`` as fits, with an ellipsis where it is cut."""
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(text + "…") > room:
        text = text[:-1]
    return text.rstrip(" ,·") + "…"
