"""The real command, as it is typed."""

import json
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from evo_fool.cli.main import main
from evo_fool.gallery.data.worker import WAITING
from evo_fool.gallery.security import own_names
from evo_fool.gallery.server import address_of, listen
from evo_fool.runs.lock import writer

PATIENCE = 120
"""Seconds that a busy machine may take."""


@contextmanager
def started(
    *arguments: str, program: tuple[str, ...] = ("-m", "evo_fool")
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The command with ``--json``, once it listens, and what it said."""
    command = [sys.executable, *program, "gallery", *arguments, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = []
        while not lines or lines[-1] not in ("}\n", ""):
            lines.append(process.stdout.readline())
        try:
            yield process, json.loads("".join(lines))
        finally:
            process.kill()


def opened(url: str) -> Any:
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=PATIENCE)


def fetch(url: str) -> Any:
    with opened(url) as answer:
        return json.load(answer)


def ask(url: str) -> socket.socket:
    """A browser that has asked for an address."""
    at = urlsplit(url)
    browser = socket.create_connection((str(at.hostname), int(at.port or 0)))
    browser.sendall(f"GET {at.path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
    return browser


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_it_is_ended(shelf: Path, how: signal.Signals) -> None:
    with started(str(shelf), "--port", "0") as (process, said):
        assert said["runs"] == 2 and said["url"].startswith("http://127.0.0.1:")
        assert fetch(f"{said['url']}index.json")["total"] == 2
        process.send_signal(how)
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None and process.stderr.read() == ""


@pytest.mark.alone
def test_ends_at_once_while_a_browser_watches(shelf: Path) -> None:
    with writer(shelf / "cppn"), started(str(shelf), "--port", "0") as (process, said):
        with opened(f"{said['url']}runs/cppn/events?since=12") as stream:
            assert stream.readline() == b"retry: 2000\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0
        assert process.stderr is not None and process.stderr.read() == ""


SLOW = """
import sys, time
from pathlib import Path
from evo_fool.cli.main import main
from evo_fool.gallery.pages import live
from evo_fool.gallery.pages import endpoints as pages
from evo_fool.gallery.data import tasks

def slow(*_):
    Path({begun!r}).touch()
    time.sleep({seconds})
    return {{"generation": 0, "status": "running"}}

if __name__ == "__main__":
    import slowed
    {name} = slowed.slow
    sys.exit(main(sys.argv[1:]))
"""


def begun(shelf: Path) -> Path:
    """A file that is there when the slow function has begun; stdout is for JSON alone."""
    return shelf.parent / "begun"


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} was never made"
        time.sleep(0.01)


@contextmanager
def slowed(shelf: Path, name: str, seconds: float) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The command, of which one function takes long and says when it begins."""
    script = shelf.parent / "slowed.py"
    script.write_text(SLOW.format(name=name, seconds=seconds, begun=str(begun(shelf))))
    with started(str(shelf), "--port", "0", program=(str(script),)) as (process, said):
        yield process, said


@pytest.mark.alone
@pytest.mark.parametrize(
    ("slow", "address"), [("live.change_since", "runs/cppn/events"), ("pages.plots_page", "runs/cppn/plots")]
)
def test_ends_without_a_word_while_a_run_is_read_for_long(shelf: Path, slow: str, address: str) -> None:
    with writer(shelf / "cppn"), slowed(shelf, slow, 4) as (process, said):
        with ask(f"{said['url']}{address}"):
            wait_for(begun(shelf))
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0
        assert process.stderr is not None and process.stderr.read() == ""


@pytest.mark.alone
def test_images_are_not_drawn_for_browsers_that_have_left(shelf: Path) -> None:
    with slowed(shelf, "tasks.render", 50) as (_, said):
        id = fetch(f"{said['url']}runs/cppn/classes/3.json")["individual"]
        browsers = [ask(f"{said['url']}runs/cppn/images/{id}/2048.png") for _ in range(60)]
        wait_for(begun(shelf))
        for browser in browsers:
            browser.close()
        left = time.monotonic()
        assert fetch(f"{said['url']}runs/cppn/individuals/{id}/genome.json")["individual"] == id
        assert time.monotonic() - left < 45, "what is at work goes on for five seconds, what waits is not begun"


@pytest.mark.alone
def test_too_much_at_once_is_said_within_five_seconds(shelf: Path) -> None:
    with slowed(shelf, "tasks.render", 50) as (_, said):
        id = fetch(f"{said['url']}runs/cppn/classes/3.json")["individual"]
        browsers = [ask(f"{said['url']}runs/cppn/images/{id}/2048.png") for _ in range(60)]
        deadline = time.monotonic() + 5
        refused: list[socket.socket] = []
        while len(refused) < 60 - WAITING:
            ready = select.select(browsers, [], [], max(0.0, deadline - time.monotonic()))[0]
            assert ready, f"{len(refused)} of 60 have been answered"
            assert all(browser.recv(12) == b"HTTP/1.1 503" for browser in ready)
            refused += ready
            browsers = [browser for browser in browsers if browser not in ready]


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
