"""Every error that evo-fool raises on purpose has one root and a documented exit code."""

import inspect

import pytest

from evo_fool import errors
from evo_fool.cli import main

CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__]


@pytest.mark.parametrize("error", CLASSES)
def test_one_root_and_a_known_exit_code(error: type[errors.EvoFoolError]) -> None:
    assert issubclass(error, errors.EvoFoolError)
    assert error.exit_code in {1, 2, 3, 4, 5}
    assert f"exit code {error.exit_code}" in (error.__doc__ or "") or error.exit_code == 1


def test_the_exit_codes_are_documented_where_they_are_made() -> None:
    for code in (0, 1, 2, 3, 4, 5, 75, 130):
        assert f"{code} " in (main.__doc__ or "")
