"""Which runs are served, and how they are opened."""

import shutil
import sqlite3
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from evo_fool.errors import RunNotFoundError
from evo_fool.gallery.app import Gallery
from evo_fool.gallery.data.run_registry import Library, RunGoneError, find_library, stamp
from evo_fool.runs import store_reader
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
    really = store_reader.private_copy

    def counted(path: Path) -> object:
        nonlocal copies
        copies += 1
        return really(path)

    monkeypatch.setattr(store_reader, "private_copy", counted)
    library = Library(shelf)

    def read() -> None:
        for _ in range(5):
            with library.open("cppn") as run:
                assert run.path == shelf / "cppn" and run.store.progress()[2] == 1234.5

    read()
    assert copies == 1
    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert copies == 1
    (folder,) = _folders(library)
    assert folder.is_dir()
    (shelf / "cppn" / "run.sqlite3-wal").touch()
    with library.open("cppn") as run:
        assert run.store.progress()[2] == 1234.5
    assert copies == 2 and not folder.exists()
    library.close()


def _folders(library: Library) -> list[Path]:
    """Where the private copies are."""
    return [copy.folder for copy in library._copies._copies.values()]


def test_a_copy_goes_with_its_last_reader(shelf: Path) -> None:
    left_with_its_log(shelf / "cppn")
    library = Library(shelf)
    with library.open("cppn") as outer:
        (folder,) = _folders(library)
        (shelf / "cppn" / "run.sqlite3-wal").touch()
        with library.open("cppn") as inner:
            (other,) = _folders(library)
            library.close()
            assert other != folder and inner.store.progress() == outer.store.progress()
        assert folder.is_dir() and not other.exists()
    assert not folder.exists()


def test_a_copy_that_was_tidied_away_is_made_again(shelf: Path) -> None:
    left_with_its_log(shelf / "cppn")
    library = Library(shelf)
    for _ in range(2):
        with library.open("cppn") as run:
            assert run.store.progress()[2] == 1234.5
        (folder,) = _folders(library)
        shutil.rmtree(folder)
    library.close()


def test_only_so_many_copies_are_kept(shelf: Path) -> None:
    left_with_its_log(shelf / "cppn")
    names = [f"cppn{i}" for i in range(5)]
    for name in names:
        shutil.copytree(shelf / "cppn", shelf / name)
    library = Library(shelf)
    with ExitStack() as stack:
        folders: list[Path] = []
        for name in names:
            stack.enter_context(library.open(name))
            folders.append(_folders(library)[-1])
        assert all(folder.is_dir() for folder in folders)
    assert [folder.is_dir() for folder in folders] == [False, False, True, True, True]
    library.close()
    assert not any(folder.is_dir() for folder in folders)


@pytest.mark.parametrize(("runs", "clients"), [(1, 1), (4, 1), (4, 3)])
def test_killed_runs_are_compared_with_themselves_and_each_other(shelf: Path, runs: int, clients: int) -> None:
    left_with_its_log(shelf / "cppn")
    names = ["cppn", *(f"cppn{i}" for i in range(1, runs))]
    for name in names[1:]:
        shutil.copytree(shelf / "cppn", shelf / name)
    comparisons = [f"/compare.json?runs={','.join(order)}" for order in (["cppn"], names, names[::-1])]
    pages = [*(f"/runs/{name}.json" for name in names), *comparisons, "/index.json"]
    library = Library(shelf)
    gallery = Gallery(library)
    statuses: list[int] = []

    def ask(pages: list[str]) -> None:
        # Each with an event loop of its own, in a thread that does not keep a failed test from ending.
        client = TestClient(gallery, base_url="http://localhost")
        statuses.extend(client.get(page).status_code for page in pages)

    threads = [threading.Thread(target=ask, args=(way,), daemon=True) for way in (pages, pages[::-1], pages)[:clients]]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 120
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    assert statuses == [200] * (clients * len(pages)), "a request has not returned"
    library.close()
