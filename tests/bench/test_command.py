"""``evo-fool bench``: what it passes on, and how it shows single figures and rows."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks import growth, memory
from benchmarks.command import bench
from evo_fool.cli import bench as command
from evo_fool.cli.main import main

ROWS = {"by_size": [{"size": 64, "stages": {"vary": 0.25}}, {"size": 128, "stages": {"vary": 0.5}}], "empty": []}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for module, name in ((growth, "bench_growth"), (memory, "bench_memory")):
        monkeypatch.setattr(module, name, lambda **given: found.update(given) or {"generations": 3, **ROWS})
    return found


def test_rows_become_a_table_with_one_column_each(asked: dict[str, Any]) -> None:
    lines = CliRunner().invoke(bench, ["growth", "--seconds", "1m", "--device", "cpu"]).stdout.splitlines()
    assert asked == {"seconds": 60.0, "device": "cpu"}
    table = [line.split() for line in lines[lines.index("by_size") + 1 :]]
    assert table == [["measure", "1", "2"], ["size", "64", "128"], ["stages.vary", "0.25", "0.5"]]
    assert ["generations", "3"] in [line.split() for line in lines]


def test_json_is_the_whole_report(asked: dict[str, Any]) -> None:
    answer = CliRunner().invoke(bench, ["memory", "--generations", "7", "--checkpoint", "2s", "--json"])
    assert json.loads(answer.stdout) == {"generations": 3, **ROWS}
    assert asked == {"generations": 7, "classes": 1000, "size": 256, "checkpoint": 2.0, "device": "auto"}


def test_an_installed_package_says_in_one_line_that_it_has_no_benchmarks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "command.py").write_text("raise SystemExit('of another package')")
    monkeypatch.setattr(command, "bench", command.find_benchmarks(tmp_path))
    assert main(["bench", "loop", "mnist-cppn", "--json"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "come with the source checkout" in line
    assert main(["bench", "--help"]) == 0
    assert "only in a source checkout" in capsys.readouterr().out
