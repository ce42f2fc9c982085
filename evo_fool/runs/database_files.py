"""The files that a database is made of, as they lie in a run directory: checked before SQLite opens any of them.

A run directory can come from anywhere. SQLite follows links, waits for the other end of a pipe, and does what a
rollback journal says; so only regular files are opened, and only journals that evo-fool itself could have left.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import struct
import tempfile
from pathlib import Path

from evo_fool.errors import CorruptRunError, EvoFoolError

DATABASE = "run.sqlite3"

LOG, INDEX, JOURNAL = "-wal", "-shm", "-journal"
"""What SQLite puts beside a database: the write-ahead log, the log's index, and the journal to roll back."""

_MAGIC = bytes.fromhex("d9d505f920a163d7")
_JOURNAL_HEADER = struct.Struct(">8s5I")
_WAL_VERSION = slice(18, 20)
_CHUNK = 1 << 20
_MARGIN = 64 * 1024 * 1024
"""Bytes that a private copy leaves free on the disk for temporary files."""


def check_files(path: Path) -> None:
    """Refuse a database whose files are not plain files, or whose journal evo-fool would not have written.

    Raises:
        CorruptRunError: a link, folder, pipe or device; a journal that names another file or would change the size.
    """
    for suffix in ("", LOG, INDEX, JOURNAL):
        file = Path(f"{path}{suffix}")
        try:
            mode = file.lstat().st_mode
        except FileNotFoundError:
            continue
        except OSError as error:
            raise EvoFoolError(f"{file}: {error.strerror}; check the permissions of {path.parent}") from None
        if not stat.S_ISREG(mode):
            raise CorruptRunError(f"{file} is {_kind(mode)}, not a file; evo-fool never makes one; restore a copy")
    _check_journal(path)


def has_journal(path: Path) -> bool:
    """Whether a killed process left a journal that has to be rolled back before the database can be read."""
    try:
        return Path(f"{path}{JOURNAL}").stat().st_size > 0
    except OSError:
        return False


def readable_in_place(path: Path) -> bool:
    """Whether SQLite would read a database without making a file beside it: in WAL mode it wants log and index."""
    try:
        with path.open("rb") as file:
            header = file.read(_WAL_VERSION.stop)
    except OSError:
        return True  # SQLite says what is wrong with it
    logged = header[_WAL_VERSION] == b"\2\2"
    return not logged or all(os.path.lexists(f"{path}{suffix}") for suffix in (LOG, INDEX))


def private_copy(path: Path) -> tempfile.TemporaryDirectory[str]:
    """A copy of a database with its log and its journal, in a folder of its own; the caller cleans it up.

    Holes of sparse files stay holes, so a file that only claims to be large takes neither time nor space.

    Raises:
        EvoFoolError: there is not enough space for temporary files.
    """
    folder = tempfile.TemporaryDirectory(prefix="evo-fool-")
    try:
        for suffix in ("", LOG, JOURNAL):
            try:
                _copy(Path(f"{path}{suffix}"), Path(folder.name, DATABASE + suffix))
            except FileNotFoundError:
                if not suffix:
                    raise CorruptRunError(f"{path} is gone") from None
    except OSError as error:
        folder.cleanup()
        raise EvoFoolError(
            f"{path}: cannot be copied to {tempfile.gettempdir()} ({error.strerror}); set TMPDIR to a folder with space"
        ) from None
    except BaseException:
        folder.cleanup()
        raise
    return folder


def _check_journal(path: Path) -> None:
    """SQLite would delete a file that a journal names, and let the database grow to whatever size it asks for."""
    journal = Path(f"{path}{JOURNAL}")
    try:
        descriptor = os.open(journal, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        raise EvoFoolError(f"{journal}: {error.strerror}; check the permissions of {path.parent}") from None
    with os.fdopen(descriptor, "rb") as file:
        header = file.read(_JOURNAL_HEADER.size)
        size = os.fstat(descriptor).st_size
        file.seek(max(0, size - len(_MAGIC)))
        names_another = file.read(len(_MAGIC)) == _MAGIC and size > len(_MAGIC)
    if len(header) < _JOURNAL_HEADER.size or not any(header):
        return  # SQLite ignores it too
    magic, _, _, pages, _, page_size = _JOURNAL_HEADER.unpack(header)
    limit = -(-path.lstat().st_size // 65536) * 65536
    if names_another or (magic == _MAGIC and pages * page_size > limit):
        raise CorruptRunError(f"{journal} was not written by evo-fool; delete it, or restore a copy of the run")


def _copy(source: Path, target: Path) -> None:
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as reading, target.open("xb") as writing:
        size = os.fstat(descriptor).st_size
        start = 0
        while start < size:
            try:
                start = os.lseek(descriptor, start, os.SEEK_DATA)
                end = os.lseek(descriptor, start, os.SEEK_HOLE)
            except OSError as error:
                if error.errno == errno.ENXIO:  # nothing but a hole up to the end
                    break
                end = size  # a file system that knows of no holes
            if end - start > shutil.disk_usage(target.parent).free - _MARGIN:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            reading.seek(start)
            writing.seek(start)
            while start < end and (data := reading.read(min(_CHUNK, end - start))):
                writing.write(data)
                start += len(data)
            start = max(start, end)
        writing.truncate(size)


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a link"
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device or a socket"
