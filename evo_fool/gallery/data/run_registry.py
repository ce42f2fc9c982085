"""The served runs, by the names of their directories. No name from a URL is ever made part of a path."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evo_fool.errors import EvoFoolError, RunNotFoundError
from evo_fool.gallery.data.copies import Copies, Stamp
from evo_fool.runs.database_files import DATABASE
from evo_fool.runs.directory import find_run, list_runs
from evo_fool.runs.lock import is_locked
from evo_fool.runs.run import Run

_ABSENT = (0,)


class RunGoneError(RunNotFoundError):
    """A run that the gallery has seen and that is no longer there (HTTP 410)."""


class Library:
    """The runs in one folder, or one of them.

    Args:
        root: the folder of run directories; it may not exist yet.
        only: the name of the only directory to serve; None for all.
    """

    def __init__(self, root: Path, only: str | None = None) -> None:
        self.root = root
        self.only = only
        self._seen: set[str] = set()
        self._copies = Copies()

    def paths(self) -> dict[str, Path]:
        """The run directories by name, newest first."""
        found = {path.name: path for path in reversed(list_runs(self.root)) if self.only in (None, path.name)}
        self._seen.update(found)
        return found

    def find(self, name: str) -> Path:
        """The run directory of that name.

        Raises:
            RunGoneError: it existed.
            RunNotFoundError: it does not exist.
        """
        path = self.paths().get(name)
        if path is None and name in self._seen:
            raise RunGoneError(f"{name}: this run was deleted or moved while the gallery was open")
        if path is None:
            raise RunNotFoundError(f"{name}: there is no such run here; the page of all runs lists those that are")
        return path

    @contextmanager
    def open(self, name: str) -> Iterator[Run]:
        """The run of that name for one request; all reads see one committed state.

        Raises:
            RunNotFoundError: it does not exist, or no longer.
            CorruptRunError: it is damaged.
            EvoFoolError: its files cannot be read.
        """
        path = self.find(name)
        try:
            with self._copies.opened(path, stamp(path)) as run, run.store.snapshot():
                yield run
        except (EvoFoolError, OSError) as error:
            self.find(name)  # a run that is being deleted is not damaged, whatever it looked like
            if isinstance(error, EvoFoolError):
                raise
            raise EvoFoolError(f"{name}: its files cannot be read: {error.strerror or error}") from None

    def public(self, error: EvoFoolError) -> str:
        """The message of an error, without the path of the runs on this machine."""
        return str(error).replace(f"{self.root.resolve()}{os.sep}", "").replace(f"{self.root}{os.sep}", "")

    def close(self) -> None:
        """Remove private copies."""
        self._copies.close()


def find_library(text: str | None, out: Path) -> Library:
    """The runs that ``text`` names: one run, or all in a folder; None: all in ``out``.

    Raises:
        RunNotFoundError: neither a folder nor a run.
    """
    if text is None:
        return Library(out)
    folder = Path(text)
    if folder.is_dir() and not (folder / DATABASE).is_file():
        return Library(folder)
    path = find_run(text, out).resolve()
    return Library(path.parent, path.name)


def stamp(path: Path) -> Stamp:
    """Identifies a state of a run without opening it."""
    return (path.name, *_file_stamp(path / DATABASE), *_file_stamp(path / f"{DATABASE}-wal"), is_locked(path))


def _file_stamp(path: Path) -> tuple[int, ...]:
    try:
        status = os.stat(path)
    except OSError:
        return _ABSENT
    return status.st_ino, status.st_size, status.st_mtime_ns
