"""One writer a run directory: an advisory lock that the kernel releases when its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from evo_fool.errors import RunLockedError

LOCK_NAME = "run.lock"


@contextmanager
def writer(path: Path) -> Iterator[None]:
    """Hold the run directory ``path`` for writing.

    Raises:
        RunLockedError: another process holds it.
        OSError: the directory cannot be written.
    """
    # A reader's probe takes a shared lock for a moment; waiting half a second tells it from a writer.
    lock = FileLock(path / LOCK_NAME, timeout=0.5)
    try:
        lock.acquire()
    except Timeout:
        raise RunLockedError(f"{path} is being written by another process; wait for it or stop it") from None
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Whether some process is writing to the run directory; creates nothing."""
    try:
        descriptor = os.open(path / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
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
