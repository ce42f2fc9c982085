"""A process beside the server for what takes much memory or time: rendering genomes, asking the classifier.

The server itself imports neither numba nor torch. The process is anyio's; added here are a bounded queue, a time limit,
some seconds to finish work whose browser has left, and an end after idle minutes, which frees the memory of torch.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import anyio
from anyio import BrokenWorkerProcess, CancelScope, to_process

from evo_fool.errors import EvoFoolError

_PATIENCE = 300.0
"""Seconds that a task may take, from its turn on."""

_GRACE = 5.0
"""Seconds that a task goes on after its browser has left: to finish often costs less than a new process."""

_IDLE = 120.0
"""Seconds without a task after which the process ends."""

_NICE = 5
"""Priority below that of a watched run, but high enough to proceed on a busy machine."""

WAITING = 12
"""Tasks waiting or at work, at most."""

Given = ParamSpec("Given")
Result = TypeVar("Result")


class BusyError(EvoFoolError):
    """The worker is overloaded, or a task takes too long (HTTP 503)."""


class Worker:
    """Runs functions in a process, one at a time and in turn. Belongs to one event loop.

    Args:
        idle: seconds without a task after which the process ends.
        patience: seconds that a task may take, from its turn on.
        grace: seconds that a task may go on after its caller is cancelled; then its process is killed.
    """

    def __init__(self, idle: float = _IDLE, patience: float = _PATIENCE, grace: float = _GRACE) -> None:
        self._idle = idle
        self._patience = patience
        self._grace = grace
        self._turn = anyio.Lock()
        self._under_way = 0
        self._work: CancelScope | None = None
        self._closed = False

    async def run(self, task: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
        """The result of ``task(*args)``. A task whose caller is cancelled before its turn is never begun.

        Raises:
            BusyError: too many tasks are waiting (at once), it took too long, or the process was killed.
            EvoFoolError: what the task raised.
        """
        if self._under_way >= WAITING:
            raise BusyError("too many images are being drawn at once; try again in a moment")
        self._under_way += 1
        try:
            async with self._turn:
                answer = await self._finish(task, args, kwargs)
        finally:
            self._under_way -= 1
        if isinstance(answer, EvoFoolError):
            raise answer
        return answer

    def close(self) -> None:
        """Kill the process if it is at work, and refuse further tasks. An idle process ends with the event loop."""
        self._closed = True
        if self._work is not None:
            self._work.cancel()

    async def _finish(self, task: Callable[..., Result], args: Any, kwargs: Any) -> Result | EvoFoolError:
        """The answer to a task, in a scope that outlasts a cancelled caller by the grace."""
        answer: Result | EvoFoolError = BusyError("the gallery is being ended")
        if self._closed:
            return answer
        scope = self._work = CancelScope(shield=True, deadline=anyio.current_time() + self._patience)
        done = anyio.Event()

        async def work() -> None:
            nonlocal answer
            with scope:
                answer = await self._ask(task, args, kwargs)
            done.set()

        async with anyio.create_task_group() as group:
            group.start_soon(work)
            try:
                await done.wait()
            except anyio.get_cancelled_exc_class():
                scope.deadline = min(scope.deadline, anyio.current_time() + self._grace)
                raise
        if scope.cancelled_caught and not self._closed:
            return BusyError(f"this takes more than {self._patience:g} seconds; try a smaller size")
        return answer

    async def _ask(self, task: Callable[..., Result], args: Any, kwargs: Any) -> Result | EvoFoolError:
        try:
            with CancelScope(shield=True):  # a process whose start is cancelled would be left running
                try:
                    await to_process.run_sync(_prepare)
                except BrokenWorkerProcess:  # it has ended since the task before; start another
                    await to_process.run_sync(_prepare)
            return await to_process.run_sync(_perform, self._idle, task, args, kwargs, cancellable=True)
        except BrokenWorkerProcess:
            return BusyError("the process that draws images was ended; try again, or a smaller size")


def _prepare() -> None:
    """Prepare the process for a task."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends its worker
    os.nice(max(0, _NICE - os.nice(0)))


def _perform(
    idle: float, task: Callable[..., Result], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Result | EvoFoolError:
    """Do a task in the process, which SIGALRM ends when no other task follows."""
    try:
        return task(*args, **kwargs)
    except EvoFoolError as error:
        return error
    except MemoryError:
        return EvoFoolError("there is not enough memory for this; try a smaller size")
    except Exception as error:  # whatever it was, the next task may go well
        return EvoFoolError(f"this could not be made: {type(error).__name__}: {error}")
    finally:
        signal.setitimer(signal.ITIMER_REAL, idle)
