"""One writer a run directory: advisory locks that the kernel releases when their holder dies.

``run.lock`` is the lock; the directory itself is held too, so that a lock file that was deleted lets no second writer
in, and a directory that was renamed is found again.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from evo_fool.atomic_write import why_not_written
from evo_fool.errors import EvoFoolError, RunLockedError, RunNotFoundError

LOCK_NAME = "run.lock"

_PATIENCE = 0.5
"""Seconds; a reader's probe takes a shared lock for a moment, and waiting tells it from a writer."""

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


@dataclass
class Held:
    """A run directory that is held for writing.

    Attributes:
        path: where it should be; set it after renaming the directory on purpose.
    """

    path: Path


@contextmanager
def writer(path: Path) -> Iterator[Held]:
    """Hold the run directory ``path`` for writing.

    Raises:
        RunLockedError: another process holds it.
        RunNotFoundError: all was well, but the directory was renamed or deleted meanwhile; says where it is now.
        EvoFoolError: the directory cannot be written, or its file system has no locks.
    """
    lock = FileLock(path / LOCK_NAME, timeout=_PATIENCE)
    try:
        lock.acquire()
    except Timeout:
        raise RunLockedError(f"{path} is being written by another process; wait for it or stop it") from None
    except (OSError, NotImplementedError) as error:  # NotImplementedError: filelock's, where there is no flock
        raise _cannot_lock(path, error) from None
    try:
        with _directory(path) as descriptor:
            held = Held(path)
            yield held
            _check_place(held.path, descriptor)
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Whether some process is writing to the run directory; creates nothing."""
    return _is_held(path / LOCK_NAME) or _is_held(path)


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks, or a read-only mount that refuses them
        return False
    finally:
        os.close(descriptor)
    return False


@contextmanager
def _directory(path: Path) -> Iterator[int]:
    """A descriptor of the directory, locked where its file system can lock directories (network ones cannot)."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    except OSError as error:
        raise _cannot_lock(path, error) from None
    try:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise RunLockedError(
                        f"{path} is being written by another process, whose {LOCK_NAME} was deleted; "
                        "wait for it or stop it"
                    ) from None
                time.sleep(0.01)
            except OSError:
                break
        yield descriptor
    finally:
        os.close(descriptor)


def _cannot_lock(path: Path, error: Exception) -> EvoFoolError:
    if not isinstance(error, OSError) or error.errno in _NO_LOCKS:
        return EvoFoolError(
            f"{path}: this file system has no locks ({getattr(error, 'strerror', None) or error}); "
            "choose a folder on a local disk with --out, and copy the finished run"
        )
    return EvoFoolError(f"{path}: cannot be locked: {why_not_written(error, path)}")


def _check_place(path: Path, descriptor: int) -> None:
    status = os.fstat(descriptor)
    try:
        if os.path.samestat(os.stat(path), status):
            return
    except OSError:
        pass
    if not status.st_nlink:
        raise RunNotFoundError(f"{path} was deleted while it was written; nothing of it is left")
    now = _place(descriptor)
    raise RunNotFoundError(
        f"{path} was renamed while it was written; all of it is in its new place"
        + (f": evo-fool show {now}" if now else "")
    )


def _place(descriptor: int) -> str:
    """The path of an open directory; empty where the system does not tell."""
    try:
        if hasattr(fcntl, "F_GETPATH"):  # macOS
            return os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return ""
