"""Stopping a long run politely: signal handlers only set a flag, which the loop looks at between generations.

First Ctrl-C: finish the generation, commit, stop. Second: abort at once; the last commit stands. SIGTERM, and SIGHUP
when the terminal closes: as the first.
"""

from __future__ import annotations

import atexit
import os
import signal
import stat
import time
from contextlib import suppress
from types import FrameType, TracebackType

EXIT_CODES = {"ctrl-c": 130, "sigterm": 75, "sighup": 75, "max-time": 75}
"""Exit code of each reason to stop; 75 is a stop that was asked for, with a good checkpoint."""

_POLITE = {signal.SIGTERM: "sigterm", signal.SIGHUP: "sighup"}


class StopFlag:
    """Why the run should stop, or ``""``. Use in a ``with`` statement, which installs and removes the handlers.

    After a stop the handlers of SIGTERM and SIGHUP stay, and do nothing: the run is good, and a late second signal must
    not change the exit code that says so.

    Args:
        max_seconds: stop when so many wall seconds have passed since the flag was made; None: never.
    """

    def __init__(self, max_seconds: float | None = None) -> None:
        self._reason = ""
        self._deadline = None if max_seconds is None else time.monotonic() + max_seconds
        self._previous: dict[int, object] = {}

    def __call__(self, progress: object = None) -> str:
        """The reason to stop now, or an empty string; as a callback of ``evolve`` it stops the run."""
        if not self._reason and self._deadline is not None and time.monotonic() >= self._deadline:
            self._reason = "max-time"
        return self._reason

    def __enter__(self) -> StopFlag:
        for number in (signal.SIGINT, *_POLITE):
            # nohup asks for a process that survives its terminal.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            if self._reason and number in _POLITE:
                signal.signal(number, _too_late)
            else:
                signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal itself returned
        if self._reason:
            atexit.register(_ignore_until_the_end)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            if self._reason == "ctrl-c":
                raise KeyboardInterrupt
            self._reason = "ctrl-c"
        else:
            self._reason = _POLITE[signal.Signals(number)]
            if number == signal.SIGHUP:
                _leave_closed_terminal()


def _leave_closed_terminal() -> None:
    """Point stdout and stderr to nowhere where their terminal is gone: a report that cannot be shown is no failure."""
    for descriptor in (1, 2):
        with suppress(OSError):
            if stat.S_ISCHR(os.fstat(descriptor).st_mode) and not os.isatty(descriptor):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, descriptor)
                os.close(nowhere)


def _too_late(number: int, frame: FrameType | None) -> None:
    """A signal to a process that has stopped already."""


def _ignore_until_the_end() -> None:
    """At its exit Python gives signals with a handler their default action back, but not those that are ignored."""
    for number in _POLITE:
        if signal.getsignal(number) is _too_late:
            signal.signal(number, signal.SIG_IGN)
