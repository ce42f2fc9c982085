"""The convergence plot draws what was recorded, on axes that say what they are."""

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from evo_fool.errors import ConfigError, CorruptRunError, EvoFoolError
from evo_fool.evolution.statistics import STATISTICS
from evo_fool.pictures.convergence import (
    MAX_RUNS,
    Series,
    draw_convergence,
    read_series,
    write_convergence,
)
from evo_fool.pictures.style import log_odds_scale
from evo_fool.runs import open_run
from evo_fool.runs.database_files import DATABASE


def series(n: int = 50, classes: int = 10, label: str = "one") -> Series:
    metrics = {name: np.linspace(0.1, 0.999, n) for name in STATISTICS}
    metrics |= {name: np.arange(n) % (classes + 1) for name in ("at_least_90", "at_least_99", "at_least_9999")}
    metrics |= {"generation": np.arange(n), "captures": np.arange(n)[::-1], "qd_score": np.linspace(0, classes, n)}
    return Series(label, "net · seed 1", classes, metrics)


def words(figure: Figure) -> str:
    """Every text of a figure."""
    from matplotlib.text import Text

    return "\n".join(text.get_text() for text in figure.findobj(Text))


def lines(figure: Figure, panel: int) -> list[Any]:
    return list(figure.axes[panel].lines)


def test_the_lines_are_the_recorded_values(cppn_run: Path) -> None:
    with open_run(cppn_run) as run:
        figure, metrics = draw_convergence(read_series([run])), run.metrics
    confidence = [line.get_ydata().tolist() for line in lines(figure, 0)]
    for name in ("median", "min", "max"):
        assert log_odds_scale(metrics[name]).tolist() in confidence
    coverage = [line.get_ydata().tolist() for line in lines(figure, 1)]
    for name in ("at_least_90", "at_least_99", "at_least_9999"):
        assert metrics[name].tolist() in coverage
    assert metrics["qd_score"].tolist() in [list(line.get_ydata()) for line in lines(figure, 2)]
    (stairs,) = figure.axes[3].patches
    assert stairs.get_data().values.tolist() == metrics["captures"].tolist()
    assert stairs.get_data().edges.tolist() == list(range(14))


def test_it_says_what_it_shows(cppn_run: Path) -> None:
    with open_run(cppn_run) as run:
        text = words(draw_convergence(read_series([run])))
        assert run.meta["id"] in text
    for word in (
        "small",
        "lenet-mnist",
        "seed 1",
        "preset custom",
        "generation 12",
        "Confidence",
        "log-odds scale",
        "Coverage",
        "≥ 90 %",
        "≥ 99 %",
        "≥ 99.99 %",
        "QD score",
        "Captures",
        "median",
        "quartiles",
        "min",
        "max",
    ):
        assert word in text, word
    assert text.count("generation") >= 4


def test_captures_of_a_long_run_are_means_that_keep_the_total() -> None:
    long = series(1234)
    figure = draw_convergence([long])
    (stairs,) = figure.axes[3].patches
    data = stairs.get_data()
    assert 40 <= len(data.values) <= 80
    assert (data.values * np.diff(data.edges)).sum() == pytest.approx(long.metrics["captures"].sum())
    assert "mean of 21" in words(figure)


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_confidence_scale_keeps_order_and_is_finite(p: float, q: float) -> None:
    a, b = log_odds_scale(np.array([p, q]))
    assert np.isfinite([a, b]).all()
    assert (p <= q) == (a <= b) or a == b


def test_runs_of_equal_size_are_counted_and_others_shared() -> None:
    assert "of 10" in words(draw_convergence([series(), series(label="two")]))
    mixed = draw_convergence([series(), series(classes=1000, label="two")])
    assert "(%)" in words(mixed)
    assert max(max(line.get_ydata()) for line in lines(mixed, 1)) <= 100


def test_each_run_has_a_line_in_the_legend_and_a_colour() -> None:
    figure = draw_convergence([series(label=f"run {i}") for i in range(MAX_RUNS)])
    for i in range(MAX_RUNS):
        assert f"run {i} " in words(figure)
    assert len({line.get_color() for line in lines(figure, 2) if len(line.get_xdata()) > 2}) == MAX_RUNS


@pytest.mark.parametrize("runs", [1, 2])
def test_names_are_not_formulas(runs: int, tmp_path: Path) -> None:
    hostile = Series(r"$\frac{$ $^$", r"$\input{x}$ _a_", 10, series().metrics)
    draw_convergence([hostile] * runs).savefig(tmp_path / "x.png")


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("log", [False, True])
def test_very_short_runs_can_be_seen(n: int, log: bool, tmp_path: Path) -> None:
    figure = draw_convergence([series(n)], log=log)
    figure.savefig(tmp_path / "x.png")
    assert all(line.get_marker() == ("o" if n == 1 else "None") for line in lines(figure, 0))


def test_empty_cells_and_certainty_stay_on_the_axis(tmp_path: Path) -> None:
    extreme = series(3)
    for name in ("min", "q1"):
        extreme.metrics[name] = np.zeros(3)
    extreme.metrics["max"] = np.ones(3)
    figure = draw_convergence([extreme])
    bottom, top = figure.axes[0].get_ylim()
    for line in lines(figure, 0):
        assert bottom <= min(line.get_ydata())
        assert max(line.get_ydata()) <= top


@pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("PDF", b"%PDF")])
def test_the_suffix_is_the_format(suffix: str, magic: bytes, cppn_run: Path, pixels_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / f"plot.{suffix}"
    with open_run(cppn_run) as one, open_run(pixels_run) as two:
        assert write_convergence([one, two], path, log=True) == path
    assert path.read_bytes().startswith(magic)


def test_the_default_is_a_png_in_the_first_run(cppn_run: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(cppn_run, tmp_path / "copied"))
    with open_run(copied) as run:
        path = write_convergence([run])
    assert path == copied / "convergence.png"
    with Image.open(path) as image:
        assert image.width > 1000
        colours = image.convert("L").getextrema()
    assert colours[0] < 60
    assert colours[1] > 250


def test_bad_settings_are_one_line_and_write_nothing(cppn_run: Path, tmp_path: Path) -> None:
    with open_run(cppn_run) as run:
        for name in ("plot.gif", "plot", "run.sqlite3"):
            with pytest.raises(ConfigError, match=r"use \.png, \.svg, \.pdf"):
                write_convergence([run], tmp_path / name)
        with pytest.raises(ConfigError, match="at most 10"):
            write_convergence([run] * 11, tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_a_generation_says_so(cppn_run: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(cppn_run, tmp_path / "copied"))
    with sqlite3.connect(copied / DATABASE) as database:
        database.execute("DELETE FROM metrics")
    database.close()
    with open_run(copied) as run, pytest.raises(EvoFoolError, match="not committed a generation"):
        write_convergence([run], tmp_path / "x.png")


@pytest.mark.parametrize("value", ["'x'", "x'00'", "9e999"])
def test_metrics_that_are_no_numbers_are_damage(value: str, cppn_run: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(cppn_run, tmp_path / "copied"))
    with sqlite3.connect(copied / DATABASE) as database:
        database.execute(f"UPDATE metrics SET median = {value} WHERE generation = 3")
    database.close()
    with open_run(copied) as run, pytest.raises(CorruptRunError, match="metrics"):
        write_convergence([run], tmp_path / "x.png")


def test_a_large_run_that_has_hardly_begun_is_not_drawn_along_the_edge() -> None:
    begun = series(classes=1000)
    begun.metrics.update({name: np.full(50, 7) for name in ("at_least_90", "at_least_99", "at_least_9999")})
    begun.metrics.update({"qd_score": np.full(50, 30.0), "min": np.full(50, 2e-5), "q1": np.full(50, 3e-4)})
    axes = draw_convergence([begun]).axes
    assert axes[1].get_ylim()[1] < 20
    assert 30 < axes[2].get_ylim()[1] < 60
    assert log_odds_scale(np.array([2e-5])).tolist() * 50 in [line.get_ydata().tolist() for line in axes[0].lines]
    assert draw_convergence([series(classes=1000)]).axes[2].get_ylim()[1] == 1050
