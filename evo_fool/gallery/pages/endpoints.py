"""The endpoints of the pages and their JSON twins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from anyio import to_thread
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from evo_fool.errors import EvoFoolError
from evo_fool.gallery.data.run_registry import Library, Stamp, stamp
from evo_fool.gallery.pages.compare import compare_page
from evo_fool.gallery.pages.grid import Grids
from evo_fool.gallery.pages.individual import cell_page, history_page, individual_page
from evo_fool.gallery.pages.live import Live
from evo_fool.gallery.pages.plots import class_table, plots_page
from evo_fool.gallery.pages.runs import Overview
from evo_fool.gallery.query import (
    CompareQuery,
    EventsQuery,
    GridQuery,
    HistoryQuery,
    IndividualQuery,
    Query,
    RunsQuery,
)
from evo_fool.gallery.responses import ASK_AGAIN, etag_of, matches, page_answer, wants_json
from evo_fool.gallery.urls import Urls
from evo_fool.runs.run import Run


@dataclass(frozen=True)
class Pages:
    """Endpoints of all pages and their twins, and of the streams of events.

    ``settled`` is the number of seconds after which a page has its pictures and reading ahead does not delay them.
    """

    library: Library
    urls: Urls
    overview: Overview
    grids: Grids
    live: Live
    settled: float

    def runs(self, request: Request) -> Response:
        """All runs."""
        query = RunsQuery.parse(request)
        return page_answer(request, self._all_stamps(), partial(self.overview.page, query), self.urls)

    def run(self, request: Request) -> Response:
        """The grid of a run."""
        query = GridQuery.parse(request)
        answer = self._of_run(request, lambda run: self.grids.page(run, query, self.urls))
        if not wants_json(request):
            answer.background = BackgroundTask(self._read_ahead, request.path_params["run"])
        return answer

    def cell(self, request: Request) -> Response:
        """The elite of a class."""
        Query.parse(request)
        return self._of_run(request, lambda run: cell_page(run, request.path_params["cls"], self.urls))

    def history(self, request: Request) -> Response:
        """All captures of a class."""
        query = HistoryQuery.parse(request)
        return self._of_run(request, lambda run: history_page(run, request.path_params["cls"], query, self.urls))

    def individual(self, request: Request) -> Response:
        """One image."""
        query = IndividualQuery.parse(request)
        return self._of_run(request, lambda run: individual_page(run, request.path_params["id"], query, self.urls))

    def plots(self, request: Request) -> Response:
        """The convergence of a run."""
        Query.parse(request)
        return self._of_run(request, lambda run: plots_page(run, self.urls))

    def compare(self, request: Request) -> Response:
        """Runs side by side."""
        query = CompareQuery.parse(request)
        make = partial(compare_page, self.library, self.overview, self.grids, query, self.urls)
        return page_answer(request, self._all_stamps(), make, self.urls)

    def table(self, request: Request) -> Response:
        """The classes of a run as CSV."""
        Query.parse(request)
        name = request.path_params["run"]
        headers = {"etag": etag_of(request, stamp(self.library.find(name))), "cache-control": ASK_AGAIN}
        if matches(request, headers["etag"]):
            return Response(status_code=304, headers=headers)
        with self.library.open(name) as run:
            text = class_table(run, self.urls)
        headers["content-disposition"] = 'attachment; filename="classes.csv"'
        return Response(text.encode("utf-8", "replace"), media_type="text/csv", headers=headers)

    async def events(self, request: Request) -> Response:
        """The changes of a running run."""
        query = EventsQuery.parse(request)
        name = request.path_params["run"]
        await to_thread.run_sync(self.library.find, name)
        stream = self.live.events(name, query.since)
        return StreamingResponse(stream, media_type="text/event-stream", headers={"cache-control": "no-store"})

    def _of_run(self, request: Request, make: Callable[[Run], Mapping[str, Any]]) -> Response:
        name = request.path_params["run"]

        def read() -> Mapping[str, Any]:
            with self.library.open(name) as run:
                return make(run)

        return page_answer(request, stamp(self.library.find(name)), read, self.urls)

    def _all_stamps(self) -> list[Stamp]:
        return [stamp(path) for path in self.library.paths().values()]

    async def _read_ahead(self, name: str) -> None:
        """Prepare for the generation scrubber."""
        if not await self.live.pause(self.settled):
            with suppress(EvoFoolError):
                await to_thread.run_sync(self._read, name)

    def _read(self, name: str) -> None:
        with self.library.open(name) as run:
            self.grids.timeline(run).read(run)
