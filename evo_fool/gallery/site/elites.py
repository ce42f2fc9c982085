"""The pages of a static site about single images, with the pictures that they need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from evo_fool.gallery.data import tasks
from evo_fool.gallery.data.sprites import Painter
from evo_fool.gallery.pages.individual import individual_page
from evo_fool.gallery.query import IndividualQuery
from evo_fool.gallery.site.pictures import LARGE, SCORED, affordable, encode
from evo_fool.gallery.site.strips import LENGTHS, Page, lay_out_strips, shorten
from evo_fool.gallery.site.urls import SiteAddresses
from evo_fool.pictures.genome_graph import draw_individual
from evo_fool.runs.run import Run

_SCORED, _LARGE, _PAGES = 11_000_000, 11_000_000, 16_000_000
"""Shares in bytes: images as scored, images to be looked at, the pages themselves."""

_PAGE, _ITEM = 5_000, 720
"""Bytes that a page takes by itself, and for each image in both of its strips and in the tree."""


class ElitePages:
    """The pages of all elites.

    Args:
        run: the run, in one committed state.
        painter: draws sheets.
        addresses: as the pages have to write them.
        put: writes a file.
        progress: told how many pages are made, and of how many.
    """

    def __init__(
        self,
        run: Run,
        painter: Painter,
        addresses: SiteAddresses,
        put: Callable[[str, bytes], None],
        progress: Callable[[int, int], None],
    ) -> None:
        self._run = run
        self._painter = painter
        self._addresses = addresses
        self._put = put
        self._progress = progress
        self._opinions: dict[int, list[Any] | None] = {}
        self._silent = False  # the classifier cannot be asked

    def make(self, room: Callable[[], int]) -> dict[int, Page]:
        """The data of each page by its class; the pictures are written meanwhile.

        Args:
            room: bytes that are left for what the site can be without.
        """
        elites = {elite.class_index: elite.id for elite in self._run.elites}
        longest = next((most for most in LENGTHS if len(elites) * (_PAGE + _ITEM * most) <= _PAGES), LENGTHS[-1])
        pages: dict[int, Page] = {}
        for cls, id in elites.items():
            pages[cls] = self._page(cls, id, longest)
            self._progress(len(pages), len(elites))
        kept = sorted({page["individual"] for page in pages.values() if page["kept"]})
        self._images(kept, pages.values())
        lay_out_strips(self._run, self._painter, list(pages.values()), longest, self._addresses, self._put)
        self._drawings(kept, pages.values(), room() - len(pages) * (_PAGE + _ITEM * longest))
        return pages

    def _page(self, cls: int, id: int, longest: int) -> Page:
        page: Page = dict(individual_page(self._run, id, IndividualQuery(cls), self._addresses))
        shorten(page, longest)
        page["top5"] = self._opinion(id) if page["kept"] else None
        return page

    def _opinion(self, id: int) -> list[Any] | None:
        """What the classifier makes of an image; None where it cannot be asked."""
        if id not in self._opinions and not self._silent:
            self._opinions[id] = tasks.top_five(self._run.path, id)["top5"]
            self._silent = self._opinions[id] is None
        return self._opinions.get(id)

    def _images(self, kept: Sequence[int], pages: Iterable[Page]) -> None:
        name, native = self._run.path.name, max(self._run.store.image_shape()[1:])
        scored = affordable(SCORED, kept, lambda id, coding: len(encode(self._run, id, coding)), _SCORED) or SCORED[-1]
        resizable = self._run.encoding.resizable
        larger = [coding for coding in LARGE if (coding.side or native) > native] if resizable else []
        large = affordable(larger, kept, lambda id, coding: len(encode(self._run, id, coding)), _LARGE)
        for id in kept:
            self._put(f"images/{id}.webp", encode(self._run, id, scored))
            if large is not None:
                self._put(f"images/{id}-{large.side}.webp", encode(self._run, id, large))
        note = "every pixel as scored" if scored.quality is None else "compressed"
        for page in (page for page in pages if page["kept"]):
            id, image = page["individual"], self._addresses.image(name, page["individual"])
            side = large.side if large else None
            page["sizes"] = [native] if side is None else [native, side]
            page["large"] = image if side is None else self._addresses.image(name, id, side)
            page["downloads"] = [{"label": f"WebP, {note}", "url": image}]

    def _drawings(self, kept: Sequence[int], pages: Iterable[Page], room: int) -> None:
        """Draw all genomes, or none where there is no room."""
        if bool(self._run.encoding.outputs) and affordable([True], kept, lambda id, _: len(self._drawing(id)), room):
            for id in kept:
                self._put(f"genomes/{id}.svg", self._drawing(id))
            return
        for page in pages:
            page["graph"] = None

    def _drawing(self, id: int) -> bytes:
        return draw_individual(self._run, id).encode()
