"""A real browser, and the real command that it looks at. Without a browser these tests are skipped with the reason."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from support import small, write_photographs

from evo_fool.session import evolve

CHROMIUM = os.environ.get("EVO_FOOL_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")

PATIENCE = 600.0
"""Seconds; a busy machine gives a process of low priority, which draws and asks classifiers, very little."""

Open = Callable[..., Any]

_ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser. Not for longer than a module: its event loop would be in the way of other tests."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium: apt-get install chromium, or set EVO_FOOL_CHROMIUM")
    with playwright.sync_playwright() as started:
        # Its sandbox does not start for root, as which containers run.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = started.chromium.launch(executable_path=CHROMIUM, args=arguments, timeout=1000 * PATIENCE)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Open]:
    """Opens an address in a window of its own: ``open_page(url, **options of the context)``.

    Afterwards no page may have had an error in its console, a request that failed, or one that left its host.
    """
    complaints: list[str] = []
    contexts = []

    def open_(url: str, **options: Any) -> Any:
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        home = urlsplit(url)[:2]

        def asked(request: Any) -> None:
            if urlsplit(request.url)[:2] != home and not request.url.startswith("blob:"):
                complaints.append(f"{request.url} was asked for by {url}")

        def failed(request: Any) -> None:
            if "ERR_ABORTED" not in (request.failure or ""):  # overtaken by the next one, or by leaving the page
                complaints.append(f"{request.url}: {request.failure}")

        page.on("request", asked)
        page.on("requestfailed", failed)
        page.on("response", lambda answer: answer.status >= 400 and complaints.append(f"{answer.status} {answer.url}"))
        page.on("console", lambda said: said.type == "error" and complaints.append(f"console: {said.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}") or dialog.dismiss())
        page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def until() -> Callable[[Any, str], None]:
    """Waits until an expression is true on a page: ``until(page, expression)``.

    Playwright's own way evaluates in the page, which the content security policy forbids.
    """

    def wait(page: Any, expression: str, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while not _true(page, expression):
            assert time.monotonic() < deadline, f"never true: {expression}"
            page.wait_for_timeout(50)

    return wait


def _true(page: Any, expression: str) -> bool:
    from playwright.sync_api import Error

    try:
        return bool(page.evaluate(expression))
    except Error as error:
        if "navigation" not in str(error):
            raise
        return False  # the page is being left for the one that is waited for


def _command(*arguments: str, cwd: Path, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "evo_fool", *arguments]
    return subprocess.Popen(command, cwd=cwd, text=True, env=_ENVIRONMENT, **options)


def _serve(folder: Path) -> Iterator[str]:
    """The address of ``evo-fool gallery`` over a folder of runs."""
    server = _command("gallery", str(folder), "--port", "0", "--json", cwd=folder, stdout=subprocess.PIPE)
    assert server.stdout
    text = ""
    while not text.endswith("}\n"):
        line = server.stdout.readline()
        assert line, f"the gallery has ended: {text}"
        text += line
    yield json.loads(text)["url"].rstrip("/")
    server.send_signal(signal.SIGINT)
    assert server.wait(120) == 0


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, cppn_run: Path, pixels_run: Path) -> Path:
    """A folder of runs that are finished: ``cppn``, ``pixels``, and one that is damaged."""
    folder = tmp_path_factory.mktemp("shelf")
    for name, path in (("cppn", cppn_run), ("pixels", pixels_run)):
        shutil.copytree(path, folder / name)
    (folder / "damaged").mkdir()
    (folder / "damaged/run.sqlite3").write_bytes(b"SQLite format 3\0" + b"rubbish" * 100)
    return folder


@pytest.fixture(scope="module")
def gallery(shelf: Path) -> Iterator[str]:
    """The address of the gallery over ``shelf``."""
    yield from _serve(shelf)


@pytest.fixture(scope="module")
def evolving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the page of a run that is evolving."""
    folder = tmp_path_factory.mktemp("evolving")
    settings = ["-S", "generations=1000000", "-S", "batch=50"]
    run = _command("run", "mnist-pixels", *settings, "--out", str(folder), cwd=folder, stderr=subprocess.DEVNULL)
    for address in _serve(folder):
        deadline = time.monotonic() + 240
        # A run in the making has a hidden name until its first commit.
        while not (found := [path for path in folder.glob("[!.]*") if (path / "run.sqlite3").exists()]):
            assert time.monotonic() < deadline and run.poll() is None, "the run does not begin"
            time.sleep(0.1)
        yield f"{address}/runs/{found[0].name}"
        run.send_signal(signal.SIGINT)
        run.wait(30)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the gallery over ``added``, a run over photographs, and ``program``, one over task images."""
    folder = tmp_path_factory.mktemp("scenes")
    added = {"kind": "perturbation", "photos": str(write_photographs(folder / "photographs", 4)), "epsilon": 60}
    program = {"kind": "program", "inner": 12, "count": 20, "held_out": 20}
    (folder / "runs").mkdir()
    for name, scene in (("added", added), ("program", program)):
        with evolve(small("pixels", generations=3, scene=scene), out=folder) as made:
            path = made.path
        path.rename(folder / "runs" / name)
    yield from _serve(folder / "runs")
