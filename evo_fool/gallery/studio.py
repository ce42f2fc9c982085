"""A process beside the server for what takes much memory or time: rendering genomes, asking the classifier.

So the server itself stays small and quick. The process starts when it is first needed and ends by itself when it has
had nothing to do for a while, or when the server is gone.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, ParamSpec, TypeVar

from evo_fool.errors import EvoFoolError
from evo_fool.gallery import tasks

_PATIENCE = 60.0
"""Seconds that a task may take, waiting for its turn included."""

_IDLE = 120.0
"""Seconds without a task after which the process ends."""

WAITING = 12
"""Tasks that may wait at a time."""

Given = ParamSpec("Given")
Result = TypeVar("Result")


class BusyError(EvoFoolError):
    """There is too much to do, or it takes too long (HTTP 503)."""


class Studio:
    """Runs tasks of :mod:`evo_fool.gallery.tasks`, one at a time. Safe to be used by several threads.

    Args:
        idle: seconds without a task after which the process ends.
        patience: seconds that a task may take, waiting for its turn included.
    """

    def __init__(self, idle: float = _IDLE, patience: float = _PATIENCE) -> None:
        self._idle = idle
        self._patience = patience
        self._turn = threading.Lock()
        self._room = threading.BoundedSemaphore(WAITING)
        # Not forked: a fork of a process with threads can hang.
        self._context = multiprocessing.get_context("spawn")
        self._process: SpawnProcess | None = None
        self._line: Connection | None = None

    def run(self, task: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
        """The result of ``task(*args)``.

        Raises:
            BusyError: it took too long, too many are waiting, or the process was killed.
            EvoFoolError: what the task raised.
        """
        deadline = time.monotonic() + self._patience
        if not self._room.acquire(blocking=False):
            raise BusyError("too many images are being drawn at once; try again in a moment")
        try:
            if not self._turn.acquire(timeout=self._patience):
                raise BusyError("the images before this one take too long; try again in a moment")
            try:
                answer = self._ask((task, args, kwargs), deadline)
            finally:
                self._turn.release()
        finally:
            self._room.release()
        if isinstance(answer, EvoFoolError):
            raise answer
        return answer

    def close(self) -> None:
        """End the process, even if it is at work."""
        process = self._process
        if process is not None and process.is_alive():
            process.terminate()
            process.join(5)

    def _ask(self, request: tuple[Any, ...], deadline: float) -> Any:
        try:
            line = self._open()
            line.send(request)
            if line.poll(max(0.0, deadline - time.monotonic())):
                return line.recv()
        except (EOFError, OSError):
            self.close()
            raise BusyError("the process that draws images was ended; try again, or a smaller size") from None
        self.close()
        raise BusyError(f"this takes more than {self._patience:g} seconds; try a smaller size")

    def _open(self) -> Connection:
        if self._line is None or self._process is None or not self._process.is_alive():
            if self._line is not None:
                self._line.close()
            self._line, other = self._context.Pipe()
            self._process = self._context.Process(target=_work, args=(other, self._idle), daemon=True)
            self._process.start()
            other.close()  # or the end of the process would not be noticed
        return self._line


def _work(line: Connection, idle: float) -> None:
    tasks.begin()
    while line.poll(idle):
        try:
            task, args, kwargs = line.recv()
        except EOFError:  # the server is gone
            return
        try:
            answer = task(*args, **kwargs)
        except EvoFoolError as error:
            answer = error
        except MemoryError:
            answer = EvoFoolError("there is not enough memory for this; try a smaller size")
        except Exception as error:  # whatever it was, the next task may go well
            answer = EvoFoolError(f"this could not be made: {type(error).__name__}: {error}")
        line.send(answer)
