"""The line of a run that goes on: what it says, and how often."""

from pathlib import Path

import pytest

from evo_fool.cli import progress
from evo_fool.cli.progress import LiveLine
from evo_fool.evolution.archive import ClassArchive
from evo_fool.session import Progress
from evo_fool.text import probability_text

ROW = {"captures": 3.0, "median": 0.5, "max": 0.999, "at_least_99": 2.0}


def at(generation: int, *, warning: str = "", **row: float) -> Progress:
    return Progress(
        path=Path("outputs/run"),
        generation=generation,
        generations=10,
        row=ROW | row,
        seconds=100.0,
        images=400,
        elapsed=2.0,
        archive=ClassArchive(10),
        warning=warning,
    )


def test_a_line_says_speed_confidence_and_what_is_left() -> None:
    with LiveLine(err=False, captures=7) as line:
        line(at(4))
        median = probability_text(0.5)
        expected = f"generation 4/10 · 200 images/s · median {median} · 2 classes ≥ .99 · 10 captures · 12s left"
        assert line.line(at(4)) == expected
        assert line.last is not None and line.last.generation == 4


def test_where_most_cells_are_empty_the_best_is_shown() -> None:
    with LiveLine(err=False) as line:
        line(at(1, median=0.0))
        assert "max" in line.line(at(1, median=0.0))
        assert "median" not in line.line(at(1, median=0.0))


def test_the_first_and_last_generation_are_shown_and_the_others_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with LiveLine(err=False) as line:
        for generation in range(1, 11):
            line(at(generation))
            now[0] += 0.45
    shown = [text.split()[1] for text in capsys.readouterr().out.splitlines()]
    assert shown == ["1/10", "6/10", "10/10"]


def test_beside_json_nothing_is_written_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    with LiveLine(err=True) as line:
        line(at(1, warning="no cell has changed for long"))
    out, err = capsys.readouterr()
    assert out == ""
    warning, shown = err.splitlines()
    assert warning == "evo-fool: warning: no cell has changed for long"
    assert shown.startswith("generation 1/10")
