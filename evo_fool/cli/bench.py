"""``evo-fool bench``: the group of ``benchmarks/command.py``, which only a source checkout has."""

import importlib
import sys
from pathlib import Path

import click

from evo_fool.errors import ConfigError

CHECKOUT = Path(__file__).resolve().parents[2]


def find_benchmarks(checkout: Path) -> click.Command:
    """The benchmarks of ``checkout``, or, where it is no checkout, a command that says what is missing."""
    if not all((checkout / name).is_file() for name in ("pyproject.toml", "benchmarks/command.py")):
        return absent
    sys.path.insert(0, str(checkout))  # before any other package of that name
    command: click.Command = importlib.import_module("benchmarks.command").bench
    return command


@click.command("bench", context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def absent(arguments: tuple[str, ...]) -> None:
    """Measure speed against its floor and its baseline: only in a source checkout."""
    raise ConfigError("bench: the benchmarks come with the source checkout, not with the installed package")


bench = find_benchmarks(CHECKOUT)
