"""The web application: the routes, and what surrounds every request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager

from anyio import to_thread
from starlette.applications import Starlette
from starlette.convertors import IntegerConvertor, register_url_convertor
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
from evo_fool.gallery.responses import error_answer, status_of
from evo_fool.gallery.security import LOOPBACK, SafeHeaders, TrustedHosts
from evo_fool.gallery.traffic import Traffic
from evo_fool.gallery.urls import Urls

_THREADS = 4
"""Requests answered at a time. More would not be faster, and each takes memory."""


class WholeNumber(IntegerConvertor):
    """A number in a path, small enough for a database."""

    regex = "[0-9]{1,15}"


register_url_convertor("whole", WholeNumber())


class Gallery:
    """The gallery of a library, as an ASGI application.

    Args:
        library: the runs to show.
        hosts: host names and addresses that it answers to.
        any_address: answer to every IP address as well.
        interval: seconds between two looks at a running run.
        settled: seconds after which a page has its pictures and reading ahead does not delay them.

    Attributes:
        routes: all routes.
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
        self._urls = Urls()
        self._worker = Worker()
        self._live = Live(library, self._urls, interval)
        grids = Grids()
        overview = Overview(library, self._urls)
        pages = Pages(library, self._urls, overview, grids, self._live, settled)
        files = Files(library, self._urls, grids, Painter(), self._worker)
        self.routes = [*_page_routes(pages), *_file_routes(files)]
        app = Starlette(
            routes=self.routes,
            exception_handlers=dict.fromkeys((HTTPException, EvoFoolError, Exception), self._failed),
            lifespan=self._lifespan,
        )
        # Outermost, so that answers to unexpected errors have them too.
        self._app = SafeHeaders(TrustedHosts(Traffic(app, self._too_many), hosts, any_address=any_address))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def end(self) -> None:
        """End event streams and the worker, which would keep the server from ending."""
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
        status = status_of(error)
        if isinstance(error, EvoFoolError):
            sentence = self._library.public(error)
        elif isinstance(error, HTTPException):
            status, sentence = error.status_code, _SENTENCES.get(error.status_code, str(error))
        return error_answer(request, status, sentence, self._urls)

    def _too_many(self, request: Request) -> Response:
        return self._failed(request, BusyError("too many requests are waiting for answers; try again in a moment"))


_SENTENCES = {
    404: "page not found; start at the page of all runs",
    405: "the gallery is read-only; use GET",
}


def _page_routes(pages: Pages) -> Iterator[Route]:
    """Each page and its JSON twin."""
    yield from (Route("/", pages.runs), Route("/index.json", pages.runs))
    yield from _with_twin("/compare", pages.compare)
    yield Route("/runs/{run}/classes.csv", pages.table)
    yield Route("/runs/{run}/classes/{cls:whole}/history.json", pages.history)
    yield Route("/runs/{run}/events", pages.events)
    yield from _with_twin("/runs/{run}/classes/{cls:whole}", pages.cell)
    yield from _with_twin("/runs/{run}/individuals/{id:whole}", pages.individual)
    yield from _with_twin("/runs/{run}/plots", pages.plots)
    yield from _with_twin("/runs/{run}", pages.run)


def _with_twin(path: str, endpoint: Callable[[Request], Response | Awaitable[Response]]) -> Iterator[Route]:
    # The twin first: the name of a run may contain dots.
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
    yield from _with_twin(f"{individual}/scene", files.scene)
    yield Route(f"{individual}/scene.png", files.scene_sheet)
    yield Route("/static/{version}/{name:path}", files.static)
