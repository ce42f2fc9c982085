"""The film strips of a static site: their thumbnails share sheets, for one ancestor is in many lineages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from evo_fool.gallery.data.sprites import BLOCK, Painter, Sheet, identity
from evo_fool.gallery.pages.individual import thinned
from evo_fool.gallery.site.urls import SiteAddresses
from evo_fool.runs.run import Run

LENGTHS = (60, 40, 24, 16, 12, 8, 5, 3, 2)
"""As many images in a strip, the longest first."""

_SHARE = 7_000_000
"""Bytes of the thumbnails of all strips together."""

Page = dict[str, Any]
"""An :class:`.IndividualPage`, with ``sprite`` in each item of its strips: its sheet's address and its place there."""


def shorten(page: Page, most: int) -> None:
    """Leave no more than ``most`` images in each strip of a page, goal switches above all."""
    page["history"] = thinned(page["history"], most)
    line = [ancestor for ancestor in page["lineage"] if ancestor["main"]]
    others = [ancestor for ancestor in page["lineage"] if not ancestor["main"]]
    shown = thinned(line, most, [ancestor for ancestor in line if ancestor["switch"]])
    page["lineage"] = sorted([*shown, *others[-most:]], key=lambda ancestor: ancestor["individual"])


def lay_out_strips(
    run: Run,
    painter: Painter,
    pages: Sequence[Page],
    longest: int,
    addresses: SiteAddresses,
    put: Callable[[str, bytes], None],
) -> None:
    """Draw the thumbnails of all strips and tell the pages where they are; strips are as long as there is room for."""
    for most in (length for length in LENGTHS if length <= longest):
        for page in pages:
            shorten(page, most)
        shown = sorted({item["individual"] for page in pages for item in _items(page) if item["image"]})
        if _weight(run, painter, shown) <= _SHARE:
            break
    places = {id: place for place, id in enumerate(shown)}
    for block, drawn in enumerate(_sheets(run, painter, shown)):
        put(addresses.sheet(f"strip-{block}"), drawn)
    for page in pages:
        for item in _items(page):
            block, place = divmod(places.get(item["individual"], -1), BLOCK)
            sheet = addresses.sprites(run.path.name, -1, block, f"strip-{block}")
            item["sprite"] = {"sheet": sheet, "place": place} if block >= 0 else None


def _items(page: Page) -> Iterator[dict[str, Any]]:
    yield from page["history"]
    yield from page["lineage"]


def _weight(run: Run, painter: Painter, shown: Sequence[int]) -> float:
    """What the thumbnails take, from a sheet of some of them."""
    some = thinned(shown, BLOCK)
    return sum(map(len, _sheets(run, painter, some))) / max(len(some), 1) * len(shown)


def _sheets(run: Run, painter: Painter, individuals: Sequence[int]) -> Iterator[bytes]:
    for start in range(0, len(individuals), BLOCK):
        members = tuple(individuals[start : start + BLOCK])
        yield painter.sheet(run, Sheet(-1, f"{identity(run)} {members}", members))
