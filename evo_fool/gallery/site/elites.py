"""The pages of a static site about single images, with the pictures that they need."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from evo_fool.atomic_write import Put
from evo_fool.gallery.data import tasks
from evo_fool.gallery.data.sprites import BLOCK, Painter, Sheet, identity, is_exact
from evo_fool.gallery.pages.individual import individual_page, thinned
from evo_fool.gallery.query import IndividualQuery
from evo_fool.gallery.site.urls import SiteUrls
from evo_fool.image import to_pillow
from evo_fool.pictures.genome_graph import draw_individual
from evo_fool.runs.individuals import image_of, picture_of
from evo_fool.runs.run import Run

STRIP = 16
"""Images in a strip, at most: a page of a thousand classes has two strips, and a site a thousand pages."""

LARGE = 512
"""Side in pixels at which a genome is rendered again, where it was scored at less."""

_QUALITY = 70
"""Of 100, for WebP; images that are their own thumbnails keep every pixel."""

Page = dict[str, Any]
"""An :class:`.IndividualPage`, with ``sprite`` in each item of its strips: its sheet's address and its place there."""


def elite_pages(
    run: Run, painter: Painter, urls: SiteUrls, put: Put, progress: Callable[[int, int], None]
) -> dict[int, Page]:
    """The data of the pages of all elites, by class; their pictures are written meanwhile.

    Args:
        run: the run, in one committed state.
        painter: draws sheets.
        urls: as the pages have to write them.
        put: writes a file.
        progress: told how many pages are made, and of how many.
    """
    guesses = cache(lambda id: tasks.top_five(run.path, id)["top5"])
    elites = {elite.class_index: elite.id for elite in run.elites}
    pages: dict[int, Page] = {}
    written: set[int] = set()
    for cls, id in elites.items():
        pages[cls] = page = dict(individual_page(run, id, IndividualQuery(cls=cls), urls))
        _shorten(page)
        page["top5"] = guesses(id) if page["kept"] else None
        page["scene"] = None  # a site is published; photographs are not copied into it
        if page["kept"]:
            _refer_to_pictures(run, page, urls)
            if id not in written:
                written.add(id)
                _write_pictures(run, page, put)
        progress(len(pages), len(elites))
    _lay_out_strips(run, painter, list(pages.values()), urls, put)
    return pages


def _shorten(page: Page) -> None:
    """Leave no more than :data:`STRIP` images in each strip of a page, goal switches above all."""
    page["history"] = thinned(page["history"], STRIP)
    line = [ancestor for ancestor in page["lineage"] if ancestor["main"]]
    others = [ancestor for ancestor in page["lineage"] if not ancestor["main"]]
    shown = thinned(line, STRIP, [ancestor for ancestor in line if ancestor["switch"]])
    page["lineage"] = sorted([*shown, *others[-STRIP:]], key=lambda ancestor: ancestor["individual"])


def _refer_to_pictures(run: Run, page: Page, urls: SiteUrls) -> None:
    native, scored = page["sizes"][0], page["image"]
    page["sizes"] = [native, LARGE] if page["run"]["resizable"] and native < LARGE else [native]
    page["large"] = urls.image("", page["individual"], LARGE) if LARGE in page["sizes"][1:] else scored
    note = "every pixel as scored" if is_exact(run) else "compressed"
    page["downloads"] = [{"label": f"WebP, {note}", "url": scored}]


def _write_pictures(run: Run, page: Page, put: Put) -> None:
    id = page["individual"]
    put(f"images/{id}.webp", _webp(image_of(run, id), lossless=is_exact(run)))
    for side in page["sizes"][1:]:
        put(f"images/{id}-{side}.webp", _webp(picture_of(run, id, side)))
    if page["graph"]:
        put(f"genomes/{id}.svg", draw_individual(run, id).encode())


def _webp(image: np.ndarray, *, lossless: bool = False) -> bytes:
    buffer = io.BytesIO()
    to_pillow(image).save(buffer, format="WEBP", lossless=lossless, quality=_QUALITY, method=4)
    return buffer.getvalue()


def _lay_out_strips(run: Run, painter: Painter, pages: list[Page], urls: SiteUrls, put: Put) -> None:
    """Draw the thumbnails of all strips on shared sheets, for one ancestor is in many lineages, and refer to them."""
    items = [item for page in pages for item in (*page["history"], *page["lineage"])]
    shown = sorted({item["individual"] for item in items if item["image"]})
    for start in range(0, len(shown), BLOCK):
        members = tuple(shown[start : start + BLOCK])
        drawn = painter.sheet(run, Sheet(-1, f"{identity(run)} {members}", members))
        put(urls.sheet(f"strip-{start // BLOCK}"), drawn)
    places = {id: divmod(place, BLOCK) for place, id in enumerate(shown)}
    for item in items:
        block, place = places.get(item["individual"], (None, 0))
        sheet = urls.sprites("", -1, 0, f"strip-{block}")
        item["sprite"] = None if block is None else {"sheet": sheet, "place": place}
