"""Ctrl-C, SIGTERM and SIGKILL, two writers at once, and a terminal: the command as a process."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

LONG = ["run", "tiny.yaml", "--generations", "1000000"]
Start = Callable[..., "subprocess.Popen[str]"]


def running(start: Start, *arguments: str) -> "subprocess.Popen[str]":
    """A started run that has finished its first generation."""
    process = start(*arguments)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("generation ")
    return process


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file but SQLite's shared memory, which holds no data and belongs to whoever looks; of that the name."""
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path: b"" if path.name.endswith("-shm") else path.read_bytes() for path in files}


def finished(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75), (signal.SIGHUP, 75)])
def test_first_signal_commits_and_stops(number: int, code: int, tiny: Path, start: Start, invoke_json: Any) -> None:
    process = running(start, *LONG)
    process.send_signal(number)
    returncode, out, err = finished(process)
    assert (returncode, err) == (code, "")
    assert "evo-fool resume" in out
    summary = invoke_json("show", "latest")
    assert summary["status"] == "stopped"
    more = str(summary["generation"] + 2)
    assert (
        invoke_json("resume", "latest", "--generations", more, "--classifier", "tiny.py:build")["status"] == "finished"
    )


def test_second_ctrl_c_stops_at_once_and_the_last_commit_stands(tiny: Path, start: Start, invoke_json: Any) -> None:
    slow = "import time\n" + (tiny / "tiny.py").read_text().replace(
        "torch.nn.Sequential(", "torch.nn.Sequential(Wait(), ", 1
    )
    slow = slow.replace(
        "def build",
        "class Wait(torch.nn.Module):\n    n = 0\n    def forward(self, x):\n        self.n += 1\n"
        "        if self.n > 26: open('asleep', 'w').close(); time.sleep(60)\n        return x\n\ndef build",
    )
    (tiny / "tiny.py").write_text(slow)
    process = running(start, *LONG)
    while not (tiny / "asleep").exists():  # in generation 3
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    returncode, out, err = finished(process)
    assert (returncode, err) == (130, "evo-fool: interrupted\n")
    assert "continue from the last commit: evo-fool resume" in out
    assert invoke_json("show", "latest")["generation"] == 2


@pytest.mark.alone
def test_any_number_of_sigterms_keeps_the_exit_code(tiny: Path, start: Start, invoke_json: Any) -> None:
    process = running(start, *LONG)
    while process.poll() is None:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.001)
    assert finished(process)[0] == 75
    assert invoke_json("show", "latest")["status"] == "stopped"


@pytest.mark.alone
def test_a_closed_terminal_stops_the_run_politely(tiny: Path, invoke_json: Any) -> None:
    child, terminal = pty.fork()
    if not child:
        os.execv(sys.executable, [sys.executable, "-m", "evo_fool", *LONG])
    seen = b""
    while b"generation " not in seen:
        seen += os.read(terminal, 65536)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 75
    assert invoke_json("show", "latest")["status"] == "stopped"


def test_a_killed_run_reads_as_interrupted_and_looking_creates_no_file(
    tiny: Path, start: Start, invoke: Any, invoke_json: Any
) -> None:
    process = running(start, *LONG)
    assert invoke_json("show", "latest")["status"] == "running"
    process.kill()
    process.wait()
    before = contents(tiny)
    assert invoke_json("ls")[0]["status"] == "interrupted"
    assert invoke_json("show", "latest")["status"] == "interrupted"
    assert len(invoke_json("digest", "latest")["digest"]) == 64
    assert invoke("verify", "latest", "--classifier", "tiny.py:build")[0] == 0
    assert contents(tiny) == before


def test_a_second_writer_is_exit_4(tiny: Path, start: Start, invoke: Any) -> None:
    running(start, *LONG)
    code, _, err = invoke("resume", "latest", "--classifier", "tiny.py:build")
    assert (code, err.count("\n")) == (4, 1)
    assert "another process" in err


def test_a_terminal_has_one_live_line(tiny: Path) -> None:
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    command = [sys.executable, "-m", "evo_fool", "run", "tiny.yaml", "--generations", "300"]
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    seen = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # the terminal is closed: the process has ended
            break
        if not chunk:
            break
        seen += chunk
    os.close(ours)
    assert process.wait() == 0
    text = seen.decode()
    assert "generation 300/300" in text
    assert "images/s" in text
    assert "left" in text
    assert "\x1b[2K" in text  # the line is erased and written again
    assert "finished at generation 300" in text
