"""What changes in a run, as server-sent events: who took which class since the page was made.

A run is looked at about once a second, and less often the longer looking takes, so that being watched costs it next to
nothing. Without a commit no look goes further than asking the file system.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
from anyio import to_thread

from evo_fool.errors import EvoFoolError, RunNotFoundError
from evo_fool.gallery.data.kept import kept_members
from evo_fool.gallery.data.lru import Recent
from evo_fool.gallery.data.run_header import run_facts
from evo_fool.gallery.data.run_registry import Library, Stamp, stamp
from evo_fool.gallery.pages.grid import make_tiles, plan_sprites
from evo_fool.gallery.responses import json_bytes
from evo_fool.gallery.urls import Addresses
from evo_fool.runs.history import Archive
from evo_fool.runs.run import Run

INTERVAL = 1.0
"""Seconds between two looks."""

_SHARE = 0.01
"""Looking may take this share of the time of one core."""

_HEARTBEAT = 15.0

RUNNING = "running"


class Live:
    """Follows runs for whoever watches; several who watch the same run share the work.

    Args:
        library: the runs.
        addresses: where everything is found.
        interval: seconds between two looks.
    """

    def __init__(self, library: Library, addresses: Addresses, interval: float = INTERVAL) -> None:
        self._library = library
        self._addresses = addresses
        self._interval = interval
        self._known: Recent[tuple[Stamp, int], dict[str, Any]] = Recent(64)
        self._waits: set[anyio.CancelScope] = set()
        self._closed = False

    def close(self) -> None:
        """End all streams, at once: looks that they wait for go on for themselves. To be called in the event loop."""
        self._closed = True
        for wait in self._waits:
            wait.cancel()

    async def pause(self, seconds: float) -> bool:
        """Wait, but no longer than until the end; returns whether that has come."""
        with self._until_closed():
            await anyio.sleep(seconds)
        return self._closed

    @contextmanager
    def _until_closed(self) -> Iterator[None]:
        """Waits inside are given up at the end."""
        with anyio.CancelScope() as wait:
            self._waits.add(wait)
            if self._closed:
                wait.cancel()
            try:
                yield
            finally:
                self._waits.discard(wait)

    async def events(self, name: str, since: int) -> AsyncIterator[bytes]:
        """The stream of a run from the generation ``since`` on: ``archive`` events, and ``end`` when it runs no more.

        Comments are sent in between, so that a connection that has gone is noticed.
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
        """What has changed since a generation."""
        known = self._known.get((now, since))
        if known is not None:
            return known
        with self._library.open(name) as run:
            return self._known.put((now, since), change_since(run, since, self._addresses))


def change_since(run: Run, since: int, addresses: Addresses) -> dict[str, Any]:
    """What an ``archive`` event says: the state of the run, and the tiles of the classes captured since a generation.

    ``generation``, ``status``, ``occupied``, ``median_percent``, ``at_least``, ``images_per_second`` as in
    :class:`.RunFacts`; ``sheets`` as in :class:`.Sprites`; ``changed``, a list of :class:`.Tile`.
    """
    facts = run_facts(run, addresses)
    archive = Archive.current(run)
    kept = kept_members(run, archive.ids.tolist())
    sprites = plan_sprites(run, archive, kept, addresses)
    tiles = make_tiles(run, archive, kept, sprites, addresses)
    told = ("generation", "status", "occupied", "median_percent", "at_least", "images_per_second")
    return {
        **{key: facts[key] for key in told},  # type: ignore[literal-required]
        "sheets": sprites["sheets"],
        "changed": [tile for tile in tiles if tile["captured"] is not None and tile["captured"] > since],
    }


def _event(name: str, data: dict[str, Any]) -> bytes:
    # JSON has no line breaks outside of strings, and writes those inside as \n.
    return b"event: %s\ndata: %s\n\n" % (name.encode(), json_bytes(data))
