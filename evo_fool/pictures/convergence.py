"""How runs converged, generation by generation: confidence, coverage, QD score and captures (after the paper's Figures
4, 5 and 7).

Confidence is drawn on a scale of log-odds, on which 99 %, 99.9 % and 99.99 % are equally far apart; on a plain scale
everything of interest would be the topmost line of pixels.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from evo_fool.atomic_write import write_whole
from evo_fool.errors import ConfigError, EvoFoolError
from evo_fool.evolution.statistics import THRESHOLDS
from evo_fool.runs.run import Run
from evo_fool.text import printable, provenance

FORMATS = (".png", ".svg", ".pdf")

MAX_RUNS = 10
"""As many runs as there are colours to tell them apart."""

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
INK = "#1f1f24"
_GREY = "#6f6f78"
_GRID = "#e4e2dd"

_STYLES: dict[str, Any] = {"at_least_90": ":", "at_least_99": "--", "at_least_9999": "-"}

_FLOOR, _CEILING = 1e-6, 1 - 1e-12
"""What lies outside is drawn on the edge."""

_CHANCE = 0.01
"""Nor is it drawn how far a confidence lies below this share of what guessing gives: one in the number of classes."""

_TICKS = (*(10.0**-zeros for zeros in range(6, 0, -1)), 0.5, *(1 - 10.0**-nines for nines in range(1, 13)))

_MANY = 100
"""Classes from which on an axis may show fewer than there are."""

_STEPS = 60
"""Captures are averaged over spans of generations, about this many in a run."""


@dataclass(frozen=True, slots=True)
class Series:
    """What is plotted of one run.

    Attributes:
        label: what the legend calls it.
        source: network, seed, preset.
        classes: number of classes that it evolves.
        metrics: one array a column, one entry a generation.
    """

    label: str
    source: str
    classes: int
    metrics: dict[str, np.ndarray]


def read_series(run: Run) -> Series:
    """The metrics of a run.

    Raises:
        EvoFoolError: it has none yet.
    """
    summary, metrics = run.summary(), run.metrics
    if not len(metrics["generation"]):
        raise EvoFoolError(
            f"{run.path} has not committed a generation yet; wait for one, or: evo-fool resume {run.path}"
        )
    return Series(printable(f"{summary['name']} {summary['id']}", 60), provenance(summary), len(run.targets), metrics)


def draw_convergence(series: Sequence[Series], *, log: bool = False) -> Figure:
    """The figure of four panels.

    Args:
        series: one to :data:`MAX_RUNS` runs.
        log: draw generations on a logarithmic axis.
    """
    layout = ConstrainedLayoutEngine(w_pad=0.07, h_pad=0.06)
    figure = Figure(figsize=(11, 8), layout=layout, facecolor="white")
    confidence, coverage, score, captures = figure.subplots(2, 2).flat
    for s, colour in zip(series, COLOURS, strict=False):
        _draw_confidence(confidence, s, colour, single=len(series) == 1)
        _draw_coverage(coverage, s, colour, share=_mixed(series))
        _draw_score(score, s, colour, share=_mixed(series))
        _draw_captures(captures, s, colour)
    _finish_confidence(confidence, series)
    _finish_coverage(coverage, series)
    _finish_score(score, series)
    _finish_captures(captures, series)
    last = max(int(s.metrics["generation"][-1]) for s in series)
    for axes in (confidence, coverage, score, captures):
        _finish(axes, last, log)
    _caption(figure, series)
    return figure


def write_convergence(runs: Sequence[Run], to: str | Path | None = None, *, log: bool = False) -> Path:
    """Plot runs into ``to`` (.png, .svg or .pdf; default ``convergence.png`` in the first run), and return the path.

    Raises:
        ConfigError: another suffix, or too many runs.
        EvoFoolError: a run without a generation, or the file cannot be written.
    """
    path = runs[0].path / "convergence.png" if to is None else Path(to)
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"{path}: {path.suffix or 'no suffix'} is no format of figures; use {', '.join(FORMATS)}")
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; give the name of a file")
    if len(runs) > MAX_RUNS:
        raise ConfigError(f"{len(runs)} runs in one figure cannot be told apart; plot at most {MAX_RUNS}")
    figure = draw_convergence([read_series(run) for run in runs], log=log)
    buffer = io.BytesIO()
    figure.savefig(buffer, format=path.suffix.lower()[1:], dpi=130)
    write_whole(path, buffer.getvalue(), "--to")
    return path


def log_odds_scale(probability: np.ndarray) -> np.ndarray:
    """Where a probability lies on the confidence axis: log10 of its odds, kept within the axis.

    >>> log_odds_scale(np.array([0.5, 10 / 11, 1.0])).round(3).tolist()
    [0.0, 1.0, 12.0]
    """
    p = np.clip(np.asarray(probability, dtype=float), _FLOOR, _CEILING)
    return np.log10(p / (1 - p))


def _confidence(s: Series, name: str) -> np.ndarray:
    return log_odds_scale(np.maximum(s.metrics[name], min(0.001, _CHANCE / s.classes)))


_TITLE: dict[str, Any] = {"loc": "left", "fontsize": 11, "color": INK, "fontweight": "bold"}


def _draw_confidence(axes: Axes, s: Series, colour: str, *, single: bool) -> None:
    generation = s.metrics["generation"]
    low, q1, median, q3, high = (_confidence(s, name) for name in ("min", "q1", "median", "q3", "max"))
    marker = _marker(generation)
    axes.fill_between(generation, q1, q3, color=colour, alpha=0.2 if single else 0.1, linewidth=0)
    if single:
        axes.plot(generation, high, color=colour, linewidth=1, linestyle="--", marker=marker)
        axes.plot(generation, low, color=colour, linewidth=1, linestyle=":", marker=marker)
    axes.plot(generation, median, color=colour, linewidth=2, marker=marker)


def _finish_confidence(axes: Axes, series: Sequence[Series]) -> None:
    axes.set_title("Confidence", **_TITLE)
    axes.set_ylabel("confidence over classes (log-odds scale)")
    columns = ("min", "q1", "median", "q3", "max") if len(series) == 1 else ("q1", "median", "q3")
    values = np.concatenate([_confidence(s, name) for s in series for name in columns])
    places = log_odds_scale(np.array(_TICKS))
    low = max((p for p in places if p <= values.min()), default=places[0])
    high = min((p for p in places if p >= values.max()), default=places[-1])
    shown = [(p, t) for p, t in zip(places, _TICKS, strict=True) if low <= p <= max(high, low + 1)]
    axes.set_yticks([p for p, _ in shown], [_tick(t) for _, t in shown])
    axes.set_ylim(shown[0][0] - 0.15, shown[-1][0] + 0.15)
    colour = COLOURS[0] if len(series) == 1 else _GREY
    keys: dict[str, Artist] = {
        "median": Line2D([], [], color=colour, linewidth=2),
        "quartiles": Patch(color=colour, alpha=0.2, linewidth=0),
    }
    if len(series) == 1:
        keys["min"], keys["max"] = (Line2D([], [], color=colour, linewidth=1, linestyle=s) for s in (":", "--"))
    _legend(axes, keys)


def _legend(axes: Axes, keys: dict[str, Artist]) -> None:
    """A legend above the panel, at its right end, where no data can be."""
    axes.legend(
        keys.values(),
        keys.keys(),
        loc="lower right",
        bbox_to_anchor=(1.02, 0.99),
        ncols=len(keys),
        fontsize=9,
        labelcolor=_GREY,
        frameon=False,
        borderpad=0.2,
        columnspacing=1.2,
        handlelength=1.8,
    )


def _tick(probability: float) -> str:
    """A percentage up to five nines, which the eye can still count; powers of ten above."""
    nines = round(-math.log10(1 - probability)) if probability > 0.5 else 0
    return f"{100 * probability:.6g} %" if nines <= 5 else f"$1-10^{{-{nines}}}$"


def _draw_coverage(axes: Axes, s: Series, colour: str, *, share: bool) -> None:
    for name, style in _STYLES.items():
        values = s.metrics[name] * (100 / s.classes if share else 1)
        marker = _marker(s.metrics["generation"])
        axes.plot(
            s.metrics["generation"],
            values,
            color=colour,
            linestyle=style,
            linewidth=1.6,
            marker=marker,
            drawstyle="steps-post",
        )


def _finish_coverage(axes: Axes, series: Sequence[Series]) -> None:
    share = _mixed(series)
    axes.set_title("Coverage", **_TITLE)
    axes.set_ylabel("classes that reach it (%)" if share else f"classes that reach it, of {series[0].classes}")
    top = _top(series, "at_least_90", share)
    axes.set_ylim(-0.03 * top, 1.05 * top)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    colour = COLOURS[0] if len(series) == 1 else _GREY
    _legend(
        axes,
        {
            f"≥ {_tick(THRESHOLDS[name])}": Line2D([], [], color=colour, linestyle=style)
            for name, style in _STYLES.items()
        },
    )


def _draw_score(axes: Axes, s: Series, colour: str, *, share: bool) -> None:
    values = s.metrics["qd_score"] * (100 / s.classes if share else 1)
    axes.plot(s.metrics["generation"], values, color=colour, linewidth=2, marker=_marker(s.metrics["generation"]))


def _finish_score(axes: Axes, series: Sequence[Series]) -> None:
    share = _mixed(series)
    axes.set_title("QD score", **_TITLE)
    axes.set_ylabel("mean of all confidences (%)" if share else f"sum of all confidences, of {series[0].classes}")
    axes.axhline(100 if share else series[0].classes, color=_GREY, linewidth=0.8, linestyle=":")
    axes.set_ylim(0, 1.05 * _top(series, "qd_score", share))


def _top(series: Sequence[Series], name: str, share: bool) -> float:
    """The upper end of an axis: everything there is, or less while a large run has hardly begun."""
    everything = 100.0 if share else float(series[0].classes)
    reached = max(float(s.metrics[name].max()) * (100 / s.classes if share else 1) for s in series)
    return everything if reached > everything / 3 or everything < _MANY else max(1.5 * reached, everything / 100)


def _draw_captures(axes: Axes, s: Series, colour: str) -> None:
    generation, captures = s.metrics["generation"], s.metrics["captures"].astype(float)
    span = _span(len(generation))
    starts = np.arange(0, len(generation), span)
    means = np.add.reduceat(captures, starts) / np.diff(np.append(starts, len(generation)))
    edges = np.append(generation[starts], generation[-1] + 1)
    axes.stairs(means, edges, baseline=None, color=colour, linewidth=1.6)


def _finish_captures(axes: Axes, series: Sequence[Series]) -> None:
    spans = {_span(len(s.metrics["generation"])) for s in series} - {1}
    mean = f" (mean of {' or '.join(map(str, sorted(spans)))})" if spans else ""
    axes.set_title("Captures", **_TITLE)
    axes.set_ylabel(f"captures a generation{mean}")
    axes.set_ylim(bottom=0)


def _span(generations: int) -> int:
    """How many generations are averaged into one step, so that the eye sees a trend."""
    return max(1, round(generations / _STEPS))


def _finish(axes: Axes, last: int, log: bool) -> None:
    axes.set_xlabel("generation")
    if log:
        axes.set_xscale("symlog", linthresh=1)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(0, max(1, last))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(True, color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_GRID)
    axes.tick_params(colors=_GREY, labelsize=9, length=0)
    axes.xaxis.label.set_color(_GREY)
    axes.yaxis.label.set_color(_GREY)


def _caption(figure: Figure, series: Sequence[Series]) -> None:
    """Title and provenance; for several runs one line each in their colours. A dollar in a name is a dollar."""
    if len(series) == 1:
        label, source = series[0].label, series[0].source
        title: dict[str, Any] = {"x": 0.012, "ha": "left", "parse_math": False}
        figure.suptitle(f"{label}\n", fontsize=14, fontweight="bold", color=INK, **title)
        figure.text(y=0.957, s=source, va="top", fontsize=9.5, color=_GREY, **title)
        return
    lines = [Line2D([], [], color=colour, linewidth=3) for _, colour in zip(series, COLOURS, strict=False)]
    labels = [f"{s.label}   {s.source}" for s in series]
    legend = figure.legend(lines, labels, loc="outside upper left", fontsize=8.5, frameon=False, alignment="left")
    for text in legend.get_texts():
        text.set_parse_math(False)


def _marker(generation: np.ndarray) -> str | None:
    """A single generation makes no line: mark it."""
    return "o" if len(generation) == 1 else None


def _mixed(series: Sequence[Series]) -> bool:
    """Whether the runs have different numbers of classes, so that only shares compare."""
    return len({s.classes for s in series}) > 1
