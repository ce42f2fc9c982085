"""The page of a run: its classes as a grid, at any generation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from evo_fool.evolution.archive import EMPTY
from evo_fool.evolution.statistics import THRESHOLDS
from evo_fool.gallery.data.kept import chief, kept_members
from evo_fool.gallery.data.lru import Recent
from evo_fool.gallery.data.run_header import run_facts
from evo_fool.gallery.data.sprites import BLOCK, COLUMNS, blocks, identity, is_exact, plan_sheet, thumbnail_side
from evo_fool.gallery.query import GridQuery, QueryError
from evo_fool.gallery.schemas import GridPage, Sprites, Tile
from evo_fool.gallery.urls import Urls
from evo_fool.probability import probability
from evo_fool.runs.history import Archive, Timeline
from evo_fool.runs.run import Run
from evo_fool.text import percent, printable

_TIMELINES = 6


class Grids:
    """Makes grids, and keeps the histories of the archives of a few runs."""

    def __init__(self) -> None:
        self._timelines: Recent[str, Timeline] = Recent(_TIMELINES)

    def archive(self, run: Run, generation: int) -> Archive:
        """The archive at the end of a committed generation."""
        return Archive.current(run) if generation >= run.generation else self.timeline(run).at(run, generation)

    def timeline(self, run: Run) -> Timeline:
        """The archives of a run at all generations."""
        key = f"{identity(run)} {len(run.classes)}"
        return self._timelines.get(key) or self._timelines.put(key, Timeline(len(run.classes)))

    def page(self, run: Run, query: GridQuery, urls: Urls) -> GridPage:
        """The page of a run.

        Raises:
            QueryError: the run has not reached that generation.
            CorruptRunError: a value is not a number.
        """
        facts = run_facts(run, urls)
        last = facts["generation"]
        if query.generation is not None and query.generation > max(last, 0):
            raise QueryError(f"generation={query.generation}: the run has come to generation {max(last, 0)}")
        generation = last if query.generation is None else min(query.generation, last)
        sprites, tiles = make_tiles(run, self.archive(run, generation), urls)
        chosen = sorted(_matching(tiles, query), key=_KEYS[query.sort], reverse=query.order == "desc")
        shown = chosen[query.offset : query.offset + query.limit]
        p = np.array([tile["p"] for tile in tiles])
        live = facts["status"] == "running" and generation == last
        return {
            "page": "run",
            "run": facts,
            "query": query.model_dump(),
            "generation": generation,
            "total": len(tiles),
            "matching": len(chosen),
            "shown": len(shown),
            "median_percent": percent(float(np.median(p))),
            "at_least": {f"{threshold:g}": int((p >= threshold).sum()) for threshold in THRESHOLDS.values()},
            "sprites": sprites,
            "tiles": shown,
            "events": urls.events(facts["run"], generation) if live else None,
            "plots": urls.plots(facts["run"]),
            "table": urls.table(facts["run"]),
        }


def make_tiles(run: Run, archive: Archive, urls: Urls) -> tuple[Sprites, list[Tile]]:
    """The sheets of thumbnails of an archive, and a tile for each class that the run evolves, in their order."""
    name, kept = run.path.name, kept_members(run, archive.ids.tolist())
    planned = [plan_sheet(run, archive, kept, block) for block in range(blocks(run))]
    sheets = [
        None if sheet.blank or sheet.generation == EMPTY else urls.sprites(name, sheet.generation, block, sheet.key)
        for block, sheet in enumerate(planned)
    ]
    side = thumbnail_side(run)
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
                "image": urls.image(name, id, side) if there else None,
                "sprite": {"sheet": position // BLOCK, "place": position % BLOCK} if there else None,
                "url": urls.individual(name, id, cls=cell) if occupied else None,
            }
        )
    sprites: Sprites = {
        "tile": side,
        "columns": COLUMNS,
        "per_sheet": BLOCK,
        "pixelated": is_exact(run),
        "sheets": sheets,
    }
    return sprites, tiles


def _matching(tiles: list[Tile], query: GridQuery) -> list[Tile]:
    found = [tile for tile in tiles if tile["p"] >= query.at_least]
    if not query.q:
        return found
    wanted = _plain(query.q)
    # A number is an index before it is a part of a name.
    exact = [tile for tile in found if str(tile["class"]) == wanted]
    return exact or [tile for tile in found if any(wanted in _plain(name) for name in (tile["name"], *tile["aliases"]))]


def _plain(text: str) -> str:
    return " ".join(text.replace("_", " ").split()).casefold()


_KEYS: dict[str, Callable[[Tile], Any]] = {
    "index": lambda tile: tile["class"],
    "confidence": lambda tile: tile["p"],
    "name": lambda tile: _plain(tile["name"]),
    "improved": lambda tile: EMPTY if tile["captured"] is None else tile["captured"],
    "complexity": lambda tile: EMPTY if tile["nodes"] is None else tile["nodes"],
}
