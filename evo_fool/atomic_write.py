"""Files for others to read: whole under their name, or not there."""

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
"""Bytes; with less free than this a database cannot be opened for writing."""


def write_whole(path: Path, data: bytes, option: str = "") -> None:
    """Write a file under a hidden name and rename it; what stood there before is replaced, never followed or cut short.

    Args:
        path: of the file; its folder is made where it is missing.
        data: its content.
        option: by which the user chooses another place, such as ``--to``; empty where there is none.

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
"""Takes the name of a file, relative to its folder, and its content."""


@contextmanager
def whole_folder(to: Path, option: str = "") -> Iterator[Put]:
    """Write several files that belong together; they appear when the ``with`` block ends, or not at all.

    A folder that is not there yet appears at once with all that is in it. In one that is there, files are moved into
    place in the order they were put, so put last what refers to the others.

    Args:
        to: the folder; made where it is missing.
        option: by which the user chooses another place, such as ``--to``; empty where there is none.

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
    """The cause of a failed write in ``folder``, and what helps: ``"No space left on device; free some space"``."""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return what_is_full(folder) or f"{reason}; free some space"
    return f"{reason}; check that {folder} is a folder that you may write to"


def what_is_full(folder: Path) -> str:
    """What the file system of a folder has run out of, space or inodes, and what helps; empty for neither."""
    try:
        found = os.statvfs(next(each for each in (folder, *folder.absolute().parents) if each.exists()))
    except OSError:
        return ""
    if found.f_files > 0 and not found.f_favail:  # file systems that make inodes as they need them count none
        return "the file system has no inodes left (df -i); delete some files"
    return FULL if found.f_bavail * found.f_frsize < _LITTLE else ""
