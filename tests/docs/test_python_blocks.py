"""Every Python block of the worked example runs, and prints what the page says it prints."""

import contextlib
import doctest
import io
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from support import broken_promises

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "python-api.md"
EXTEND = ROOT / "docs" / "howto" / "extend.md"
PICTURES = ROOT / "docs" / "howto" / "pictures.md"
README = ROOT / "README.md"
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "experiments", tmp_path / "experiments")
    monkeypatch.chdir(tmp_path)


def test_readme(tmp_path: Path) -> None:
    short = README.read_text(encoding="utf-8").replace("generations=50", "generations=2")
    (code,) = re.findall(r"^```python\n(.*?)^```", short, flags=re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert len(names["metrics"]) == 3 and names["image"].shape == (1, 28, 28) and names["large"].shape == (1, 512, 512)


def test_worked_example(tmp_path: Path) -> None:
    assert _run(PAGE) >= 14
    assert (tmp_path / "example.png").stat().st_size > 1000


def test_objects_of_ones_own() -> None:
    names: dict[str, Any] = {}
    assert _run(EXTEND, names) >= 9
    assert broken_promises(names["TestFlat"], encoding=names["Flat"](size=28, channels=1)) == set()
    blocks = BLOCK.findall(EXTEND.read_text(encoding="utf-8"))
    assert all(sum(bool(line.strip()) for line in code.splitlines()) < 20 for code, _ in blocks)


def test_genomes_as_drawings(tmp_path: Path) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", PICTURES.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, PICTURES.name, "exec"), names)
    assert (tmp_path / "three.svg").read_text().startswith("<svg")
    assert names["line"][-1].id == names["elite"].id


def _run(page: Path, names: dict[str, Any] | None = None) -> int:
    """Run the blocks of a page in one namespace, ``names``; the number of blocks."""
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    names = {} if names is None else names
    for number, (code, expected) in enumerate(blocks, start=1):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, f"{page.name}, block {number}", "exec"), names)
        got = printed.getvalue()
        assert doctest.OutputChecker().check_output(expected, got, doctest.ELLIPSIS), (
            f"{page.name}, block {number} printed\n{got}\nthe page says\n{expected}"
        )
    return len(blocks)
