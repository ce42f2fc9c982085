"""A process beside the server for what takes much memory or time: rendering genomes, asking the classifier.

So the server itself stays small and quick. The process starts when it is first needed and ends by itself when it has
had nothing to do for a while, or when the server is gone.

anyio's worker processes would do for some of it, but they never end for want of work, and one that is given up while it
starts is left running.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, ParamSpec, TypeVar

import anyio
from anyio import to_thread

from evo_fool.errors import EvoFoolError
from evo_fool.gallery.data import tasks

_PATIENCE = 300.0
"""Seconds that a task may take from the moment that its turn has come: a process of low priority gets little of a busy
machine, and is given up sooner when its browser has left."""

_GRACE = 5.0
"""Seconds that a task goes on after its browser has left: to finish often costs less than a new process."""

_IDLE = 120.0
"""Seconds without a task after which the process ends."""

WAITING = 12
"""Tasks that may be under way at a time, the one at work included."""

Given = ParamSpec("Given")
Result = TypeVar("Result")


class BusyError(EvoFoolError):
    """There is too much to do, or it takes too long (HTTP 503)."""


class Studio:
    """Runs tasks of :mod:`evo_fool.gallery.data.tasks`, one at a time and in turn. Belongs to one event loop.

    Args:
        idle: seconds without a task after which the process ends.
        patience: seconds that a task may take from the moment that its turn has come.
        grace: seconds that a task at work may go on when its caller is cancelled, before its process is killed.
    """

    def __init__(self, idle: float = _IDLE, patience: float = _PATIENCE, grace: float = _GRACE) -> None:
        self._idle = idle
        self._patience = patience
        self._grace = grace
        self._turn = anyio.Lock()
        self._under_way = 0
        # Not forked: a fork of a process with threads can hang.
        self._context = multiprocessing.get_context("spawn")
        self._process: SpawnProcess | None = None
        self._line: Connection | None = None
        self._closed = False
        # Of its own, so that pages and answers of the studio do not wait for each other's threads.
        self._thread = anyio.CapacityLimiter(1)

    async def run(self, task: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
        """The result of ``task(*args)``. A caller that is cancelled before its turn costs nothing.

        Raises:
            BusyError: too many are waiting (said at once), it took too long, or the process was killed.
            EvoFoolError: what the task raised.
        """
        if self._under_way >= WAITING:
            raise BusyError("too many images are being drawn at once; try again in a moment")
        self._under_way += 1
        try:
            async with self._turn:
                answer = await self._ask((task, args, kwargs))
        finally:
            self._under_way -= 1
        if isinstance(answer, EvoFoolError):
            raise answer
        return answer

    def close(self) -> None:
        """End the process, even if it is at work; nothing is done from then on."""
        self._closed = True
        self._kill()

    async def _ask(self, request: tuple[Any, ...]) -> Any:
        if self._closed:
            raise BusyError("the gallery is being ended")
        try:
            line = self._open()
            line.send(request)
            with anyio.move_on_after(self._patience) as limit:
                try:
                    await anyio.wait_readable(line)
                except anyio.get_cancelled_exc_class():
                    if not limit.cancel_called:
                        await self._let_finish(line)
                    raise
                return await to_thread.run_sync(line.recv, limiter=self._thread)
        except (EOFError, OSError):
            self._kill()
            raise BusyError("the process that draws images was ended; try again, or a smaller size") from None
        self._kill()
        raise BusyError(f"this takes more than {self._patience:g} seconds; try a smaller size")

    async def _let_finish(self, line: Connection) -> None:
        """Wait a little for an answer that is not needed any more, so that the process is there for the next task."""
        with suppress(EOFError, OSError), anyio.move_on_after(self._grace, shield=True):
            await anyio.wait_readable(line)
            await to_thread.run_sync(line.recv, limiter=self._thread)
            return
        self._kill()

    def _open(self) -> Connection:
        # A process at its end has closed the line already, which reads as something to receive.
        if self._line is None or self._process is None or not self._process.is_alive() or self._line.poll():
            if self._line is not None:
                self._line.close()
            self._line, other = self._context.Pipe()
            self._process = self._context.Process(target=_work, args=(other, self._idle), daemon=True)
            self._process.start()
            other.close()  # or the end of the process would not be noticed
        return self._line

    def _kill(self) -> None:
        # Not waited for: a process of low priority may take its time to die on a busy machine.
        if self._process is not None:
            self._process.kill()
        self._process = None


def _work(line: Connection, idle: float) -> None:
    tasks.begin()
    with line:  # closed before the process takes its time to end
        _answer_all(line, idle)


def _answer_all(line: Connection, idle: float) -> None:
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
