"""Private copies of runs that cannot be read in place, shared by all requests and kept until a run changes.

A copy's files never change, and they are removed when nothing refers to the copy any more: a request may open a run
twice, and requests may open the same runs in any order.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evo_fool.runs.run import Run, open_run
from evo_fool.runs.store import DATABASE

Stamp = tuple[object, ...]
"""Changes whenever a run does; compared for equality only."""

_KEPT = 3
"""Copies kept at most, besides those that are being read; each is as large as its run."""


class _Copy:
    """The run that copied itself in a state; closing it removes the files."""

    def __init__(self, stamp: Stamp, run: Run) -> None:
        self.stamp = stamp
        self.folder = Path(run.store.rows("PRAGMA database_list")[0][2]).parent
        weakref.finalize(self, run.close)


class Copies:
    """Private copies by the names of their runs, the most recently used last. Thread-safe."""

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
            copy = self._keep(path.name, _Copy(now, run))
        with open_run(copy.folder) as run:
            # Pages and errors name the run and not its copy.
            run.path, run.store.path = path, path / DATABASE
            yield run

    def close(self) -> None:
        """Remove all copies; those that are being read afterwards."""
        with self._guard:
            dropped, self._copies = self._copies, {}
        dropped.clear()

    # What is dropped below is removed when a function returns, after the guard is released.

    def _take(self, name: str, now: Stamp) -> _Copy | None:
        with self._guard:
            copy = self._copies.pop(name, None)
            # Systems clean up temporary folders after some days.
            if copy is None or copy.stamp != now or not (copy.folder / DATABASE).exists():
                return None
            self._copies[name] = copy
            return copy

    def _keep(self, name: str, copy: _Copy) -> _Copy:
        with self._guard:
            known = self._copies.pop(name, None)
            if known is not None and known.stamp == copy.stamp:  # another request was faster
                copy = known
            self._copies[name] = copy
            dropped = [self._copies.pop(old) for old in list(self._copies)[:-_KEPT]]
        del dropped
        return copy
