"""The web application: which address is answered by what. It reads runs and writes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager

from anyio import to_thread
from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from evo_fool.errors import EvoFoolError
from evo_fool.gallery.data.run_registry import Library
from evo_fool.gallery.data.sprites import Painter
from evo_fool.gallery.data.worker import BusyError, Worker
from evo_fool.gallery.pages.endpoints import Pages
from evo_fool.gallery.pages.files import Files
from evo_fool.gallery.pages.grid import Grids
from evo_fool.gallery.pages.live import INTERVAL, Live
from evo_fool.gallery.pages.runs import Overview
from evo_fool.gallery.responses import sentence_answer, status_of
from evo_fool.gallery.security import LOOPBACK, SafeHeaders, TrustedHosts
from evo_fool.gallery.traffic import Traffic
from evo_fool.gallery.urls import Addresses

_THREADS = 4
"""Requests that are answered at a time. More would not be faster, and each takes memory."""


class WholeNumber(Convertor[int]):
    """A part of an address that is a number, small enough for a database."""

    regex = "[0-9]{1,15}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("whole", WholeNumber())


class Gallery:
    """The gallery of a library, as an ASGI application.

    Args:
        library: the runs to show.
        hosts: names and addresses that it answers to.
        any_address: answer to every IP address as well.
        interval: seconds between two looks at a run that goes on.
        settled: seconds after which a page has its pictures, and what may be asked for next is got ready.

    Attributes:
        routes: every address that is answered.
    """

    def __init__(
        self,
        library: Library,
        *,
        hosts: Collection[str] = LOOPBACK,
        any_address: bool = False,
        interval: float = INTERVAL,
        settled: float = 3.0,
    ) -> None:
        self._library = library
        self._addresses = Addresses()
        self._worker = Worker()
        self._live = Live(library, self._addresses, interval)
        grids = Grids()
        overview = Overview(library, self._addresses)
        pages = Pages(library, self._addresses, overview, grids, self._live, settled)
        files = Files(library, grids, Painter(), self._worker)
        self.routes = [*_page_routes(pages), *_file_routes(files)]
        app = Starlette(
            routes=self.routes,
            exception_handlers={HTTPException: self._refused, EvoFoolError: self._failed, Exception: self._failed},
            lifespan=self._lifespan,
        )
        # Outside of everything, so that no answer goes without: not those to unexpected errors either.
        self._app = SafeHeaders(TrustedHosts(Traffic(app, self._too_many), hosts, any_address=any_address))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def end(self) -> None:
        """End what would otherwise keep the server from ending: event streams, and work in the worker."""
        self._live.close()
        self._worker.close()

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = _THREADS
        yield
        self.end()
        self._library.close()

    def _failed(self, request: Request, error: Exception) -> Response:
        sentence = "something went wrong inside the gallery; its terminal says more"
        if isinstance(error, EvoFoolError):
            sentence = self._library.public(error)
        return sentence_answer(request, status_of(error), sentence, self._addresses)

    def _too_many(self, request: Request) -> Response:
        return self._failed(request, BusyError("too many requests are waiting for answers; try again in a moment"))

    def _refused(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        sentence = _SENTENCES.get(status, str(error))
        return sentence_answer(request, status, sentence, self._addresses)


_SENTENCES = {
    404: "there is no such page; the page of all runs is where everything begins",
    405: "the gallery is only there to be looked at: use GET",
}


def _page_routes(pages: Pages) -> Iterator[Route]:
    """A page and its twin each."""
    yield from (Route("/", pages.runs), Route("/index.json", pages.runs))
    yield from _with_twin("/compare", pages.compare)
    yield Route("/runs/{run}/classes.csv", pages.table)
    yield Route("/runs/{run}/classes/{cls:whole}/history.json", pages.history)
    yield Route("/runs/{run}/events", pages.events)
    yield from _with_twin("/runs/{run}/classes/{cls:whole}", pages.cell)
    yield from _with_twin("/runs/{run}/individuals/{id:whole}", pages.individual)
    yield from _with_twin("/runs/{run}/plots", pages.plots)
    yield from _with_twin("/runs/{run}", pages.run)


def _with_twin(path: str, endpoint: Callable[[Request], Response]) -> Iterator[Route]:
    # The twin first, for the name of a run may have dots.
    yield Route(f"{path}.json", endpoint)
    yield Route(path, endpoint)


def _file_routes(files: Files) -> Iterator[Route]:
    individual = "/runs/{run}/individuals/{id:whole}"
    yield Route("/runs/{run}/images/{id:whole}.png", files.image)
    yield Route("/runs/{run}/images/{id:whole}/{size:whole}.png", files.resized)
    yield Route("/runs/{run}/sprites/{generation:whole}/{block:whole}-{key}", files.sprites)
    yield Route(f"{individual}/graph.svg", files.graph)
    yield Route(f"{individual}/genome.json", files.genome_json)
    yield Route(f"{individual}/genome.npz", files.genome_npz)
    yield Route(f"{individual}/top5.json", files.top)
    yield Route("/static/{version}/{name:path}", files.static)
