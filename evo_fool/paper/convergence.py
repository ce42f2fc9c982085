"""Median confidence by images evaluated, beside the paper's curve for CPPN-encoded ImageNet images.

By images and not by generations, because batches differ; the paper scored ten crops of every image, we mostly one view.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from evo_fool.errors import ConfigError
from evo_fool.pictures.convergence import Series, read_series
from evo_fool.pictures.picture_file import FIGURE_FORMATS, check_target, write_figure
from evo_fool.pictures.style import COLOURS, INK, dress, legend_above
from evo_fool.runs.run import Run
from evo_fool.studies.published import IMAGENET_BATCH, IMAGENET_CPPN_MEDIAN


def draw_beside_paper(series: Sequence[Series], *, log: bool = False) -> Figure:
    """The figure of one panel.

    Args:
        series: one to :data:`~evo_fool.pictures.convergence.MAX_RUNS` runs.
        log: draw images on a logarithmic axis.
    """
    figure = Figure(figsize=(9, 5.4), layout="constrained", facecolor="white")
    axes = figure.subplots()
    paper = np.array(IMAGENET_CPPN_MEDIAN)
    ours = [(s.metrics["evaluations"], s.metrics["median"]) for s in series]
    last = max(int(images[-1]) for images, _ in ours)
    shown = paper[:, 0] * IMAGENET_BATCH <= 1.05 * last
    shown[: min(len(paper), int(shown.sum()) + 1)] = True  # the line goes on beyond the edge
    style: dict[str, Any] = {"color": INK, "linewidth": 1.4, "linestyle": "--", "marker": "o", "markersize": 3.5}
    label = "paper: AlexNet, CPPN, ten crops, 5 runs (digitised)"
    axes.plot(paper[shown, 0] * IMAGENET_BATCH, paper[shown, 1], **style, label=label)
    for (images, median), s, colour in zip(ours, series, COLOURS, strict=False):
        network = s.source.partition(" · preset ")[0]  # and encoding, search, seed
        axes.plot(images, median, color=colour, linewidth=2, label=f"{s.label}   {network}")
    axes.set(xlim=(ours[0][0][0] if log else 0, last), ylim=(0, 1), xscale="log" if log else "linear")
    axes.set(xlabel="images evaluated", ylabel="median confidence over classes")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    dress(axes, "y")
    legend_above(figure)
    return figure


def write_beside_paper(runs: Sequence[Run], to: str | Path | None = None, *, log: bool = False) -> Path:
    """Write the figure into ``to`` (.png, .svg or .pdf; default ``beside-paper.png`` in the first run).

    Raises:
        ConfigError: another suffix, a folder, too many runs, or a run of other classes than ImageNet's thousand.
        EvoFoolError: a run without a generation, or the file cannot be written.
    """
    path = runs[0].path / "beside-paper.png" if to is None else Path(to)
    check_target(path, FIGURE_FORMATS, "figures")
    for run in runs:
        if len(run.targets) != 1000:
            raise ConfigError(
                f"{run.path} evolves {len(run.targets)} classes; the paper's curve is over ImageNet's 1000: "
                "leave --paper out"
            )
    write_figure(draw_beside_paper(read_series(runs), log=log), path)
    return path
