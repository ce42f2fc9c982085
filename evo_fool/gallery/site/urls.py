"""The URLs of a static site: relative, so that they mean the same on a disk and on a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evo_fool.gallery.urls import Urls


class SiteUrls(Urls):
    """URLs as one page of a site has to write them.

    Args:
        up: from the page to the site's root: empty, or ``../``.
        cells: the classes that each individual with a page holds, by index.
        suffix: of the sheets of thumbnails.
    """

    def __init__(self, up: str, cells: Mapping[int, Sequence[int]], suffix: str) -> None:
        self._up = up
        self._cells = cells
        self._suffix = suffix

    def run(self, run: str, **query: Any) -> str:
        return f"{self._up}index.html"

    def cell(self, run: str, cls: int) -> str:
        return f"{self._up}classes/{cls}.html"

    def individual(self, run: str, id: int, *, cls: int | None = None) -> str:
        """The page of a class that the individual holds, ``cls`` if it does; empty where it holds none."""
        held = self._cells.get(id, ())
        if not held:
            return ""
        return self.cell(run, cls if cls is not None and cls in held else held[0])

    def image(self, run: str, id: int, size: int | None = None) -> str:
        """An image of its own: as scored without ``size``. Thumbnails are on sheets."""
        return f"{self._up}images/{id}.webp" if size is None else f"{self._up}images/{id}-{size}.webp"

    def sprites(self, run: str, generation: int, block: int, key: str) -> str:
        return f"{self._up}{self.sheet(key)}"

    def sheet(self, key: str) -> str:
        """A sheet of thumbnails, from the root."""
        return f"sheets/{key}.{self._suffix}"

    def graph(self, run: str, id: int) -> str:
        return f"{self._up}genomes/{id}.svg"

    def plots(self, run: str) -> str:
        return f"{self._up}plots.html"

    def table(self, run: str) -> str:
        return f"{self._up}classes.csv"

    def static(self, name: str) -> str:
        return f"{self._up}static/{name}"
