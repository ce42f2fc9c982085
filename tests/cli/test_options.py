"""Durations, and what the table of verbs says."""

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo_fool.cli.options import seconds
from evo_fool.cli.verbs import VERBS, application


@given(st.integers(0, 9), st.integers(0, 99), st.integers(0, 99), st.integers(1, 99))
def test_units_add_up(days: int, hours: int, minutes: int, rest: int) -> None:
    assert seconds(f"{days}d{hours}h{minutes}m{rest}s") == days * 86400 + hours * 3600 + minutes * 60 + rest


@pytest.mark.parametrize(
    ("text", "expected"), [("90", 90), ("0.5", 0.5), ("10M", 600), (" 2h ", 7200), ("1h30m", 5400)]
)
def test_usual_ways_to_write_one(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "0", "0m", "-5", "10 minutes", "5m1h", "m", "1e9", "inf", "nan", "1.5h"])
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        seconds(text)


@pytest.mark.parametrize("name", VERBS)
def test_the_table_of_verbs_says_what_the_verbs_say(name: str) -> None:
    command = application.get_command(click.Context(application), name)
    assert command is not None and command.help is not None
    assert VERBS[name][1] == " ".join(command.help.strip().split("\n\n")[0].split())
