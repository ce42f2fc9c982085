"""What SQLite raises becomes one line of the right kind; the errors are SQLite's own where they can be provoked."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from evo_fool.errors import CorruptRunError, EvoFoolError, RunLockedError
from evo_fool.runs.sqlite_errors import explain


def named(name: str, kind: type[sqlite3.Error] = sqlite3.OperationalError) -> sqlite3.Error:
    error = kind("what SQLite says")
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("name", "kind", "remedy"),
    [
        ("SQLITE_FULL", EvoFoolError, "evo-fool resume"),
        ("SQLITE_IOERR_LOCK", EvoFoolError, "does not lock files"),
        ("SQLITE_PROTOCOL", EvoFoolError, "does not lock files"),
        ("SQLITE_READONLY", EvoFoolError, "check the permissions"),
        ("SQLITE_CANTOPEN", EvoFoolError, "check the permissions"),
        ("SQLITE_BUSY_SNAPSHOT", RunLockedError, "try again when it is done"),
        ("SQLITE_IOERR_READ", EvoFoolError, "check the disk"),
        ("SQLITE_CORRUPT", CorruptRunError, "restore a copy"),
    ],
)
def test_each_cause_has_its_remedy(name: str, kind: type[EvoFoolError], remedy: str, tmp_path: Path) -> None:
    found = explain(named(name), tmp_path / "run.sqlite3")
    assert type(found) is kind
    assert remedy in str(found)
    assert str(tmp_path) in str(found)
    assert "\n" not in str(found)


def test_a_file_that_is_no_database_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite3"
    path.write_bytes(b"no database" * 500)
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.Error) as caught:
        connection.execute("SELECT * FROM sqlite_master")
    assert type(explain(caught.value, path)) is CorruptRunError


def test_a_lock_is_a_lock(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite3"
    with closing(sqlite3.connect(path)) as one, closing(sqlite3.connect(path, timeout=0)) as other:
        one.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.Error) as caught:
            other.execute("BEGIN EXCLUSIVE")
    assert type(explain(caught.value, path)) is RunLockedError


def test_text_that_is_not_utf8_is_damage(tmp_path: Path) -> None:
    error = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
    found = explain(error, tmp_path / "run.sqlite3")
    assert type(found) is CorruptRunError
    assert "not UTF-8" in str(found)
