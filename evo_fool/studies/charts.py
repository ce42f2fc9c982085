"""Charts of more than curves: tables as heat maps, distributions of confidence, images under a map of their pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evo_fool.pictures.style import COLOURS
from evo_fool.studies.drawing import SOFT, new_figure, png
from evo_fool.text import percent

_PALE = 0.6
"""From this share on, a cell is dark enough for white letters."""


def heat_map(values: np.ndarray, rows: Sequence[str], columns: Sequence[str], *, row_label: str, label: str) -> bytes:
    """A table of shares in [0, 1] as a PNG, each cell with its per cent.

    Args:
        values: float ``(rows, columns)``.
        rows: their names.
        columns: theirs.
        row_label: what the rows are.
        label: what the columns are.
    """
    figure, axes = new_figure(2.6 + 1.15 * len(columns), 1.3 + 0.42 * len(rows))
    axes.grid(False)
    axes.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        colour = "white" if value > _PALE else "#1f1f24"
        # A mean of tenths is a tenth, and all of them are all of them.
        cell = "100 %" if value == 1 else percent(round(float(value), 9))
        axes.text(j, i, cell, ha="center", va="center", color=colour, fontsize=9)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    for tick in [*axes.get_xticklabels(), *axes.get_yticklabels()]:
        tick.set_parse_math(False)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(label, color=SOFT)
    axes.set_ylabel(row_label, color=SOFT)
    return png(figure)


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
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.set_xlabel(label, color=SOFT)
    axes.set_ylabel("share of images that reach it", color=SOFT)
    figure.legend(loc="outside upper left", fontsize=8.5, frameon=False, ncols=2)
    return png(figure)


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
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.set_xlabel(xlabel, color=SOFT)
    axes.set_ylabel(ylabel, color=SOFT)
    legend = figure.legend(loc="outside upper left", fontsize=8.5, frameon=False, alignment="left")
    for text in legend.get_texts():
        text.set_parse_math(False)
    return png(figure)


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
