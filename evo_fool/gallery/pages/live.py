"""The changes of a run as server-sent events: the captures since the page was made.

Once a second, or less often where looking takes long, the server asks the file system whether the run has committed,
and reads it only then: being watched costs a run next to nothing.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
from anyio import to_thread

from evo_fool.errors import EvoFoolError, RunNotFoundError
from evo_fool.gallery.data.lru import Recent
from evo_fool.gallery.data.run_header import run_facts
from evo_fool.gallery.data.run_registry import Library, Stamp, stamp
from evo_fool.gallery.pages.grid import make_tiles
from evo_fool.gallery.responses import json_bytes
from evo_fool.gallery.urls import Urls
from evo_fool.runs.history import Archive
from evo_fool.runs.run import Run

INTERVAL = 1.0
"""Seconds between two looks."""

_SHARE = 0.01
"""Largest share of one core's time that looking may take."""

_HEARTBEAT = 15.0

RUNNING = "running"


class Live:
    """Follows runs; streams of the same run share the work.

    Args:
        library: the runs.
        urls: of what the events refer to.
        interval: seconds between two looks.
    """

    def __init__(self, library: Library, urls: Urls, interval: float = INTERVAL) -> None:
        self._library = library
        self._urls = urls
        self._interval = interval
        self._known: Recent[tuple[Stamp, int], dict[str, Any]] = Recent(64)
        self._waits: set[anyio.CancelScope] = set()
        self._closed = False

    def close(self) -> None:
        """End all streams at once, from the event loop; threads that they wait for finish by themselves."""
        self._closed = True
        for wait in self._waits:
            wait.cancel()

    async def pause(self, seconds: float) -> bool:
        """Sleep, until the end at the latest; returns whether that has come."""
        with self._until_closed():
            await anyio.sleep(seconds)
        return self._closed

    @contextmanager
    def _until_closed(self) -> Iterator[None]:
        """Waits inside are cancelled at the end."""
        with anyio.CancelScope() as wait:
            self._waits.add(wait)
            if self._closed:
                wait.cancel()
            try:
                yield
            finally:
                self._waits.discard(wait)

    async def events(self, name: str, since: int) -> AsyncIterator[bytes]:
        """The stream of a run after generation ``since``: ``archive`` events, and ``end`` when it no longer runs.

        Comments in between reveal closed connections.
        """
        seen: Stamp | None = None
        spoken = time.monotonic()
        yield b"retry: 2000\n\n"
        while not self._closed:
            began = time.monotonic()
            try:
                change = None
                with self._until_closed():
                    now = await to_thread.run_sync(self._look, name, abandon_on_cancel=True)
                    if now != seen:
                        change = await to_thread.run_sync(self._change, name, now, since, abandon_on_cancel=True)
                        seen = now
                if change is not None:
                    if change["generation"] > since or change["status"] != RUNNING:
                        since, spoken = change["generation"], began
                        yield _event("archive", change)
                    if change["status"] != RUNNING:
                        yield _event("end", {"status": change["status"]})
                        return
            except EvoFoolError as error:
                gone = isinstance(error, RunNotFoundError)
                yield _event("end", {"status": "deleted" if gone else "damaged", "error": self._library.public(error)})
                return
            if began - spoken >= _HEARTBEAT:
                spoken = began
                yield b": still there\n\n"
            await self.pause(max(self._interval, (time.monotonic() - began) / _SHARE))

    def _look(self, name: str) -> Stamp:
        return stamp(self._library.find(name))

    def _change(self, name: str, now: Stamp, since: int) -> dict[str, Any]:
        known = self._known.get((now, since))
        if known is not None:
            return known
        with self._library.open(name) as run:
            return self._known.put((now, since), change_since(run, since, self._urls))


def change_since(run: Run, since: int, urls: Urls) -> dict[str, Any]:
    """The data of an ``archive`` event: the state of the run, and the tiles of the classes captured after ``since``.

    ``generation``, ``status``, ``occupied``, ``median_percent``, ``at_least``, ``images_per_second`` as in
    :class:`.RunFacts`; ``sheets`` as in :class:`.Sprites`; ``changed``, a list of :class:`.Tile`.
    """
    facts = run_facts(run, urls)
    sprites, tiles = make_tiles(run, Archive.current(run), urls)
    told = ("generation", "status", "occupied", "median_percent", "at_least", "images_per_second")
    return {
        **{key: facts[key] for key in told},  # type: ignore[literal-required]
        "sheets": sprites["sheets"],
        "changed": [tile for tile in tiles if tile["captured"] is not None and tile["captured"] > since],
    }


def _event(name: str, data: dict[str, Any]) -> bytes:
    # JSON has no line breaks outside of strings, and writes those inside as \n.
    return b"event: %s\ndata: %s\n\n" % (name.encode(), json_bytes(data))
