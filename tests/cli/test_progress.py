"""The line of a run that goes on: what it says, and how often."""

import re
import sys
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


def as_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the captured streams say that they are a terminal of 40 columns."""
    for name, value in {"TERM": "xterm", "COLUMNS": "40", "LINES": "10"}.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)


def shown(text: str) -> list[str]:
    """What is between the codes that move the cursor and erase."""
    return [part for part in re.split(r"(?:\x1b\[[?\d;]*[a-zA-Z]|[\r\n])+", text) if part]


@pytest.mark.parametrize("err", [False, True])
def test_on_a_terminal_one_line_changes_in_place_and_is_gone_at_the_end(
    err: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    as_terminal(monkeypatch)
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with LiveLine(err=err) as line:
        for generation in range(1, 5):
            line(at(generation))
            now[0] += 0.06
        streams = capsys.readouterr()
        during, other = (streams.err, streams.out) if err else (streams.out, streams.err)
        lines = [text.split()[1] for text in shown(during)]
        assert lines == ["1/10", "3/10"]  # at most ten a second
        assert other == ""
        assert "\x1b[?25l" in during and "\x1b[2K" in during  # without a cursor; erased before it is written anew
    streams = capsys.readouterr()
    after = streams.err if err else streams.out
    assert after.rstrip().endswith("\x1b[2K") and "\x1b[?25h" in after


def test_a_line_is_cut_to_the_width_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    as_terminal(monkeypatch)
    with LiveLine(err=False) as line:
        line(at(1))
        (text,) = shown(capsys.readouterr().out)
        assert len(text) == 40 and text.endswith("…") and line.line(at(1)).startswith(text[:-1])


def test_the_terminal_is_left_tidy_when_the_run_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    as_terminal(monkeypatch)
    with pytest.raises(RuntimeError, match="no more"), LiveLine(err=False) as line:
        line(at(1))
        raise RuntimeError("no more")
    assert "\x1b[?25h" in capsys.readouterr().out
