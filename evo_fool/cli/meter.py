"""Progress of long work on stderr: how much is done, of how much, and the time left."""

from __future__ import annotations

import sys
import time
from types import TracebackType

import click

from evo_fool.cli.progress import LIVE_SECONDS, PLAIN_SECONDS, duration


class Meter:
    """Told ``(done, total)``; one live line on a terminal, a plain line every two seconds elsewhere.

    Use in a ``with`` statement, which says at once that the work has begun and leaves the terminal tidy.

    Args:
        unit: what is counted, in the plural.
    """

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._began: float | None = None
        self._first = 0.0
        self._shown = -float("inf")

    def __enter__(self) -> Meter:
        self._show("reading the network and the images")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._terminal:
            click.echo("\r\x1b[K", err=True, nl=False)

    def __call__(self, done: float, total: int) -> None:
        now = time.monotonic()
        if self._began is None:
            self._began, self._first = now, done
        if now - self._shown < (LIVE_SECONDS if self._terminal else PLAIN_SECONDS) and done < total:
            return
        self._shown = now
        gone = done - self._first
        left = f" · {duration((now - self._began) * (total - done) / gone)} left" if gone and done < total else ""
        self._show(f"{int(done)}/{total} {self._unit}{left}")

    def _show(self, line: str) -> None:
        click.echo(f"\r\x1b[K{line}" if self._terminal else line, err=True, nl=not self._terminal)
