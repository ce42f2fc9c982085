"""Options of `evo-fool study` are made from the fields of a pydantic model."""

import shlex
from pathlib import Path
from typing import Literal

import click
import pytest
from pydantic import Field

from evo_fool.cli.study import click_parameter
from evo_fool.studies.options import Options


class Everything(Options):
    """One field of each kind."""

    kinds: tuple[str, ...] = Field((), json_schema_extra={"argument": True, "metavar": "[KIND…]"})
    start: Literal["mean", "zero"] = "mean"
    until: float | None = Field(None, ge=0, le=1, description="End there.")
    tiles: tuple[int, ...] = (2, 3)
    classes: tuple[str, ...] = Field((), alias="class")
    dry_run: bool = False
    place: Path = Field(json_schema_extra={"metavar": "DIR", "envvar": "EVO_FOOL_TEST_PLACE"})


COMMAND = click.Command(
    "everything", params=[click_parameter(*item) for item in Everything.model_fields.items()], callback=lambda **_: None
)


def asked(*words: str) -> Everything:
    values = COMMAND.make_context("everything", list(words)).params
    return Everything(**{key: value for key, value in values.items() if value is not None})


def test_defaults_are_the_models() -> None:
    assert asked("--place", "x") == Everything(place=Path("x"))


def test_each_kind_of_field() -> None:
    text = "a b --start zero --until .5 --tiles 4 --tiles 5 --class 1 --class dog --dry-run --place x"
    assert asked(*shlex.split(text)) == Everything(
        kinds=("a", "b"), start="zero", until=0.5, tiles=(4, 5), classes=("1", "dog"), dry_run=True, place=Path("x")
    )


def test_what_the_model_refuses_click_refuses() -> None:
    for words in (["--start", "max"], ["--until", "2"], ["--tiles", "x"]):
        with pytest.raises(click.UsageError, match=words[1]):
            asked(*words, "--place", "x")
    with pytest.raises(click.MissingParameter, match="place"):
        asked()


def test_help_shows_defaults_ranges_and_variables() -> None:
    text = " ".join(COMMAND.get_help(click.Context(COMMAND, terminal_width=200)).split())
    for part in (
        "[KIND…]",
        "[default: mean]",
        "End there. [0<=x<=1]",
        "[default: 2, 3]",
        "env var: EVO_FOOL_TEST_PLACE; required",
    ):
        assert part in text, part
