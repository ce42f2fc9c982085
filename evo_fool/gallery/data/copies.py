"""Private copies of runs that cannot be read in place, shared by all requests and kept until a run changes.

The guard is held for bookkeeping only, never while reading, copying or removing, and a copy's file never changes: a
request may open a run twice, and requests may open the same runs in any order.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evo_fool.runs.run import Run, open_run
from evo_fool.runs.store import DATABASE

Stamp = tuple[object, ...]
"""Changes whenever a run does; compared for equality only."""

_KEPT = 3
"""Unused copies kept at most; each is as large as its run."""


@dataclass(slots=True, eq=False)
class _Copy:
    """A copied run.

    Attributes:
        stamp: the state of the run that it was copied in.
        first: the run that made the copy; closing it removes the copy.
        folder: where the copied files are.
        readers: number of open connections.
        kept: whether it may be opened again.
    """

    stamp: Stamp
    first: Run
    folder: Path
    readers: int = 0
    kept: bool = True


class Copies:
    """Private copies by the names of their runs. Thread-safe."""

    def __init__(self) -> None:
        self._copies: dict[str, _Copy] = {}
        self._guard = threading.Lock()

    @contextmanager
    def opened(self, path: Path, now: Stamp) -> Iterator[Run]:
        """The run at ``path`` in the state ``now``, in place where possible; each time by a connection of its own.

        Raises:
            RunNotFoundError: it does not exist.
            CorruptRunError: it is damaged.
        """
        copy = self._take(path.name, now)
        if copy is None:
            run = open_run(path)
            if not run.store.is_copy:
                with run:
                    yield run
                return
            copy = self._keep(path.name, _Copy(now, run, _folder(run)))
        try:
            with open_run(copy.folder) as run:
                # Pages and errors name the run and not its copy.
                run.path, run.store.path = path, path / DATABASE
                yield run
        finally:
            self._release(copy)

    def close(self) -> None:
        """Remove all copies; those that are being read afterwards."""
        with self._guard:
            dropped = self._drop(list(self._copies))
        _remove(dropped)

    def _take(self, name: str, now: Stamp) -> _Copy | None:
        """The copy of that name in that state, to be released; or None."""
        with self._guard:
            copy = self._copies.get(name)
            # Systems clean up temporary folders after some days.
            stale = copy is not None and (copy.stamp != now or not (copy.folder / DATABASE).exists())
            dropped = self._drop([name]) if stale else []
            if copy is not None and not stale:
                copy.readers += 1
        _remove(dropped)
        return None if stale else copy

    def _keep(self, name: str, copy: _Copy) -> _Copy:
        """Keep a new copy, to be released; returns the one to use."""
        with self._guard:
            known = self._copies.get(name)
            if known is not None and known.stamp == copy.stamp:  # another request was faster
                dropped, copy = [copy], known
            else:
                dropped = self._drop([name])
                self._copies[name] = copy
            copy.readers += 1
        _remove(dropped)
        return copy

    def _release(self, copy: _Copy) -> None:
        with self._guard:
            copy.readers -= 1
            idle = [name for name, kept in self._copies.items() if not kept.readers]
            dropped = self._drop(idle[: max(0, len(idle) - _KEPT)])
            if not copy.kept and not copy.readers and copy not in dropped:
                dropped.append(copy)
        _remove(dropped)

    def _drop(self, names: Iterable[str]) -> list[_Copy]:
        """Forget copies, under the guard; returns those that are not being read, to be removed."""
        copies = [self._copies.pop(name) for name in names if name in self._copies]
        for copy in copies:
            copy.kept = False
        return [copy for copy in copies if not copy.readers]


def _folder(run: Run) -> Path:
    """The folder of the files of a copy."""
    return Path(run.store.rows("PRAGMA database_list")[0][2]).parent


def _remove(copies: Iterable[_Copy]) -> None:
    for copy in copies:
        copy.first.close()
