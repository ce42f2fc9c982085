"""The endpoints of what pages refer to: images, sheets of thumbnails, genomes, and the gallery's own files."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from evo_fool.errors import NotKeptError
from evo_fool.gallery.assets import STATIC, version
from evo_fool.gallery.data import scene_view, tasks
from evo_fool.gallery.data.kept import kept_members
from evo_fool.gallery.data.pictures import resized_png, scored_png
from evo_fool.gallery.data.run_registry import Library
from evo_fool.gallery.data.sprites import BLOCK, Painter, Sheet, blocks, is_exact, plan_sheet
from evo_fool.gallery.data.worker import Worker
from evo_fool.gallery.pages.grid import Grids
from evo_fool.gallery.query import IndividualQuery, Query
from evo_fool.gallery.responses import ASK_AGAIN, FOREVER, json_bytes, wants_json
from evo_fool.gallery.security import DRAWING_POLICY
from evo_fool.gallery.templating import render_page
from evo_fool.gallery.urls import Urls
from evo_fool.runs.run import Run

_HOUR = "private, max-age=3600"

Result = TypeVar("Result")


@dataclass(frozen=True)
class Files:
    """Endpoints of everything that is not a page."""

    library: Library
    urls: Urls
    grids: Grids
    painter: Painter
    worker: Worker

    def image(self, request: Request) -> Response:
        """An image as it was scored."""
        Query.parse(request)
        with self.library.open(request.path_params["run"]) as run:
            return _lasting(scored_png(run, request.path_params["id"]), "image/png")

    async def resized(self, request: Request) -> Response:
        """An image at another size."""
        Query.parse(request)
        name, id, size = (request.path_params[key] for key in ("run", "id", "size"))
        png = await to_thread.run_sync(self._resized, name, id, size)
        if png is None:
            path = await to_thread.run_sync(self.library.find, name)
            png = await self.worker.run(tasks.render, path, id, size)
        return _lasting(png, "image/png")

    def sprites(self, request: Request) -> Response:
        """A sheet of thumbnails."""
        Query.parse(request)
        name, generation, block, key = (request.path_params[key] for key in ("run", "generation", "block", "key"))
        with self.library.open(name) as run:
            if block >= blocks(run) or generation > run.generation:
                raise NotKeptError(f"{name}: there is no such sheet of thumbnails")
            # The last generation first: its archive takes no looking back.
            sheet = self._sheet(run, run.generation, block)
            if sheet.key != key:
                sheet = self._sheet(run, generation, block)
            image = self.painter.sheet(run, sheet)
            kind = "image/png" if is_exact(run) else "image/jpeg"
        # Retention may have discarded an image since the page was made.
        return _lasting(image, kind, {} if sheet.key == key else {"cache-control": "no-store"})

    async def graph(self, request: Request) -> Response:
        """A drawing of a CPPN's genome."""
        svg = await self._of_individual(request, tasks.draw)
        return _lasting(svg, "image/svg+xml", {"content-security-policy": DRAWING_POLICY})

    async def genome_json(self, request: Request) -> Response:
        """A genome as JSON."""
        return _lasting(await self._of_individual(request, tasks.genome_json), "application/json")

    async def genome_npz(self, request: Request) -> Response:
        """A genome and its image as arrays."""
        npz = await self._of_individual(request, tasks.genome_npz)
        name = f"individual-{request.path_params['id']}.npz"
        return _lasting(npz, "application/octet-stream", {"content-disposition": f'attachment; filename="{name}"'})

    async def top(self, request: Request) -> Response:
        """The classifier's top five for an image."""
        answer = await self._of_individual(request, tasks.top_five)
        return _lasting(
            json_bytes(answer), "application/json", {"cache-control": _HOUR if answer["top5"] else "no-store"}
        )

    async def scene(self, request: Request) -> Response:
        """Photographs or task images before and after an image: a part of a page, or its twin."""
        query = IndividualQuery.parse(request)
        name, id = request.path_params["run"], request.path_params["id"]
        path = await to_thread.run_sync(self.library.find, name)
        view = await self.worker.run(scene_view.scene_view, path, id, query.cls)
        headers = {"cache-control": "no-store" if view["reason"] else _HOUR}
        view["sheet"] = None if view["reason"] else self.urls.scene_sheet(name, id)
        if wants_json(request):
            return _lasting(json_bytes(view), "application/json", headers)
        return _lasting(render_page(view, self.urls), "text/html", headers)

    async def scene_sheet(self, request: Request) -> Response:
        """The pictures of :meth:`scene`."""
        png = await self._of_individual(request, scene_view.scene_sheet)
        return _lasting(png, "image/png", {"cache-control": _HOUR})

    def static(self, request: Request) -> Response:
        """A file of the gallery's own."""
        path = _own_files().get(request.path_params["name"])
        if path is None:
            raise NotKeptError(f"{request.path_params['name']}: the gallery has no such file")
        current = request.path_params["version"] == version()
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return _lasting(path.read_bytes(), kind, {} if current else {"cache-control": ASK_AGAIN})

    def _resized(self, name: str, id: int, size: int) -> bytes | None:
        with self.library.open(name) as run:
            return resized_png(run, id, size)

    def _sheet(self, run: Run, generation: int, block: int) -> Sheet:
        archive = self.grids.archive(run, generation)
        cells = run.targets[block * BLOCK : (block + 1) * BLOCK]
        return plan_sheet(run, archive, kept_members(run, archive.ids[cells].tolist()), block)

    async def _of_individual(self, request: Request, task: Callable[[Path, int], Result]) -> Result:
        Query.parse(request)
        path = await to_thread.run_sync(self.library.find, request.path_params["run"])
        return await self.worker.run(task, path, request.path_params["id"])


@cache
def _own_files() -> dict[str, Path]:
    """The gallery's files by name: a name from a URL is looked up, never made part of a path."""
    return {path.relative_to(STATIC).as_posix(): path for path in STATIC.rglob("*") if path.is_file()}


def _lasting(content: bytes, kind: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer that never changes, unless ``headers`` say otherwise."""
    return Response(content, media_type=kind, headers={"cache-control": FOREVER, **(headers or {})})
