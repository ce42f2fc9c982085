"""Following a run that goes on: what is told when, and what it costs."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.testclient import TestClient

from evo_fool.gallery.data.run_registry import Library
from evo_fool.gallery.pages.live import Live
from evo_fool.gallery.urls import Urls
from evo_fool.runs.lock import writer


@pytest.fixture
def running(shelf: Path) -> Iterator[Path]:
    """A run that is held for writing."""
    with writer(shelf / "cppn"):
        yield shelf / "cppn"


def events(content: str) -> list[tuple[str, dict[str, Any]]]:
    """Name and data of each event."""
    found = []
    for block in content.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
        if "event" in lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


async def _next(stream: Any) -> tuple[str, dict[str, Any]]:
    while True:
        with anyio.fail_after(10):
            told = events((await anext(stream)).decode())
        if told:
            return told[0]


def test_a_finished_run_tells_what_the_page_does_not_know_and_ends(client: TestClient) -> None:
    (name, change), (last, end) = events(client.get("/runs/cppn/events?since=5").text)
    assert (name, last) == ("archive", "end") and end == {"status": "finished"}
    tiles = client.get("/runs/cppn.json").json()
    assert change["changed"] == [tile for tile in tiles["tiles"] if tile["captured"] > 5]
    assert change["sheets"] == tiles["sprites"]["sheets"] and change["generation"] == 12
    assert events(client.get("/runs/cppn/events?since=12").text)[0][1]["changed"] == []
    assert client.get("/runs/nothing/events").status_code == 404


def test_a_page_of_a_running_run_has_the_stream(client: TestClient, running: Path) -> None:
    data = client.get("/runs/cppn.json").json()
    assert data["run"]["status"] == "running" and data["events"] == "/runs/cppn/events?since=12"
    assert client.get("/runs/cppn.json?generation=3").json()["events"] is None


def test_captures_are_told(running: Path, change: Callable[..., None]) -> None:
    live = Live(Library(running.parent), Urls(), interval=0.01)

    async def watch() -> None:
        stream = live.events("cppn", 12)
        assert await anext(stream) == b"retry: 2000\n\n"
        for generation in (13, 14):
            change(running, "INSERT INTO captures SELECT ?, 3, id, id, 99.0 FROM cells WHERE class = 3", (generation,))
            change(running, "UPDATE cells SET log_odds = 99.0, generation = ? WHERE class = 3", (generation,))
            change(running, "UPDATE progress SET generation = ?", (generation,))
            name, told = await _next(stream)
            while told["generation"] < generation:
                name, told = await _next(stream)
            assert (name, told["status"]) == ("archive", "running")
            assert [tile["class"] for tile in told["changed"]] == [3]
        live.close()
        assert [event async for event in stream] == []

    anyio.run(watch)


def test_a_run_that_is_not_written_is_not_opened(running: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live(Library(running.parent), Urls(), interval=0.005)
    opened = 0
    really = Live._change

    def counted(self: Live, *args: Any) -> dict[str, Any]:
        nonlocal opened
        opened += 1
        return really(self, *args)

    monkeypatch.setattr(Live, "_change", counted)

    async def watch() -> None:
        with anyio.move_on_after(0.5):
            async for _ in live.events("cppn", 12):
                pass

    anyio.run(watch)
    assert opened == 1


def _told_after(path: Path, happening: Callable[[], None]) -> list[tuple[str, dict[str, Any]]]:
    """The events after generation 12 when, after a while, something happens."""
    live = Live(Library(path.parent), Urls(), interval=0.01)

    async def watch() -> list[tuple[str, dict[str, Any]]]:
        told: list[tuple[str, dict[str, Any]]] = []

        async def listen() -> None:
            async for block in live.events(path.name, 12):
                told.extend(events(block.decode()))

        async with anyio.create_task_group() as group:
            group.start_soon(listen)
            await anyio.sleep(0.2)
            assert told == []
            happening()
        return told

    return anyio.run(watch)


def test_a_run_that_ends(shelf: Path) -> None:
    with ExitStack() as stack:
        stack.enter_context(writer(shelf / "cppn"))
        told = _told_after(shelf / "cppn", stack.close)
    assert [name for name, _ in told] == ["archive", "end"] and told[-1][1] == {"status": "finished"}


def test_a_run_that_is_deleted(running: Path) -> None:
    ((name, end),) = _told_after(running, (running / "run.sqlite3").unlink)
    assert name == "end" and end["status"] == "deleted" and "deleted" in end["error"]


def test_a_run_that_breaks(running: Path) -> None:
    ((name, end),) = _told_after(running, lambda: (running / "run.sqlite3").write_bytes(b"x" * 5000) and None)
    assert name == "end" and end["status"] == "damaged" and str(running) not in end["error"]
