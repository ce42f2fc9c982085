"""How runs converged, generation by generation: confidence, coverage, QD score and captures (after the paper's Figures
4, 5 and 7); and of a single run which operators it chose, where it did.

Confidence is drawn on a scale of log-odds, on which 99 %, 99.9 % and 99.99 % are equally far apart; on a linear scale
all of them would fall on the topmost line of pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from evo_fool.errors import ConfigError, EvoFoolError
from evo_fool.evolution.statistics import THRESHOLDS
from evo_fool.pictures.picture_file import FIGURE_FORMATS, check_target, write_figure
from evo_fool.pictures.style import COLOURS, GREY, GRID, INK, dress, legend_above, log_odds_scale
from evo_fool.runs.history import operator_choices
from evo_fool.runs.run import Run
from evo_fool.text import printable, provenance

MAX_RUNS = len(COLOURS)

_STYLES: dict[str, Any] = {"at_least_90": ":", "at_least_99": "--", "at_least_9999": "-"}

_CHANCE = 0.01
"""The confidence axis ends at this share of what guessing gives, which is one in the number of classes."""

_TICKS = (*(10.0**-zeros for zeros in range(6, 0, -1)), 0.5, *(1 - 10.0**-nines for nines in range(1, 13)))

_MANY = 100
"""With this many classes or more, an axis may end below their number."""

_STEPS = 60
"""Captures are averaged over spans of generations, about this many in a run."""


@dataclass(frozen=True, slots=True)
class Series:
    """What is plotted of one run.

    Attributes:
        label: its name in the legend.
        source: network, seed, preset.
        classes: number of classes that it evolves.
        metrics: an array per column of the metrics, one entry a generation.
        choices: the children of each operator, one entry a generation; empty where operators are fixed.
    """

    label: str
    source: str
    classes: int
    metrics: dict[str, np.ndarray]
    choices: dict[str, np.ndarray] = field(default_factory=dict)


def read_series(runs: Sequence[Run]) -> list[Series]:
    """The metrics of runs.

    Raises:
        ConfigError: more than :data:`MAX_RUNS` runs.
        EvoFoolError: a run without a committed generation.
    """
    if len(runs) > MAX_RUNS:
        raise ConfigError(f"{len(runs)} runs in one figure cannot be told apart; plot at most {MAX_RUNS}")
    return [_read(run) for run in runs]


def _read(run: Run) -> Series:
    summary, metrics = run.summary(), run.metrics
    if not len(metrics["generation"]):
        raise EvoFoolError(
            f"{run.path} has not committed a generation yet; wait for one, or: evo-fool resume {run.path}"
        )
    label = printable(f"{summary['name']} {summary['id']}", 60)
    return Series(label, provenance(summary), len(run.targets), metrics, operator_choices(run))


def write_convergence(runs: Sequence[Run], to: str | Path | None = None, *, log: bool = False) -> Path:
    """Plot runs into ``to`` (.png, .svg or .pdf; default ``convergence.png`` in the first run), and return the path.

    Raises:
        ConfigError: another suffix, a folder, or too many runs.
        EvoFoolError: a run without a generation, or the file cannot be written.
    """
    path = runs[0].path / "convergence.png" if to is None else Path(to)
    check_target(path, FIGURE_FORMATS, "figures")
    write_figure(draw_convergence(read_series(runs), log=log), path)
    return path


def draw_convergence(series: Sequence[Series], *, log: bool = False) -> Figure:
    """The figure of four panels, and a fifth for the operators of a single run that chose among them.

    Args:
        series: one to :data:`MAX_RUNS` runs.
        log: draw generations on a logarithmic axis.
    """
    layout = ConstrainedLayoutEngine(w_pad=0.07, h_pad=0.06)
    chosen = len(series) == 1 and bool(series[0].choices)
    figure = Figure(figsize=(11, 11.5 if chosen else 8), layout=layout, facecolor="white")
    last = max(int(s.metrics["generation"][-1]) for s in series)
    grid = figure.add_gridspec(2 + chosen, 2)
    panels = (_draw_confidence, _draw_coverage, _draw_score, _draw_captures)
    for at, draw in enumerate(panels):
        axes = figure.add_subplot(grid[at // 2, at % 2])
        _dress(axes, *draw(axes, series), "generation", last, log)
    if chosen:
        axes = figure.add_subplot(grid[2, :])
        _dress(axes, *_draw_operators(axes, series[0]), "images", int(series[0].metrics["evaluations"][-1]), log)
    _caption(figure, series)
    return figure


def _dress(axes: Axes, title: str, label: str, unit: str, last: int, log: bool) -> None:
    axes.set_title(title, loc="left", fontsize=11, color=INK, fontweight="bold")
    axes.set_ylabel(label)
    axes.set_xlabel(unit)
    if log:
        axes.set_xscale("symlog", linthresh=1)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(0, max(1, last))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    dress(axes)
    axes.spines[["left", "bottom"]].set_color(GRID)
    axes.tick_params(length=0)


def _draw_confidence(axes: Axes, series: Sequence[Series]) -> tuple[str, str]:
    single = len(series) == 1
    for s, colour, common in _lines(series):
        generation = s.metrics["generation"]
        low, q1, median, q3, high = (_confidence(s, name) for name in ("min", "q1", "median", "q3", "max"))
        axes.fill_between(generation, q1, q3, color=colour, alpha=0.2 if single else 0.1, linewidth=0)
        if single:
            axes.plot(generation, high, linewidth=1, linestyle="--", **common)
            axes.plot(generation, low, linewidth=1, linestyle=":", **common)
        axes.plot(generation, median, linewidth=2, **common)
    columns = ("min", "q1", "median", "q3", "max") if single else ("q1", "median", "q3")
    values = np.concatenate([_confidence(s, name) for s in series for name in columns])
    places = log_odds_scale(np.array(_TICKS))
    bottom = max((p for p in places if p <= values.min()), default=places[0])
    top = min((p for p in places if p >= values.max()), default=places[-1])
    shown = [(p, t) for p, t in zip(places, _TICKS, strict=True) if bottom <= p <= max(top, bottom + 1)]
    axes.set_yticks([p for p, _ in shown], [_tick(t) for _, t in shown])
    axes.set_ylim(shown[0][0] - 0.15, shown[-1][0] + 0.15)
    colour = COLOURS[0] if single else GREY
    keys: dict[str, Artist] = {
        "median": Line2D([], [], color=colour, linewidth=2),
        "quartiles": Patch(color=colour, alpha=0.2, linewidth=0),
    }
    if single:
        keys["min"], keys["max"] = (Line2D([], [], color=colour, linewidth=1, linestyle=s) for s in (":", "--"))
    _legend(axes, keys)
    return "Confidence", "confidence over classes (log-odds scale)"


def _draw_coverage(axes: Axes, series: Sequence[Series]) -> tuple[str, str]:
    share = _mixed(series)
    for s, _, common in _lines(series):
        for name, style in _STYLES.items():
            values = s.metrics[name] * (100 / s.classes if share else 1)
            axes.plot(s.metrics["generation"], values, linestyle=style, linewidth=1.6, drawstyle="steps-post", **common)
    top = _top(series, "at_least_90", share)
    axes.set_ylim(-0.03 * top, 1.05 * top)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    colour = COLOURS[0] if len(series) == 1 else GREY
    _legend(
        axes,
        {
            f"≥ {_tick(THRESHOLDS[name])}": Line2D([], [], color=colour, linestyle=style)
            for name, style in _STYLES.items()
        },
    )
    return "Coverage", "classes that reach it (%)" if share else f"classes that reach it, of {series[0].classes}"


def _draw_score(axes: Axes, series: Sequence[Series]) -> tuple[str, str]:
    share = _mixed(series)
    for s, _, common in _lines(series):
        values = s.metrics["qd_score"] * (100 / s.classes if share else 1)
        axes.plot(s.metrics["generation"], values, linewidth=2, **common)
    axes.axhline(100 if share else series[0].classes, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_ylim(0, 1.05 * _top(series, "qd_score", share))
    return "QD score", "mean of all confidences (%)" if share else f"sum of all confidences, of {series[0].classes}"


def _draw_captures(axes: Axes, series: Sequence[Series]) -> tuple[str, str]:
    spans = set()
    for s, colour, _ in _lines(series):
        generation, captures = s.metrics["generation"], s.metrics["captures"].astype(float)
        starts, span = _spans(len(generation))
        spans.add(span)
        means = np.add.reduceat(captures, starts) / np.diff(np.append(starts, len(generation)))
        edges = np.append(generation[starts], generation[-1] + 1)
        axes.stairs(means, edges, baseline=None, color=colour, linewidth=1.6)
    axes.set_ylim(bottom=0)
    averaged = sorted(spans - {1})
    mean = f" (mean of {' or '.join(map(str, averaged))})" if averaged else ""
    return "Captures", f"captures a generation{mean}"


def _draw_operators(axes: Axes, s: Series) -> tuple[str, str]:
    """Shares of the children, stacked; generations without a choice, such as the first, are left out."""
    children = np.stack(list(s.choices.values())).astype(float)
    starts, _ = _spans(children.shape[1])
    sums = np.add.reduceat(children, starts, axis=1)
    made = sums.sum(axis=0) > 0
    ends = np.append(starts[1:], children.shape[1])[made] - 1
    shares = 100 * sums[:, made] / sums[:, made].sum(axis=0)
    colours = colormaps["tab10"](np.arange(len(shares)) % 10)
    artists = axes.stackplot(s.metrics["evaluations"][ends], shares, colors=colours, alpha=0.75, linewidth=0)
    _legend(
        axes, {printable(name, 20).replace("$", r"\$"): area for name, area in zip(s.choices, artists, strict=True)}
    )
    axes.set_ylim(0, 100)
    return "Operators", "children that it made (%)"


def _spans(generations: int) -> tuple[np.ndarray, int]:
    """Where the spans begin that values are averaged over, and how many generations each has."""
    span = max(1, round(generations / _STEPS))
    return np.arange(0, generations, span), span


def _lines(series: Sequence[Series]) -> Iterator[tuple[Series, str, dict[str, Any]]]:
    """Each run with its colour and the options that its lines share; a single generation is marked, not a line."""
    for s, colour in zip(series, COLOURS, strict=False):
        yield s, colour, {"color": colour, "marker": "o" if len(s.metrics["generation"]) == 1 else None}


def _confidence(s: Series, name: str) -> np.ndarray:
    return log_odds_scale(np.maximum(s.metrics[name], min(0.001, _CHANCE / s.classes)))


def _legend(axes: Axes, keys: dict[str, Artist]) -> None:
    """A legend above the panel, at its right end, where no data can be."""
    axes.legend(
        keys.values(),
        keys.keys(),
        loc="lower right",
        bbox_to_anchor=(1.02, 0.99),
        ncols=len(keys),
        fontsize=9,
        labelcolor=GREY,
        frameon=False,
        borderpad=0.2,
        columnspacing=1.2,
        handlelength=1.8,
    )


def _tick(probability: float) -> str:
    """A percentage up to five nines, powers of ten above."""
    nines = round(-math.log10(1 - probability)) if probability > 0.5 else 0
    return f"{100 * probability:.6g} %" if nines <= 5 else f"$1-10^{{-{nines}}}$"


def _top(series: Sequence[Series], name: str, share: bool) -> float:
    """The upper end of an axis: everything there is, or less while a large run has hardly begun."""
    everything = 100.0 if share else float(series[0].classes)
    reached = max(float(s.metrics[name].max()) * (100 / s.classes if share else 1) for s in series)
    return everything if reached > everything / 3 or everything < _MANY else max(1.5 * reached, everything / 100)


def _caption(figure: Figure, series: Sequence[Series]) -> None:
    """Title and provenance; for several runs one line each in their colours. A dollar in a name is a dollar."""
    if len(series) == 1:
        title: dict[str, Any] = {"x": 0.012, "ha": "left", "parse_math": False}
        figure.suptitle(f"{series[0].label}\n", fontsize=14, fontweight="bold", color=INK, **title)
        figure.text(y=0.957, s=series[0].source, va="top", fontsize=9.5, color=GREY, **title)
        return
    lines = [Line2D([], [], color=colour, linewidth=3) for _, colour in zip(series, COLOURS, strict=False)]
    legend_above(figure, lines, [f"{s.label}   {s.source}" for s in series])


def _mixed(series: Sequence[Series]) -> bool:
    """Whether the runs have different numbers of classes, so that only shares compare."""
    return len({s.classes for s in series}) > 1
