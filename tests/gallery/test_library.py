"""Which runs are served, and how they are opened."""

import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from evo_fool.errors import RunNotFoundError
from evo_fool.gallery.library import Library, RunGoneError, find_library, stamp
from evo_fool.runs.lock import writer


def test_runs_of_a_folder_newest_first(shelf: Path) -> None:
    (shelf / "notes.txt").write_text("no run")
    (shelf / "empty").mkdir()
    (shelf / "20200101T000000Z_old_aaaaaa").symlink_to(shelf / "cppn")
    assert list(Library(shelf).paths())[-1] == "20200101T000000Z_old_aaaaaa"
    assert set(Library(shelf, "cppn").paths()) == {"cppn"}
    with pytest.raises(RunNotFoundError):
        Library(shelf, "cppn").find("pixels")


def test_a_run_that_was_there(shelf: Path) -> None:
    library = Library(shelf)
    assert library.find("cppn") == shelf / "cppn"
    shutil.rmtree(shelf / "cppn")
    with pytest.raises(RunGoneError):
        library.find("cppn")
    with pytest.raises(RunNotFoundError) as never:
        library.find("never")
    assert not isinstance(never.value, RunGoneError)


def test_find_library(shelf: Path, workplace: Path) -> None:
    assert find_library(None, Path("outputs")).root == Path("outputs")
    assert (find_library(str(shelf), Path("outputs")).root, find_library(str(shelf), Path("x")).only) == (shelf, None)
    for text in (str(shelf / "cppn"), "cppn"):
        library = find_library(text, shelf)
        assert (library.root, library.only) == (shelf, "cppn")
    with pytest.raises(RunNotFoundError, match="nothing"):
        find_library("nothing", shelf)


def test_a_stamp_changes_with_the_run(shelf: Path) -> None:
    path = shelf / "cppn"
    seen = [stamp(path)]
    assert stamp(path) == seen[0]
    with sqlite3.connect(path / "run.sqlite3") as db:
        db.execute("UPDATE progress SET seconds = seconds + 1")
    db.close()
    seen.append(stamp(path))
    with writer(path):
        seen.append(stamp(path))
    shutil.rmtree(path)
    seen.append(stamp(path))
    assert len(set(seen)) == 4


def test_every_read_of_a_request_sees_one_state(shelf: Path) -> None:
    with Library(shelf).open("cppn") as run:
        before = run.generation
        db = sqlite3.connect(shelf / "cppn" / "run.sqlite3", isolation_level=None)
        db.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(sqlite3.OperationalError, match="locked"):  # a finished run is no longer in WAL mode
            db.execute("UPDATE progress SET generation = 99")
            db.execute("COMMIT")
        db.close()
        assert run.generation == before


def left_with_its_log(path: Path) -> None:
    """As a killed run looks when it was copied without the index of its log."""
    live = sqlite3.connect(path / "run.sqlite3", isolation_level=None)
    live.execute("PRAGMA journal_mode = WAL")
    live.execute("PRAGMA wal_autocheckpoint = 0")
    live.execute("UPDATE progress SET seconds = 1234.5")
    kept = path.parent / "kept"
    kept.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(path / f"run.sqlite3{suffix}", kept)
    live.close()
    for suffix in ("", "-wal"):
        shutil.copy(kept / f"run.sqlite3{suffix}", path)
    shutil.rmtree(kept)


def test_a_run_that_has_to_be_copied_is_copied_once(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left_with_its_log(shelf / "cppn")
    copies = 0
    really = shutil.copyfile

    def counted(*args: str) -> object:
        nonlocal copies
        copies += 1
        return really(*args)

    monkeypatch.setattr("evo_fool.runs.store.shutil.copyfile", counted)
    library = Library(shelf)

    def read() -> None:
        for _ in range(5):
            with library.open("cppn") as run:
                assert run.store.is_copy and run.store.progress()[2] == 1234.5

    read()
    assert copies == 2  # the file and its log
    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert copies == 2
    with library.open("cppn") as run:
        copy = run.store._copy
    assert copy is not None and Path(copy.name).is_dir()
    (shelf / "cppn" / "run.sqlite3-wal").touch()
    with library.open("cppn") as run:
        assert run.store.progress()[2] == 1234.5
    assert copies == 4 and not Path(copy.name).exists()
    library.close()
