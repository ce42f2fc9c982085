"""A file is whole under its name, or not there."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from evo_fool.atomic_write import why_not_written, write_whole
from evo_fool.errors import EvoFoolError


def test_it_makes_the_folder_and_replaces_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    write_whole(path, b"first")
    write_whole(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(path.parent.iterdir()) == [path]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"keep")
    (tmp_path / "link").symlink_to(precious)
    write_whole(tmp_path / "link", b"new")
    assert precious.read_bytes() == b"keep"
    assert not (tmp_path / "link").is_symlink()


def test_a_failure_leaves_the_old_file_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(EvoFoolError, match=r"file: No space left on device; free some space"):
        write_whole(path, b"new")
    assert [(each, each.read_bytes()) for each in tmp_path.iterdir()] == [(path, b"old")]


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(
        EvoFoolError,
        match=r"File exists; check that .*file is a folder that you may write to, or choose another place with --to",
    ):
        write_whole(tmp_path / "file" / "below", b"new", "--to")
    with pytest.raises(EvoFoolError) as caught:
        write_whole(tmp_path / "file" / "below", b"new")
    assert "--" not in str(caught.value)


def test_a_file_system_without_inodes_is_not_called_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = os.statvfs(tmp_path)
    monkeypatch.setattr("os.statvfs", lambda path: SimpleNamespace(f_files=known.f_files or 1, f_favail=0))
    assert "no inodes left" in why_not_written(OSError(errno.ENOSPC, "No space left on device"), tmp_path / "new")
    monkeypatch.setattr("os.statvfs", lambda path: SimpleNamespace(f_files=0, f_favail=0, f_bavail=9, f_frsize=1 << 20))
    assert "free some space" in why_not_written(OSError(errno.ENOSPC, "No space left on device"), tmp_path / "new")
