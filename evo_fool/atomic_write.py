"""Atomic writing: a file or folder appears complete under its name, or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from evo_fool.errors import EvoFoolError

FULL = "the disk is full; free some space"

_LITTLE = 1 << 16
"""Bytes; with less free space a database cannot be opened for writing."""


def write_whole(path: Path, data: bytes, option: str = "") -> None:
    """Write a file under a hidden name and rename it; an existing file or link is replaced, not followed or truncated.

    Args:
        path: the file; a missing folder is made.
        data: its content.
        option: the option that chooses another place, such as ``--to``; empty if there is none.

    Raises:
        EvoFoolError: the folder cannot be made or written, or the disk is full; nothing is left behind.
    """
    draft = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("xb") as file:
                file.write(data)
            os.replace(draft, path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        another = f", or choose another place with {option}" if option else ""
        raise EvoFoolError(f"{path}: {why_not_written(error, path.parent)}{another}") from None


Put = Callable[[str, bytes], None]
"""Takes the path of a file, relative to the folder, and its content."""


@contextmanager
def whole_folder(to: Path, option: str = "") -> Iterator[Put]:
    """Write several files that belong together; they appear when the ``with`` block ends, or not at all.

    A new folder appears at once with all its files. In an existing one, files are moved into place in the order in
    which they were put, so put a file after those that it refers to.

    Args:
        to: the folder; made if it is missing.
        option: the option that chooses another place, such as ``--to``; empty if there is none.

    Raises:
        EvoFoolError: the folder cannot be made or written, or the disk is full; nothing is left behind.
    """
    draft = (to if to.is_dir() else to.parent) / f".{secrets.token_hex(8)}.part"
    names: dict[str, None] = {}  # in order, each once

    def put(name: str, data: bytes) -> None:
        file = draft / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        names[name] = None

    try:
        try:
            yield put
            if names and not to.exists():
                draft.rename(to)
            for name in names if draft.exists() else ():
                (to / name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(draft / name, to / name)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        another = f", or choose another place with {option}" if option else ""
        raise EvoFoolError(f"{to}: {why_not_written(error, to.parent)}{another}") from None


def why_not_written(error: OSError, folder: Path) -> str:
    """The cause of a failed write in ``folder``, and the remedy: ``"the disk is full; free some space"``."""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return what_is_full(folder) or f"{reason}; free some space"
    return f"{reason}; check that {folder} is a folder that you may write to"


def what_is_full(folder: Path) -> str:
    """Whether a folder's file system has run out of space or inodes, with the remedy; empty if neither."""
    try:
        found = os.statvfs(next(each for each in (folder, *folder.absolute().parents) if each.exists()))
    except OSError:
        return ""
    if found.f_files > 0 and not found.f_favail:  # file systems that make inodes as they need them count none
        return "the file system has no inodes left (df -i); delete some files"
    return FULL if found.f_bavail * found.f_frsize < _LITTLE else ""
