"""The real command, as it is typed."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from evo_fool.cli.main import main
from evo_fool.gallery.security import own_names
from evo_fool.gallery.server import address_of, listen
from evo_fool.runs.lock import writer


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The command with ``--json``, once it listens, and what it said."""
    command = [sys.executable, "-m", "evo_fool", "gallery", *arguments, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = []
        while not lines or lines[-1] not in ("}\n", ""):
            lines.append(process.stdout.readline())
        try:
            yield process, json.loads("".join(lines))
        finally:
            process.kill()


def fetch(url: str) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=20) as answer:
        return json.load(answer)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_it_is_ended(shelf: Path, how: signal.Signals) -> None:
    with started(str(shelf), "--port", "0") as (process, said):
        assert said["runs"] == 2 and said["url"].startswith("http://127.0.0.1:")
        assert fetch(f"{said['url']}index.json")["total"] == 2
        process.send_signal(how)
        assert process.wait(20) == 0
        assert process.stderr is not None and process.stderr.read() == ""


def test_ends_at_once_while_somebody_watches(shelf: Path) -> None:
    with writer(shelf / "cppn"), started(str(shelf), "--port", "0") as (process, said):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{said['url']}runs/cppn/events?since=12", timeout=20) as stream:
            assert stream.readline() == b"retry: 2000\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        assert process.stderr is not None and process.stderr.read() == ""


def test_one_run(shelf: Path) -> None:
    with started("cppn", "--out", str(shelf), "--port", "0") as (_, said):
        assert said["url"].endswith("/runs/cppn") and said["runs"] == 1
        assert fetch(f"{said['url']}.json")["run"]["run"] == "cppn"


def test_a_port_that_is_taken(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["gallery", str(shelf), "--port", str(taken.getsockname()[1])]) == 1
    assert "--port" in capsys.readouterr().err


def test_the_usual_port_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr("evo_fool.gallery.server.DEFAULT_PORT", taken.getsockname()[1])
        with listen("127.0.0.1", None) as listener:
            assert listener.getsockname()[1] != taken.getsockname()[1]
            assert address_of("127.0.0.1", listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_elsewhere_is_warned_of(
    shelf: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("evo_fool.gallery.server.serve", lambda *_: None)
    assert main(["gallery", str(shelf), "--port", "0"]) == 0
    assert "warning" not in capsys.readouterr().err
    assert main(["gallery", str(shelf), "--port", "0", "--host", "0.0.0.0"]) == 0
    said = capsys.readouterr()
    assert "no password" in said.err and "http://localhost:" in said.out
    assert socket.gethostname().lower() in own_names("0.0.0.0") and "example.org" in own_names("example.org")


@pytest.mark.parametrize(
    ("arguments", "code"), [(["nothing"], 3), ([".", "--host", "no such host"], 1), ([".", "--port", "99999"], 2)]
)
def test_what_cannot_be_served(workplace: Path, arguments: list[str], code: int) -> None:
    assert main(["gallery", *arguments]) == code
