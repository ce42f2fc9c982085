"""Every error that evo-fool raises on purpose has one root and a documented exit code."""

import inspect
import re

import pytest
from conftest import REPOSITORY

from evo_fool import errors
from evo_fool.cli import main
from evo_fool.session.stopping import EXIT_CODES

CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__]

CODES = {
    "EvoFoolError": 1,
    "ConfigError": 2,
    "RunNotFoundError": 3,
    "RunLockedError": 4,
    "CorruptRunError": 5,
    "ClassifierError": 1,
    "GenomeError": 5,
    "NotKeptError": 1,
    "UnknownClassError": 2,
    "EmptyCellError": 1,
}


def test_every_class_is_listed_here() -> None:
    assert {c.__name__ for c in CLASSES} == set(CODES)


@pytest.mark.parametrize("error", CLASSES)
def test_one_root_and_the_exit_code_that_its_docstring_and_the_command_line_give(
    error: type[errors.EvoFoolError],
) -> None:
    assert issubclass(error, errors.EvoFoolError)
    code = CODES[error.__name__]
    assert error.exit_code == code
    assert re.findall(r"exit code (\d+)", error.__doc__ or "") == [str(code)]

    def fail() -> int:
        raise error("one line")

    assert main.guarded(fail) == code


def test_the_exit_codes_are_documented_where_they_are_made() -> None:
    listed = (main.__doc__ or "").partition("Exit codes: ")[2].partition(".")[0]
    codes = [int(part.split()[0]) for part in listed.split(",")]
    made = {0, *CODES.values(), *EXIT_CODES.values(), main.INTERRUPTED}
    assert codes == sorted(made)


def test_the_manual_lists_the_same_exit_codes() -> None:
    manual = (REPOSITORY / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    table = manual.partition("## Exit codes")[2].partition("<!-- generated")[0]
    made = {0, *CODES.values(), *EXIT_CODES.values(), main.INTERRUPTED}
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)] == sorted(made)
