"""A full disk and a read-only one: a small tmpfs in a mount namespace of the test's own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = f"'{sys.executable}' -m evo_fool"


def in_namespace(script: str) -> subprocess.CompletedProcess[str]:
    """Run shell lines where mounting is allowed and ends with the process."""
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )


@pytest.fixture(autouse=True)
def _can_mount(tmp_path: Path) -> None:
    try:
        possible = in_namespace(f"mount -t tmpfs none '{tmp_path}'").returncode == 0
    except OSError:
        possible = False
    if not possible:
        pytest.skip("needs user namespaces that may mount a tmpfs")


def test_a_full_disk_is_one_line_and_the_run_can_be_resumed(tiny: Path) -> None:
    result = in_namespace(f"""
        mkdir small whole; mount -t tmpfs -o size=400k none small
        {COMMAND} run tiny.yaml --generations 600 --out small >/dev/null 2>error; echo $?
        {COMMAND} show latest --out small --json | grep -c '"interrupted"'
        mount -o remount,size=50m small
        {COMMAND} resume latest --out small --classifier tiny.py:build >/dev/null; echo $?
        {COMMAND} run tiny.yaml --generations 600 --out whole >/dev/null
        {COMMAND} digest latest --out small; {COMMAND} digest latest --out whole
    """)
    first, interrupted, resumed, *digests = result.stdout.split()
    assert (first, interrupted, resumed) == ("1", "1", "0"), (tiny / "error").read_text()
    error = (tiny / "error").read_text()
    assert error.count("\n") == 1
    assert "disk is full" in error
    assert "evo-fool resume" in error
    assert digests[0] == digests[1]


def test_no_room_to_begin_with_is_one_line(tiny: Path) -> None:
    result = in_namespace(f"""
        mkdir small; mount -t tmpfs -o size=16k none small
        {COMMAND} run tiny.yaml --out small; echo $?; ls -A small
    """)
    assert result.stdout == "1\n"
    assert result.stderr.startswith("evo-fool: error: small")
    assert result.stderr.count("\n") == 1


def test_a_read_only_disk_can_be_looked_at_but_not_written(tiny: Path) -> None:
    result = in_namespace(f"""
        mkdir fixed; mount -t tmpfs none fixed
        {COMMAND} run tiny.yaml --out fixed >/dev/null
        mount -o remount,ro fixed
        {COMMAND} show latest --out fixed >/dev/null; echo $?
        {COMMAND} verify latest --out fixed --classifier tiny.py:build >/dev/null; echo $?
        {COMMAND} digest latest --out fixed >/dev/null; echo $?
        {COMMAND} run tiny.yaml --out fixed; echo $?
        {COMMAND} resume latest --out fixed --generations 9 --classifier tiny.py:build; echo $?
        {COMMAND} train lenet --data . --out fixed/new.safetensors; echo $?
        {COMMAND} doctor --out fixed | grep outputs
    """)
    *codes, doctor = result.stdout.splitlines()
    assert codes == ["0", "0", "0", "1", "1", "2"], result.stderr
    assert "FAILED" in doctor
    errors = result.stderr.splitlines()
    assert len(errors) == 3
    assert all(line.startswith("evo-fool: error: ") for line in errors)


def test_exports_and_pictures_on_a_full_or_read_only_disk_are_one_line_and_leave_nothing_half(tiny: Path) -> None:
    result = in_namespace(f"""
        mkdir small fixed; mount -t tmpfs -o size=4k none small
        {COMMAND} run tiny.yaml >/dev/null
        {COMMAND} export latest --to small/set --what all; echo $?
        {COMMAND} sheet latest --to small/sheet.png; echo $?
        {COMMAND} plot latest --to small/plot.png; echo $?
        {COMMAND} export latest --to set >/dev/null
        {COMMAND} import set --classifier tiny.py:build --out small; echo $?
        find small -name '*.part'
        mount -t tmpfs none fixed; cp -r outputs/* fixed; mount -o remount,ro fixed
        {COMMAND} export latest --out fixed --to read; echo $?
        {COMMAND} export latest --to fixed/set; echo $?
        {COMMAND} sheet latest --out fixed; echo $?
        {COMMAND} plot latest --out fixed --to plot.svg >/dev/null; echo $?
        {COMMAND} import set --classifier tiny.py:build --out fixed; echo $?
    """)
    assert result.stdout.split("\n") == [*"1111", "read: 3 files of 3 elites", *"01101", ""], result.stderr
    errors = result.stderr.splitlines()
    assert len(errors) == 7
    assert all(line.startswith("evo-fool: error: ") and ("--to" in line or "--out" in line) for line in errors), errors
