"""The page of a run: its classes as a grid, at any generation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from evo_fool.evolution.statistics import THRESHOLDS
from evo_fool.gallery.data.kept import Complexity, chief, kept_members
from evo_fool.gallery.data.lru import Recent
from evo_fool.gallery.data.run_header import run_facts
from evo_fool.gallery.data.sprites import BLOCK, COLUMNS, blocks, identity, is_exact, plan_sheet, thumbnail_side
from evo_fool.gallery.data.timeline import EMPTY, Archive, Timeline, standing
from evo_fool.gallery.query import GridQuery, QueryError
from evo_fool.gallery.schemas import GridPage, Sprites, Tile
from evo_fool.gallery.urls import Addresses
from evo_fool.probability import probability
from evo_fool.runs.run import Run
from evo_fool.text import percent, printable

_TIMELINES = 6


class Grids:
    """Makes grids, and remembers how the archives of runs came about."""

    def __init__(self) -> None:
        self._timelines: Recent[str, Timeline] = Recent(_TIMELINES)

    def archive(self, run: Run, generation: int) -> Archive:
        """Who held the classes at the end of a generation that the run has committed."""
        return standing(run) if generation >= run.generation else self.timeline(run).at(run, generation)

    def timeline(self, run: Run) -> Timeline:
        """The archives of a run at all generations."""
        key = f"{identity(run)} {len(run.classes)}"
        return self._timelines.get(key) or self._timelines.put(key, Timeline(len(run.classes)))

    def page(self, run: Run, query: GridQuery, addresses: Addresses) -> GridPage:
        """The page of a run.

        Raises:
            QueryError: the run has not come to that generation.
            CorruptRunError: an entry is not what it should be.
        """
        facts = run_facts(run, addresses)
        generation = _generation(query, facts["generation"])
        archive = self.archive(run, generation)
        kept = kept_members(run, archive.ids.tolist())
        sprites = plan_sprites(run, archive, kept, addresses)
        tiles = make_tiles(run, archive, kept, sprites, addresses)
        chosen = _sorted(_chosen(tiles, query), query)
        shown = chosen[query.offset : query.offset + query.limit]
        p = np.array([tile["p"] for tile in tiles])
        live = facts["status"] == "running" and generation == facts["generation"]
        return {
            "page": "run",
            "run": facts,
            "query": asdict(query),
            "generation": generation,
            "total": len(tiles),
            "matching": len(chosen),
            "shown": len(shown),
            "median_percent": percent(float(np.median(p))),
            "at_least": {f"{threshold:g}": int((p >= threshold).sum()) for threshold in THRESHOLDS.values()},
            "sprites": sprites,
            "tiles": shown,
            "events": addresses.events(facts["run"], generation) if live else None,
            "plots": addresses.plots(facts["run"]),
            "table": addresses.table(facts["run"]),
        }


def _generation(query: GridQuery, last: int) -> int:
    if query.generation is not None and query.generation > max(last, 0):
        raise QueryError(f"generation={query.generation}: the run has come to generation {max(last, 0)}")
    return last if query.generation is None else min(query.generation, last)


def plan_sprites(run: Run, archive: Archive, kept: Mapping[int, object], addresses: Addresses) -> Sprites:
    """Where the thumbnails of an archive are."""
    sheets: list[str | None] = []
    for block in range(blocks(run)):
        sheet = plan_sheet(run, archive, kept, block)
        blank = sheet.blank or sheet.generation == EMPTY
        sheets.append(None if blank else addresses.sprites(run.path.name, sheet.generation, block, sheet.key))
    return {
        "tile": thumbnail_side(run),
        "columns": COLUMNS,
        "per_sheet": BLOCK,
        "pixelated": is_exact(run),
        "sheets": sheets,
    }


def make_tiles(
    run: Run, archive: Archive, kept: Mapping[int, Complexity], sprites: Sprites, addresses: Addresses
) -> list[Tile]:
    """A tile for every class that a run evolves, by index."""
    name = run.path.name
    chances = probability(archive.log_odds).tolist()
    ids, generations = archive.ids.tolist(), archive.generations.tolist()
    tiles: list[Tile] = []
    for position, cell in enumerate(run.targets):
        id, p = ids[cell], chances[cell]
        occupied, there, complexity = id != EMPTY, id in kept, kept.get(id)
        tiles.append(
            {
                "class": cell,
                "name": printable(run.classes[cell]),
                "aliases": [printable(alias) for alias in run.class_aliases[cell]],
                "p": p,
                "percent": percent(p),
                "captured": generations[cell] if occupied else None,
                "individual": id if occupied else None,
                "nodes": chief(complexity),
                "image": addresses.image(name, id, sprites["tile"]) if there else None,
                "sprite": {"sheet": position // BLOCK, "place": position % BLOCK} if there else None,
                "url": addresses.individual(name, id, cls=cell) if occupied else None,
            }
        )
    return tiles


def _chosen(tiles: list[Tile], query: GridQuery) -> list[Tile]:
    found = [tile for tile in tiles if tile["p"] >= query.at_least]
    if not query.q:
        return found
    wanted = _plain(query.q)
    # A number is an index before it is a part of a name.
    exact = [tile for tile in found if str(tile["class"]) == wanted]
    return exact or [t for t in found if wanted in _plain(t["name"]) or any(wanted in _plain(a) for a in t["aliases"])]


def _plain(text: str) -> str:
    return " ".join(text.replace("_", " ").split()).casefold()


_KEYS: dict[str, Callable[[Tile], Any]] = {
    "index": lambda tile: tile["class"],
    "confidence": lambda tile: tile["p"],
    "name": lambda tile: _plain(tile["name"]),
    "improved": lambda tile: EMPTY if tile["captured"] is None else tile["captured"],
    "complexity": lambda tile: EMPTY if tile["nodes"] is None else tile["nodes"],
}


def _sorted(tiles: list[Tile], query: GridQuery) -> list[Tile]:
    return sorted(tiles, key=_KEYS[query.sort], reverse=query.order == "desc")
