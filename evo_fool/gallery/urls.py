"""The URLs of the gallery. Templates and JSON twins take every URL from here.

The static site has the same pages at other URLs, from a subclass of :class:`Urls`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from evo_fool.gallery.assets import version


class Urls:
    """URLs on the server: absolute paths, so that they mean the same on every page.

    A run is named by its directory's name, a class by its index, an individual by its id.
    """

    def runs(self, **query: Any) -> str:
        """The page of all runs."""
        return _with_query("/", query)

    def run(self, run: str, **query: Any) -> str:
        """The grid of a run."""
        return _with_query(f"/runs/{_segment(run)}", query)

    def cell(self, run: str, cls: int) -> str:
        """The page of the elite of a class."""
        return f"/runs/{_segment(run)}/classes/{cls}"

    def history(self, run: str, cls: int) -> str:
        """All captures of a class, as JSON only."""
        return f"{self.cell(run, cls)}/history.json"

    def individual(self, run: str, id: int, *, cls: int | None = None) -> str:
        """The permanent page of an individual, about its class ``cls``."""
        return _with_query(f"/runs/{_segment(run)}/individuals/{id}", {"class": cls})

    def image(self, run: str, id: int, size: int | None = None) -> str:
        """An individual's image as PNG: as it was scored, or at ``size`` pixels a side."""
        name = f"{id}.png" if size is None else f"{id}/{size}.png"
        return f"/runs/{_segment(run)}/images/{name}"

    def sprites(self, run: str, generation: int, block: int, key: str) -> str:
        """A sheet of thumbnails, see :mod:`evo_fool.gallery.data.sprites`."""
        return f"/runs/{_segment(run)}/sprites/{generation}/{block}-{key}"

    def top(self, run: str, id: int) -> str:
        """The classifier's top five for an individual's image, as JSON; slow."""
        return f"{self.individual(run, id)}/top5.json"

    def scene(self, run: str, id: int, *, cls: int | None = None) -> str:
        """Photographs or task images before and after an individual's image, for its class ``cls``; slow."""
        return _with_query(f"{self.individual(run, id)}/scene", {"class": cls})

    def scene_sheet(self, run: str, id: int) -> str:
        """Their pictures on one sheet, see :mod:`evo_fool.gallery.data.scene_view`."""
        return f"{self.individual(run, id)}/scene.png"

    def graph(self, run: str, id: int) -> str:
        """A drawing of a CPPN's genome."""
        return f"{self.individual(run, id)}/graph.svg"

    def genome(self, run: str, id: int, form: str) -> str:
        """An individual's genome as a file; ``form`` is ``json`` or ``npz``."""
        return f"{self.individual(run, id)}/genome.{form}"

    def compare(self, runs: Sequence[str] = (), **query: Any) -> str:
        """Up to six runs side by side; names are quoted one by one, for they are joined by commas."""
        return _with_query("/compare", {"runs": ",".join(map(_segment, runs)) or None} | query)

    def plots(self, run: str) -> str:
        """The convergence of a run."""
        return f"/runs/{_segment(run)}/plots"

    def table(self, run: str) -> str:
        """The classes of a run as CSV."""
        return f"/runs/{_segment(run)}/classes.csv"

    def events(self, run: str, since: int) -> str:
        """The stream of changes of a run after a generation."""
        return _with_query(f"/runs/{_segment(run)}/events", {"since": since})

    def static(self, name: str) -> str:
        """A stylesheet, script or picture of the gallery itself; the URL changes with the content."""
        return f"/static/{version()}/{name}"

    def twin(self, url: str) -> str:
        """The JSON twin of a page, with the same query."""
        path, mark, query = url.partition("?")
        return f"{'/index' if path == '/' else path}.json{mark}{query}"


def _segment(name: str) -> str:
    return quote(name, safe="")


def _with_query(path: str, query: dict[str, Any]) -> str:
    given = {key: value for key, value in query.items() if value is not None}
    return f"{path}?{urlencode(given, safe=',')}" if given else path
