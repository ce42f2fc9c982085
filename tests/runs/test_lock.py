"""One writer a run, whatever happens to its lock file or its name."""

import errno
import fcntl
import shutil
from pathlib import Path

import pytest
from support import small

from evo_fool.errors import EvoFoolError, RunLockedError, RunNotFoundError
from evo_fool.runs import open_run
from evo_fool.runs.lock import LOCK_NAME, is_locked, writer
from evo_fool.session import Progress, evolve


def test_a_second_writer_is_refused_and_a_third_is_not(tmp_path: Path) -> None:
    with writer(tmp_path):
        assert is_locked(tmp_path)
        with pytest.raises(RunLockedError, match="being written by another process; wait"), writer(tmp_path):
            pass
    assert not is_locked(tmp_path)
    with writer(tmp_path):
        pass


def test_a_deleted_lock_file_lets_no_second_writer_in(tmp_path: Path) -> None:
    with writer(tmp_path):
        (tmp_path / LOCK_NAME).unlink()
        assert is_locked(tmp_path)
        with pytest.raises(RunLockedError, match=r"whose run\.lock was deleted"), writer(tmp_path):
            pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_no_locks_are_said_before_there_is_a_run(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(number, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(EvoFoolError) as caught:
        evolve(small(), out=tmp_path / "out")
    message = str(caught.value)
    assert "has no locks (No locks available); choose a folder on a local disk with --out" in message
    assert str(tmp_path / "out") in message
    assert list((tmp_path / "out").iterdir()) == []


def test_a_directory_that_cannot_be_locked_itself_is_locked_by_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock

    def flock(descriptor: int, how: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").is_dir():
            raise OSError(errno.EBADF, "Bad file descriptor")  # as on a network file system
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with writer(tmp_path), pytest.raises(RunLockedError), writer(tmp_path):
        pass


@pytest.mark.parametrize("deleted", [False, True])
def test_a_run_that_was_renamed_or_deleted_meanwhile_says_so(deleted: bool, tmp_path: Path) -> None:
    moved = tmp_path / "moved"

    def away(progress: Progress) -> None:
        if progress.generation == 2:
            shutil.rmtree(progress.path) if deleted else progress.path.rename(moved)

    with pytest.raises(RunNotFoundError) as caught:
        evolve(small(), out=tmp_path / "out", callbacks=[away])
    if deleted:
        assert "was deleted while it was written" in str(caught.value)
        return
    assert f"was renamed while it was written; all of it is in its new place: evo-fool show {moved}" in str(
        caught.value
    )
    with open_run(moved) as run:
        assert run.status == "finished"
