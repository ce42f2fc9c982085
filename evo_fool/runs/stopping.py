"""Stopping a long run politely: signal handlers only set a flag, which the loop looks at between generations.

First Ctrl-C: finish the generation, commit, stop. Second: abort at once; the last commit stands. SIGTERM: as the first.
"""

from __future__ import annotations

import signal
import time
from types import FrameType, TracebackType

EXIT_CODES = {"ctrl-c": 130, "sigterm": 75, "max-time": 75}
"""Exit code of each reason to stop; 75 is a stop that was asked for, with a good checkpoint."""


class StopFlag:
    """Why the run should stop, or ``""``. Use in a ``with`` statement, which installs and removes the handlers.

    Args:
        max_seconds: stop when so many wall seconds have passed since the flag was made; None: never.
    """

    def __init__(self, max_seconds: float | None = None) -> None:
        self._reason = ""
        self._deadline = None if max_seconds is None else time.monotonic() + max_seconds
        self._previous: dict[int, object] = {}

    def __call__(self) -> str:
        """The reason to stop now, or an empty string."""
        if not self._reason and self._deadline is not None and time.monotonic() >= self._deadline:
            self._reason = "max-time"
        return self._reason

    def __enter__(self) -> StopFlag:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal itself returned

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            if self._reason == "ctrl-c":
                raise KeyboardInterrupt
            self._reason = "ctrl-c"
        else:
            self._reason = "sigterm"
