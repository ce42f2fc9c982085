"""The generations that a static site can show: a few of them, closer together at the beginning, where most changes."""

from __future__ import annotations

import json

import numpy as np

from evo_fool.atomic_write import Put
from evo_fool.gallery.data.kept import kept_members
from evo_fool.gallery.data.sprites import Painter, blocks, plan_sheet
from evo_fool.gallery.pages.grid import Grids
from evo_fool.gallery.query import GridQuery
from evo_fool.gallery.schemas import Tile
from evo_fool.gallery.site.urls import SiteUrls
from evo_fool.runs.run import Run

MOST = 40
"""Sheets of thumbnails in a timeline, about: so many generations of a run with up to a hundred classes."""

_FEWEST = 4


def write_timeline(run: Run, grids: Grids, painter: Painter, urls: SiteUrls, put: Put) -> list[int]:
    """Write the sheets and the script of a site's timeline; returns the generations that it has.

    Args:
        run: the run.
        grids: knows its archives.
        painter: draws its sheets.
        urls: of the site, from its root.
        put: takes a file's name and content.
    """
    last, most = max(run.generation, 0), max(_FEWEST, MOST // blocks(run))
    generations: list[int] = np.unique((last * np.linspace(0, 1, most) ** 2).round().astype(int)).tolist()
    snapshots = []
    written: set[str] = set()
    before: dict[int, Tile] = {}
    for generation in generations:
        archive = grids.archive(run, generation)
        kept = kept_members(run, archive.ids.tolist())
        for block in range(blocks(run)):
            sheet = plan_sheet(run, archive, kept, block)
            if not sheet.blank and sheet.key not in written:
                written.add(sheet.key)
                put(urls.sheet(sheet.key), painter.sheet(run, sheet))
        page = grids.page(run, GridQuery(generation=generation), urls)
        tiles = {tile["class"]: tile for tile in page["tiles"]}
        snapshots.append(
            {
                "generation": generation,
                "changed": [
                    _row(tile) for cls, tile in tiles.items() if _taken(tile) not in (None, _taken(before.get(cls)))
                ],
                "sheets": page["sprites"]["sheets"],
                "figures": {"median_percent": page["median_percent"], "at_least": page["at_least"]},
            }
        )
        before = tiles
    known = [{"class": cls, "url": tile["url"]} for cls, tile in before.items()]
    data = json.dumps({"tiles": known, "snapshots": snapshots}, separators=(",", ":"), allow_nan=False)
    put("timeline.js", f"window.evoFoolTimeline = {data};\n".encode())
    return generations


def _taken(tile: Tile | None) -> tuple[int | None, int | None] | None:
    """Which individual took a class, and when."""
    return None if tile is None or tile["individual"] is None else (tile["individual"], tile["captured"])


def _row(tile: Tile) -> list[object]:
    p = float(f"{tile['p']:.7g}")
    kept = int(tile["sprite"] is not None)
    return [tile["class"], tile["individual"], tile["captured"], p, tile["percent"], tile["nodes"], kept]
