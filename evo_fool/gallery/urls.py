"""Where everything of the gallery is found. Templates and twins take every address from here.

The static export has the same pages at other addresses: its addresses are a subclass of :class:`Addresses`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from evo_fool.gallery.assets import versioned


class Addresses:
    """Addresses on the server: absolute paths, so that they mean the same on every page.

    A run is named by its directory's name, a class by its index, an individual by its id.
    """

    def runs(self, **query: Any) -> str:
        """The page of all runs."""
        return _with_query("/", query)

    def run(self, run: str, **query: Any) -> str:
        """The grid of a run."""
        return _with_query(f"/runs/{_segment(run)}", query)

    def cell(self, run: str, cls: int) -> str:
        """The page of whoever holds a class now."""
        return f"/runs/{_segment(run)}/classes/{cls}"

    def history(self, run: str, cls: int) -> str:
        """Everybody who ever held a class, as JSON; there is no page of it."""
        return f"/runs/{_segment(run)}/classes/{cls}/history.json"

    def individual(self, run: str, id: int, *, cls: int | None = None) -> str:
        """The permanent page of an individual; ``cls`` says of which of its classes the page is to tell."""
        of = "" if cls is None else f"?class={cls}"
        return f"/runs/{_segment(run)}/individuals/{id}{of}"

    def image(self, run: str, id: int, size: int | None = None) -> str:
        """An individual's image as PNG: as it was scored, or at ``size`` pixels a side."""
        name = f"{id}.png" if size is None else f"{id}/{size}.png"
        return f"/runs/{_segment(run)}/images/{name}"

    def sprites(self, run: str, generation: int, block: int, key: str) -> str:
        """A sheet of thumbnails, see :mod:`evo_fool.gallery.data.sprites`."""
        return f"/runs/{_segment(run)}/sprites/{generation}/{block}-{key}"

    def top(self, run: str, id: int) -> str:
        """What the classifier makes of an individual's image, as JSON: it takes a while."""
        return f"/runs/{_segment(run)}/individuals/{id}/top5.json"

    def graph(self, run: str, id: int) -> str:
        """A CPPN's genome, drawn."""
        return f"/runs/{_segment(run)}/individuals/{id}/graph.svg"

    def genome(self, run: str, id: int, form: str) -> str:
        """An individual's genome as a file; ``form`` is ``json`` or ``npz``."""
        return f"/runs/{_segment(run)}/individuals/{id}/genome.{form}"

    def compare(self, runs: Sequence[str] = (), **query: Any) -> str:
        """Up to six runs side by side; names are quoted one by one, for they are joined by commas."""
        return _with_query("/compare", {"runs": ",".join(map(_segment, runs)) or None} | query)

    def plots(self, run: str) -> str:
        """How a run converged."""
        return f"/runs/{_segment(run)}/plots"

    def table(self, run: str) -> str:
        """The classes of a run as CSV."""
        return f"/runs/{_segment(run)}/classes.csv"

    def events(self, run: str, since: int) -> str:
        """The stream of what changes in a run after a generation."""
        return _with_query(f"/runs/{_segment(run)}/events", {"since": since})

    def static(self, name: str) -> str:
        """A stylesheet, script or picture of the gallery itself, by a name that changes with its content."""
        return f"/static/{versioned(name)}"

    def twin(self, address: str) -> str:
        """The JSON twin of a page, query and all."""
        path, mark, query = address.partition("?")
        return f"{'/index' if path == '/' else path}.json{mark}{query}"


def _segment(name: str) -> str:
    return quote(name, safe="")


def _with_query(path: str, query: dict[str, Any]) -> str:
    given = {key: value for key, value in query.items() if value is not None}
    return f"{path}?{urlencode(given, safe=',')}" if given else path
