"""Files in a run directory that are not what they seem: refused in one line, at once, and without filling the disk."""

import os
import shutil
import socket
import sqlite3
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support import small

from evo_fool.errors import CorruptRunError, EvoFoolError
from evo_fool.runs import digest, open_run
from evo_fool.runs.database_files import DATABASE, INDEX, JOURNAL, LOG
from evo_fool.runs.lock import LOCK_NAME
from evo_fool.session import evolve, resume

TERABYTE = 2**40


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = evolve(small(generations=2), out=tmp_path_factory.mktemp("files"))
    run.close()
    return run.path


@pytest.fixture
def victim(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "run"))


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_folder(path: Path) -> None:
    path.mkdir()


def make_link(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def make_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket has at most a hundred letters
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("make", [make_fifo, make_folder, make_link, make_dangling_link, make_socket])
@pytest.mark.parametrize("suffix", ["", LOG, INDEX, JOURNAL])
def test_only_plain_files_are_opened(suffix: str, make: Callable[[Path], None], victim: Path) -> None:
    path = Path(f"{victim / DATABASE}{suffix}")
    path.unlink(missing_ok=True)
    make(path)
    for read in (open_run, resume):
        with pytest.raises(CorruptRunError, match="not a file") as caught:
            read(victim)
        assert "\n" not in str(caught.value)


def logged(run: Path) -> None:
    """Put a database into WAL mode, as a killed run leaves it, without its log."""
    with sqlite3.connect(run / DATABASE) as database:
        database.execute("PRAGMA journal_mode = WAL")
    database.close()


@pytest.mark.parametrize("suffix", ["", LOG, INDEX, JOURNAL])
def test_a_file_that_only_claims_to_be_large_costs_nothing(
    suffix: str, victim: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged(victim)
    with Path(f"{victim / DATABASE}{suffix}").open("ab") as file:
        file.truncate(TERABYTE)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    began = time.monotonic()
    try:
        with open_run(victim) as run:
            run.summary()
            digest(run.store)
            used = sum(file.stat().st_blocks * 512 for file in temporary.rglob("*"))
            assert used < 10_000_000
    except EvoFoolError as error:
        assert "\n" not in str(error)
    assert time.monotonic() - began < 5
    assert not list(temporary.iterdir())


def test_a_log_that_does_not_fit_is_one_line(victim: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logged(victim)
    Path(f"{victim / DATABASE}{LOG}").write_bytes(bytes(100))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(EvoFoolError, match="set TMPDIR"):
        open_run(victim)


def hot_journal(run: Path, *, pages: int | None = None, page_size: int = 4096, tail: bytes = b"") -> Path:
    """Beside the database a journal that would put its first page back, as it is."""
    data = (run / DATABASE).read_bytes()
    page = data[:4096]
    nonce = 7
    checksum = (nonce + sum(page[i] for i in range(4096 - 200, 0, -200))) % 2**32
    magic = bytes.fromhex("d9d505f920a163d7")
    header = struct.pack(">8s5I", magic, 1, nonce, len(data) // 4096 if pages is None else pages, 512, page_size)
    journal = Path(f"{run / DATABASE}{JOURNAL}")
    journal.write_bytes(header.ljust(512, b"\0") + struct.pack(">I", 1) + page + struct.pack(">I", checksum) + tail)
    return journal


def test_a_journal_is_rolled_back_by_resume_and_read_around_by_everything_else(victim: Path, original: Path) -> None:
    journal = hot_journal(victim)
    database = (victim / DATABASE).read_bytes()
    torn = database[:100] + bytes(100) + database[200:]
    (victim / DATABASE).write_bytes(torn)
    before = sorted(entry.name for entry in victim.iterdir())
    with open_run(victim) as run, open_run(original) as whole:
        assert run.store.is_copy
        assert digest(run.store) == digest(whole.store)
    assert sorted(entry.name for entry in victim.iterdir()) == before
    assert (victim / DATABASE).read_bytes() == torn
    resume(victim).close()
    assert not journal.exists()
    with open_run(victim) as run, open_run(original) as whole:
        assert digest(run.store) == digest(whole.store)


def test_a_journal_never_deletes_the_file_that_it_names(victim: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    name = str(precious).encode()
    checksum = sum(byte - 256 if byte > 127 else byte for byte in name) % 2**32
    magic = bytes.fromhex("d9d505f920a163d7")
    pointer = struct.pack(">I", 4096 // 4096 + 2**30 // 4096) + name + struct.pack(">II", len(name), checksum) + magic
    hot_journal(victim, tail=pointer)
    for read in (open_run, resume):
        with pytest.raises(CorruptRunError, match="not written by evo-fool"):
            read(victim)
    assert precious.read_text() == "mine"


def test_a_journal_never_makes_the_database_grow(victim: Path) -> None:
    hot_journal(victim, pages=2**31)
    with pytest.raises(CorruptRunError, match="not written by evo-fool"):
        resume(victim)
    assert (victim / DATABASE).stat().st_size < 10_000_000


def test_one_bad_run_does_not_spoil_the_list(victim: Path, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from evo_fool.cli.main import main

    shutil.copytree(victim, workplace / "outputs" / "20260101T000000Z_good_aaaaaa")
    for i, make in enumerate((make_fifo, make_folder, make_link)):
        bad = workplace / "outputs" / f"20260101T00000{i}Z_bad_bbbbb{i}"
        shutil.copytree(victim, bad)
        make(Path(f"{bad / DATABASE}{LOG}"))
    assert main(["ls"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("damaged") == 3
    assert shown.count("finished") == 1


def test_a_lock_that_is_a_link_is_not_followed(victim: Path, tmp_path: Path) -> None:
    (victim / LOCK_NAME).unlink()
    (victim / LOCK_NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EvoFoolError):
        resume(victim, generations=4)
    assert not (tmp_path / "elsewhere").exists()
