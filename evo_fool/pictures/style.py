"""The style of all pictures: colours, letters, axes and legends."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import ImageFont

PAPER, INK, GREY = "#fbfaf8", "#1f1f24", "#6f6f78"
LINE, GRID, VACANT = "#d5d3ce", "#e4e2dd", "#efede8"

COLOURS = (
    "#2f6db3",
    "#c8553d",
    "#3f8f5b",
    "#8a5aa8",
    "#b98a1d",
    "#3b9aa8",
    "#a8486f",
    "#6b6b74",
    "#7d8f2a",
    "#5b4fb8",
)
"""Of the lines in a chart, in this order."""

_FLOOR, _CEILING = 1e-6, 1 - 1e-12
"""Probabilities beyond these are drawn on the edge of the confidence axis."""

Font = ImageFont.FreeTypeFont


@cache
def font(size: int, bold: bool = False) -> Font:
    """The typeface that comes with matplotlib, so that a picture looks the same everywhere."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, size)


def wrap(text: str, font: Font, room: int, lines: int) -> list[str]:
    """``text`` in at most ``lines`` lines of ``room`` pixels, broken between words; the last is cut to fit."""
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
    """As much of ``text`` as fits into ``room`` pixels, with an ellipsis where it is cut."""
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(text + "…") > room:
        text = text[:-1]
    return text.rstrip(" ,·") + "…"


def log_odds_scale(probability: np.ndarray) -> np.ndarray:
    """Where a probability lies on the confidence axis: log10 of its odds, kept within the axis.

    >>> log_odds_scale(np.array([0.5, 10 / 11, 1.0])).round(3).tolist()
    [0.0, 1.0, 12.0]
    """
    p = np.clip(np.asarray(probability, dtype=float), _FLOOR, _CEILING)
    return np.log10(p / (1 - p))


def dress(axes: Axes, grid: Literal["both", "x", "y"] = "both") -> None:
    """Give axes the looks of all charts: a pale ``grid`` ("x", "y" or "both") behind the data, and no box."""
    axes.grid(True, axis=grid, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=GREY, labelsize=9)
    axes.xaxis.label.set_color(GREY)
    axes.yaxis.label.set_color(GREY)


def legend_above(figure: Figure, *entries: Any, **options: Any) -> None:
    """A legend above the axes, left; ``entries`` and ``options`` are matplotlib's. A dollar in a name is a dollar."""
    options = {"loc": "outside upper left", "fontsize": 8.5, "frameon": False, "alignment": "left"} | options
    for text in figure.legend(*entries, **options).get_texts():
        text.set_parse_math(False)
