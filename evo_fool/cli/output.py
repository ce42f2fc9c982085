"""Output of verbs: data on stdout as text or JSON, messages on stderr beside JSON; tables by rich on a terminal."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

import click

from evo_fool.text import harmless


@dataclass(frozen=True)
class Output:
    """Where a verb prints, as decided by ``--json``.

    Attributes:
        json: whether stdout carries one JSON document and nothing else.
        document: writes that document.
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

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, text: Collection[str] | None = None
    ) -> None:
        """A table for people.

        Args:
            columns: their headings.
            rows: a value for each column.
            text: headings of the columns that align left, the others right; None: the first column.
        """
        left = [i == 0 if text is None else name in text for i, name in enumerate(columns)]
        cells = [[_text(value) for value in row] for row in rows]
        stream = sys.stderr if self.json else sys.stdout
        if stream is not None and stream.isatty():
            _rich_table(columns, cells, left, stderr=self.json)
            return
        widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
        for row in [columns, *cells]:
            aligned = (
                cell.ljust(width) if on_left else cell.rjust(width)
                for cell, width, on_left in zip(row, widths, left, strict=True)
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
    """Keep stdout for documents: everything else written there, by C or a child process too, goes to stderr.

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
            ctypes.CDLL(None).fflush(None)  # what C has buffered
            os.dup2(kept, 1)
            os.close(kept)


def _rich_table(columns: Sequence[str], cells: Iterable[Sequence[str]], left: Sequence[bool], *, stderr: bool) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name, on_left in zip(columns, left, strict=True):  # Text, as below: a name in [brackets] is no markup
        table.add_column(Text(harmless(name)), justify="left" if on_left else "right", overflow="fold")
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
