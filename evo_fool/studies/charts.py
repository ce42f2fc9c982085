"""A study's pictures as PNGs: curves, distributions, heat maps, and boards of images with a caption each."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, PercentFormatter
from PIL import Image, ImageDraw

from evo_fool.pictures.picture_file import figure_bytes
from evo_fool.pictures.style import (
    COLOURS,
    GREY,
    GRID,
    INK,
    PAPER,
    VACANT,
    dress,
    font,
    legend_above,
    log_odds_scale,
    shorten,
)
from evo_fool.text import percent

_TICKS = (1e-6, 1e-5, 1e-4, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 1 - 1e-6)
_NINES = 6.0
"""What is surer than 99.9999 %, and what is less likely than its opposite, is drawn on the edge."""
_LITTLE = 0.01
_PALE = 0.6
"""From this share on, a cell is dark enough for white letters."""
_WINDOW = 25
"""Classes in a running median."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a figure.

    Attributes:
        label: what the legend calls it.
        x: float ``(n,)``.
        y: probabilities in [0, 1], ``(n,)`` or, one row a seed, ``(seeds, n)``: then the median over seeds is drawn,
            and their range behind it.
        style: of matplotlib's ``plot``, such as ``{"linestyle": "--"}``.
    """

    label: str
    x: np.ndarray
    y: np.ndarray
    style: dict[str, Any] = field(default_factory=dict)


def new_figure(width: float = 8.0, height: float = 4.6) -> tuple[Figure, Axes]:
    """An empty figure in the report's looks."""
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    axes = figure.subplots()
    dress(axes, "y")
    return figure, axes


def _in_percent(*axes: Axis) -> None:
    for axis in axes:
        axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))


def draw_confidence(
    curves: Sequence[Curve], *, xlabel: str, ylabel: str, log_odds: bool = True, log_x: bool = False
) -> bytes:
    """Confidence by generation or images, on a scale of log-odds (or a plain one), as a PNG."""
    figure, axes = new_figure()
    spans: list[np.ndarray] = []
    for number, curve in enumerate(curves):
        y = np.atleast_2d(curve.y)
        places = np.clip(log_odds_scale(y), -_NINES, _NINES) if log_odds else y
        style: dict[str, Any] = {"color": COLOURS[number % len(COLOURS)], "linewidth": 2} | curve.style
        if len(y) > 1:
            axes.fill_between(
                curve.x, places.min(axis=0), places.max(axis=0), color=style["color"], alpha=0.15, linewidth=0
            )
        axes.plot(curve.x, np.median(places, axis=0), label=curve.label, **style)
        spans.append(places)
    if log_odds:
        # Where a curve begins with empty cells it comes from below; the axis is for where curves end.
        ends = min(float(s[:, -1].min()) for s in spans)
        low = max(min(float(s.min()) for s in spans), min(ends, float(log_odds_scale(np.array(_LITTLE)))))
        _log_odds_axis(axes, low, max(float(s.max()) for s in spans))
    else:
        axes.set_ylim(0, 1)
        _in_percent(axes.yaxis)
    axes.set_xscale("log" if log_x else "linear")
    x = np.concatenate([curve.x for curve in curves])
    axes.set_xlim(float(x.min()) if log_x else 0, float(x.max()))
    if log_x:
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set(xlabel=xlabel, ylabel=ylabel)
    legend_above(figure, ncols=2)
    return figure_bytes(figure)


def _log_odds_axis(axes: Axes, low: float, high: float) -> None:
    places = log_odds_scale(np.array(_TICKS))
    shown = [
        (place, tick) for place, tick in zip(places, _TICKS, strict=True) if low - 0.5 <= place <= max(high, 0) + 0.5
    ]
    axes.set_yticks([place for place, _ in shown], [f"{100 * tick:.6g} %" for _, tick in shown])
    axes.set_ylim(low - 0.2, high + 0.2)


def board(
    rows: Sequence[tuple[str, Sequence[tuple[np.ndarray | None, str]]]], *, tile: int = 64, label: int = 110
) -> bytes:
    """Images in rows with a label a row and a caption an image, as a PNG.

    Args:
        rows: label, then images uint8 ``(channels, height, width)`` (None: an empty place) with their captions,
            of one line or more.
        tile: the side of an image in pixels; images are enlarged by whole numbers, or reduced.
        label: room for labels, in pixels; 0: none.
    """
    gap, line, small, text = 8, 14, font(10), font(12)
    lines = max((len(caption.splitlines()) for _, cells in rows for _, caption in cells), default=0)
    height = tile + gap + lines * line + (4 if lines else 0)
    columns = max(len(cells) for _, cells in rows)
    canvas = Image.new("RGB", (label + columns * (tile + gap) + gap, len(rows) * height + gap), PAPER)
    draw = ImageDraw.Draw(canvas)
    for r, (name, cells) in enumerate(rows):
        top = gap + r * height
        if label:
            draw.text((gap, top + tile // 2), shorten(name, text, label - 2 * gap), INK, text, anchor="lm")
        for c, (image, caption) in enumerate(cells):
            left = label + gap + c * (tile + gap)
            if image is None:
                draw.rectangle((left, top, left + tile - 1, top + tile - 1), fill=VACANT)
            else:
                picture = fitted(image, tile)
                inset = (tile - picture.width) // 2
                canvas.paste(picture, (left + inset, top + inset))
            for number, words in enumerate(caption.splitlines()):
                at = (left + tile // 2, top + tile + 2 + number * line)
                draw.text(at, shorten(words, small, tile + gap), GREY, small, anchor="mt")
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def fitted(image: np.ndarray, tile: int) -> Image.Image:
    """An image as a picture that fits a tile: enlarged by a whole number without smoothing, or reduced."""
    picture = Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)).convert("RGB")
    side = picture.width
    if side > tile:
        return picture.resize((tile, tile), Image.Resampling.LANCZOS)
    times = tile // side
    return picture.resize((side * times, side * times), Image.Resampling.NEAREST)


def draw_by_class(groups: dict[str, np.ndarray], block: tuple[int, int]) -> bytes:
    """Confidence class by class, with a running median, as a PNG.

    Args:
        groups: label -> probabilities ``(classes,)``.
        block: the first and the last class to shade.
    """
    figure, axes = new_figure(9.0, 4.0)
    axes.axvspan(block[0] - 0.5, block[1] + 0.5, color=GRID, alpha=0.6, linewidth=0)
    for colour, (label, values) in zip(COLOURS, groups.items(), strict=False):
        places = np.arange(len(values))
        axes.plot(places, values, ".", color=colour, markersize=2, alpha=0.35)
        padded = np.pad(values, _WINDOW // 2, mode="edge")
        running = np.median(np.lib.stride_tricks.sliding_window_view(padded, _WINDOW), axis=1)
        axes.plot(places, running[: len(values)], color=colour, linewidth=1.6, label=label)
    axes.set_xlim(0, max(len(values) for values in groups.values()) - 1)
    axes.set_ylim(0, 1)
    _in_percent(axes.yaxis)
    axes.set(xlabel="class", ylabel="confidence")
    legend_above(figure, ncols=2)
    return figure_bytes(figure)


def draw_matrix(values: np.ndarray, names: Sequence[str], *, xlabel: str, ylabel: str) -> bytes:
    """A square matrix of counts with its numbers in it, as a PNG."""
    figure, axes = new_figure(5.2, 4.6)
    texts = np.where(values > 0, np.char.mod("%.0f", values), "")
    _draw_numbers(axes, values, texts, (names, names), 7.5, float(values.max()) / 2)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    return figure_bytes(figure)


def heat_map(values: np.ndarray, rows: Sequence[str], columns: Sequence[str], *, row_label: str, label: str) -> bytes:
    """A table of shares in [0, 1], float ``(rows, columns)``, each cell with its per cent, as a PNG."""
    figure, axes = new_figure(2.6 + 1.15 * len(columns), 1.3 + 0.42 * len(rows))
    # A mean of tenths is a tenth, and all of them are all of them.
    texts = [["100 %" if value == 1 else percent(round(value, 9)) for value in row] for row in values.tolist()]
    _draw_numbers(axes, values, np.array(texts), (rows, columns), 9, _PALE, vmax=1, aspect="auto")
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.tick_params(length=0)
    axes.set(xlabel=label, ylabel=row_label)
    return figure_bytes(figure)


def _draw_numbers(
    axes: Axes,
    values: np.ndarray,
    texts: np.ndarray,
    names: Sequence[Sequence[str]],
    size: float,
    pale: float,
    **options: Any,
) -> None:
    """A matrix with a text in each cell, in white where the value is above ``pale``; names of rows and columns."""
    axes.grid(False)
    axes.imshow(values, cmap="Blues", vmin=0, **options)
    for (y, x), text in np.ndenumerate(texts):
        axes.text(x, y, text, ha="center", va="center", fontsize=size, color="white" if values[y, x] > pale else INK)
    axes.set_yticks(range(len(names[0])), names[0], parse_math=False)
    axes.set_xticks(range(len(names[1])), names[1], parse_math=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def distributions(groups: dict[str, np.ndarray], *, label: str) -> bytes:
    """How values in [0, 1] are spread: the share of images that reach each value, a line a group, as a PNG."""
    figure, axes = new_figure(8.0, 4.0)
    for (name, values), colour in zip(groups.items(), COLOURS, strict=False):
        ordered = np.sort(values)
        reaching = 1 - np.arange(len(ordered)) / len(ordered)
        x, y = np.concatenate([[0.0], ordered, [1.0]]), np.concatenate([[1.0], reaching, [0.0]])
        axes.step(x, y, where="pre", color=colour, linewidth=2, label=f"{name} (n = {len(values)})")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    _in_percent(axes.xaxis, axes.yaxis)
    axes.set(xlabel=label, ylabel="share of images that reach it")
    legend_above(figure, ncols=2)
    return figure_bytes(figure)


def bands(lines: dict[str, tuple[np.ndarray, np.ndarray]], *, xlabel: str, ylabel: str) -> bytes:
    """Medians with the middle half behind them, as a PNG.

    Args:
        lines: name -> x ``(steps,)`` and probabilities ``(n, steps)``.
        xlabel: what x is.
        ylabel: what y is.
    """
    figure, axes = new_figure(8.0, 4.2)
    for (name, (x, y)), colour in zip(lines.items(), COLOURS, strict=False):
        low, middle, high = np.quantile(y, (0.25, 0.5, 0.75), axis=0)
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(x, middle, color=colour, linewidth=2, label=name)
    axes.set_ylim(0, 1.02)
    _in_percent(axes.yaxis)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    legend_above(figure)
    return figure_bytes(figure)


def overlay(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """An image in grey under a map of what speaks for its class (red) and against it (blue), uint8 ``(3, h, w)``.

    Args:
        image: uint8 ``(channels, height, width)``.
        heat: float ``(height, width)``; its largest magnitude is drawn at full strength.
    """
    grey = image.astype(np.float64).mean(axis=0)
    grey = 127 + 0.5 * (grey - 127)
    scale = max(float(np.quantile(np.abs(heat), 0.99)), 1e-12)
    strength = np.clip(heat / scale, -1, 1)
    colour: Any = np.where(
        strength[None] > 0, np.array([210, 40, 30.0])[:, None, None], [[[40.0]], [[90.0]], [[200.0]]]
    )
    mixed = grey * (1 - np.abs(strength)) + colour * np.abs(strength)
    result: np.ndarray = mixed.round().astype(np.uint8)
    return result
