"""What SQLite raises, as one line that names the cause and the remedy."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from evo_fool.atomic_write import FULL, what_is_full
from evo_fool.errors import CorruptRunError, EvoFoolError, RunLockedError

# A damaged file can make the sqlite3 module itself fail to decode a name or an error message.
DAMAGE = (sqlite3.Error, UnicodeDecodeError)

_NO_ROOM = ("SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_FSYNC")
"""What SQLite calls it when a file cannot be made or grow; which of these depends on the file."""

_RESTORE = "restore a copy, the rest cannot be trusted"


def explain(error: Exception, path: Path) -> EvoFoolError:
    """The error to raise for one of :data:`DAMAGE`.

    Args:
        error: what was caught.
        path: the database.
    """
    if isinstance(error, UnicodeDecodeError):
        return CorruptRunError(f"{path} is damaged: its text is not UTF-8; {_RESTORE}")
    name, folder = getattr(error, "sqlite_errorname", "") or "", path.parent
    if ("LOCK" in name and name.startswith("SQLITE_IOERR")) or name == "SQLITE_PROTOCOL":
        return EvoFoolError(
            f"{path}: the file system does not lock files ({name}); copy the run to a local disk, or keep runs there "
            "with --out DIR"
        )
    full = what_is_full(folder) if name in _NO_ROOM else ""
    if full or name == "SQLITE_FULL":
        return EvoFoolError(f"{path}: {full or FULL} and run: evo-fool resume {folder}")
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return EvoFoolError(f"{path}: cannot be opened ({error}); check the permissions of {folder}")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return RunLockedError(f"{path}: {error}; another program has it open for writing; try again when it is done")
    if name.startswith("SQLITE_IOERR"):
        return EvoFoolError(f"{path}: {error} ({name}); check the disk")
    if isinstance(error, sqlite3.DatabaseError):
        return CorruptRunError(f"{path} is damaged: {error}; {_RESTORE}")
    return EvoFoolError(f"{path}: {error}")
