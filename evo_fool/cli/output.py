"""What a verb prints: JSON or text as data on stdout, talk on stderr; tables by rich on a terminal, plain elsewhere."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TextIO

import click

from evo_fool.text import harmless


@dataclass(frozen=True)
class Output:
    """Where a verb's words go, decided by ``--json``.

    Attributes:
        json: whether stdout carries one JSON document and nothing else.
        document: how that document gets there.
    """

    json: bool
    document: Callable[[str], None] = click.echo

    def say(self, text: str = "") -> None:
        """A line for people: stdout, or stderr when stdout carries JSON."""
        click.echo("\n".join(map(harmless, text.split("\n"))), err=self.json)

    def data(self, value: Any) -> None:
        """One JSON document on stdout. JSON has no NaN: such a number becomes null."""
        from evo_fool.jsonable import to_json  # numpy, which --help does not need

        self.document(to_json(value))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """A table for people. Columns whose name begins with a space are aligned to the right."""
        cells = [[_text(value) for value in row] for row in rows]
        stream = sys.stderr if self.json else sys.stdout
        if stream is not None and stream.isatty():
            _rich_table(columns, cells, stderr=self.json)
            return
        widths = [max(map(len, column)) for column in zip(*[[c.strip() for c in columns], *cells], strict=True)]
        for row in [[c.strip() for c in columns], *cells]:
            aligned = (
                cell.rjust(width) if name.startswith(" ") else cell.ljust(width)
                for name, cell, width in zip(columns, row, widths, strict=True)
            )
            self.say("  ".join(aligned).rstrip())


def output_option(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb ``--json``; it receives ``output``, an :class:`Output`."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout; everything else on stderr.")
    @functools.wraps(verb)
    def with_output(*args: Any, as_json: bool, **kwargs: Any) -> Any:
        if not as_json or sys.stdout is None:
            return verb(*args, output=Output(json=as_json), **kwargs)
        with _reserved_stdout(sys.stdout) as document:
            return verb(*args, output=Output(True, document), **kwargs)

    return with_output


@contextmanager
def _reserved_stdout(stdout: TextIO) -> Iterator[Callable[[str], None]]:
    """Keep stdout for documents: what anything else writes there goes to stderr, also by C or by another process.

    A user's classifier may print while it is imported, built or called. Done once for the whole verb, this adds no cost
    to a forward pass.
    """
    import ctypes

    stdout.flush()
    try:
        kept = os.dup(1)
        os.dup2(2, 1)
    except OSError:  # one of the two is closed: there is no file to redirect
        kept = None

    def write(document: str) -> None:
        if kept is None:
            click.echo(document, file=stdout)
            return
        os.dup2(kept, 1)
        try:
            click.echo(document, file=stdout)
        finally:
            os.dup2(2, 1)

    sys.stdout = sys.stderr
    try:
        yield write
    finally:
        sys.stdout = stdout
        if kept is not None:
            ctypes.CDLL(None).fflush(None)  # what C has printed and not yet written
            os.dup2(kept, 1)
            os.close(kept)


def _rich_table(columns: Sequence[str], cells: Iterable[Sequence[str]], *, stderr: bool) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in columns:  # Text, as below: a name in [brackets] is no markup
        side: Literal["left", "right"] = "right" if name.startswith(" ") else "left"
        table.add_column(Text(harmless(name.strip())), justify=side, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    Console(stderr=stderr).print(table)


def _text(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
        case _:
            return harmless(str(value))
