"""Progress of a run: one live line on a terminal, a plain line every two seconds elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from evo_fool.session import Progress

LIVE_SECONDS = 0.1
PLAIN_SECONDS = 2.0


class LiveLine:
    """A callback for :func:`evo_fool.session.evolve`. Use in a ``with`` statement, which leaves the terminal tidy.

    Args:
        err: write to stderr, because stdout carries JSON.
        captures: captures of the run so far, when it is resumed.

    Attributes:
        last: the latest progress; None before the first generation.
    """

    def __init__(self, *, err: bool, captures: int = 0) -> None:
        self.last: Progress | None = None
        self._err = err
        self._captures = captures
        self._generations = 0
        self._shown = -float("inf")
        stream = sys.stderr if err else sys.stdout
        self._terminal = stream is not None and stream.isatty()
        self._live: Any = None

    def __enter__(self) -> LiveLine:
        if self._terminal:
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=self._err)
            self._live = Live(console=console, auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, progress: Progress) -> None:
        first = self.last is None
        self.last = progress
        self._captures += int(progress.row["captures"])
        self._generations += 1
        if progress.warning:
            click.echo(f"evo-fool: warning: {progress.warning}", err=True)
        now = time.monotonic()
        due = now - self._shown >= (LIVE_SECONDS if self._terminal else PLAIN_SECONDS)
        if not (due or first or progress.generation == progress.generations):
            return
        self._shown = now
        line = self.line(progress)
        if self._live is None:
            click.echo(line, err=self._err)
        else:
            from rich.text import Text

            self._live.update(Text(line, no_wrap=True, overflow="ellipsis"), refresh=True)

    def line(self, progress: Progress) -> str:
        """The line that shows ``progress``."""
        from evo_fool.text import probability_text

        row, elapsed = progress.row, max(progress.elapsed, 1e-9)
        shown = "median" if row["median"] else "max"  # most cells may be empty, as for a single class
        left = (progress.generations - progress.generation) * elapsed / self._generations
        return (
            f"generation {progress.generation}/{progress.generations} · {progress.images / elapsed:,.0f} images/s · "
            f"{shown} {probability_text(row[shown])} · {int(row['at_least_99'])} classes ≥ .99 · "
            f"{self._captures} captures · {duration(left)} left"
        )


def duration(seconds: float) -> str:
    """Seconds as text.

    >>> duration(0.4), duration(75), duration(3 * 3600 + 60), duration(2 * 86400 + 7200)
    ('0s', '1m15s', '3h01m', '2d02h')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d{hours:02}h"
    if hours:
        return f"{hours}h{minutes:02}m"
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"
