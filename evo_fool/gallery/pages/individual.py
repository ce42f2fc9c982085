"""The page of one image: its class, how it was made, and its lineage."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from evo_fool.errors import RunNotFoundError
from evo_fool.gallery.data.kept import kept_members
from evo_fool.gallery.data.pictures import MAX_SIDE
from evo_fool.gallery.data.run_header import run_facts
from evo_fool.gallery.data.sprites import thumbnail_side
from evo_fool.gallery.query import HistoryQuery, IndividualQuery, QueryError
from evo_fool.gallery.schemas import Ancestor, Captured, Download, Held, HistoryPage, IndividualPage
from evo_fool.gallery.urls import Urls
from evo_fool.probability import probability
from evo_fool.runs import lineage as ancestry
from evo_fool.runs.run import Run
from evo_fool.sampling import evenly
from evo_fool.shape import scaled
from evo_fool.text import percent, printable

_SHOWN = 100
"""Images in a strip, at most."""

_FAMILY = 200
"""Ancestors beside the main line, at most."""

_LARGE = 512
"""Smallest side in pixels at which a resizable image is first shown."""

Item = TypeVar("Item")


class EmptyPageError(RunNotFoundError):
    """The run has no such class or individual, or the class is empty (HTTP 404)."""


def cell_page(run: Run, cls: int, urls: Urls) -> IndividualPage:
    """The page of the elite of a class.

    Raises:
        EmptyPageError: there is no such class, or it is empty.
        CorruptRunError: a value is not what it should be.
    """
    _check_class(run, cls)
    if cls not in run:
        raise EmptyPageError(f"class {cls} ({printable(run.classes[cls])}): no image holds it yet")
    return individual_page(run, run[cls].id, IndividualQuery(cls=cls), urls)


def individual_page(run: Run, id: int, query: IndividualQuery, urls: Urls) -> IndividualPage:
    """The page of an individual.

    Raises:
        EmptyPageError: the run has no record of it.
        QueryError: it never held the class that is asked for.
        CorruptRunError: a value is not what it should be.
    """
    try:
        line = ancestry.lineage(run, id)
    except KeyError:
        raise EmptyPageError(f"individual {id}: the run has no record of it") from None
    name, facts, me = run.path.name, run_facts(run, urls), line[-1]
    cells = _cells(run, me, urls)
    about = _about(cells, query, id)
    cls = about["class"] if about else None
    history = [] if cls is None else ancestry.history(run, cls)
    before, after = (None, None) if cls is None else _neighbours(run, cls)
    main = {ancestor.id for ancestor in line}
    tree = [ancestor for ancestor in ancestry.family(run, [me.id], _FAMILY) if ancestor.id not in main]
    switches = [after for _, after in ancestry.goal_switches(line)]
    switched = {ancestor.id for ancestor in switches}
    shown = sorted([*thinned(line, _SHOWN, switches), *tree], key=lambda ancestor: ancestor.id)
    complexity = kept_members(run, [id]).get(id)
    sizes = _sizes(facts["width"], facts["height"], resizable=facts["resizable"]) if me.kept else []
    large = min((size for size in sizes if size >= _LARGE), default=sizes[-1]) if sizes and facts["resizable"] else None
    return {
        "page": "individual",
        "run": facts,
        "individual": id,
        "permanent": urls.individual(name, id, cls=cls),
        "class": cls,
        "name": about["name"] if about else None,
        "aliases": [] if cls is None else [printable(alias) for alias in run.class_aliases[cls]],
        "p": about["p"] if about else None,
        "percent": about["percent"] if about else None,
        "generation": me.generation,
        "current": bool(about and about["current"]),
        "holder": None if cls is None or about is None or about["current"] else urls.cell(name, cls),
        "operator": printable(me.operator, 40),
        "parents": list(me.parents),
        "cells": cells,
        "kept": me.kept,
        "missing": None if me.kept else _why_missing(run),
        "image": urls.image(name, id) if me.kept else None,
        "large": urls.image(name, id, large) if me.kept else None,
        "sizes": sizes,
        "genome": complexity or None,
        "graph": urls.graph(name, id) if complexity and run.encoding.outputs else None,
        "top5": urls.top(name, id) if me.kept else None,
        "scene": urls.scene(name, id, cls=cls) if me.kept and run.experiment.scene.kind != "alone" else None,
        "history": [_captured(run, row, cls, urls) for row in thinned(history, _SHOWN)],
        "history_total": len(history),
        "history_all": None if cls is None else urls.history(name, cls),
        "lineage": [
            _ancestor(run, ancestor, urls, main=ancestor.id in main, switch=ancestor.id in switched)
            for ancestor in shown
        ],
        "lineage_total": len(line),
        "goal_switches": len(switches),
        "previous": None if before is None else urls.cell(name, before),
        "next": None if after is None else urls.cell(name, after),
        "downloads": _downloads(run, id, sizes, urls),
    }


def history_page(run: Run, cls: int, query: HistoryQuery, urls: Urls) -> HistoryPage:
    """All captures of a class, or a part of them.

    Raises:
        EmptyPageError: there is no such class.
        CorruptRunError: a value is not what it should be.
    """
    _check_class(run, cls)
    history = ancestry.history(run, cls)
    shown = history[query.offset : query.offset + query.limit]
    return {
        "page": "history",
        "run": run.path.name,
        "class": cls,
        "name": printable(run.classes[cls]),
        "total": len(history),
        "offset": query.offset,
        "history": [_captured(run, row, cls, urls) for row in shown],
    }


def history_strip(run: Run, cls: int, urls: Urls) -> list[Captured]:
    """The captures of a class, thinned out to a strip; the first and the last are included."""
    return [_captured(run, row, cls, urls) for row in thinned(ancestry.history(run, cls), _SHOWN)]


def thinned(items: Sequence[Item], most: int, wanted: Sequence[Item] = ()) -> list[Item]:
    """At most ``most`` of ``items``, in order: the first and the last, then those ``wanted``, then evenly spread."""
    if len(items) <= most:
        return list(items)
    places = {id(item): place for place, item in enumerate(items)}
    needed = [places[id(item)] for item in wanted]
    kept = {0, len(items) - 1, *(needed[place] for place in evenly(len(needed), most - 2))}
    kept.update(evenly(len(items), most - len(kept) + 2).tolist())
    return [items[place] for place in sorted(kept)]


def _check_class(run: Run, cls: int) -> None:
    if cls >= len(run.classes):
        raise EmptyPageError(f"class {cls}: the run has classes 0 to {len(run.classes) - 1}")


def _about(cells: list[Held], query: IndividualQuery, id: int) -> Held | None:
    """The class that a page is about: the one asked for, else the surest that it holds, else that it held."""
    if query.cls is None:
        return max(cells, key=lambda cell: (cell["current"], cell["p"]), default=None)
    for cell in cells:
        if cell["class"] == query.cls:
            return cell
    raise QueryError(f"class={query.cls}: individual {id} never held that class")


def _cells(run: Run, me: ancestry.Ancestor, urls: Urls) -> list[Held]:
    """Every class that it captured, by index; all in the generation in which it was made."""
    query = "SELECT class, log_odds FROM captures WHERE generation = ? AND id = ? ORDER BY class"
    rows = run.store.typed(query, (int, float), (me.generation, me.id))
    run.check_classes(cls for cls, _ in rows)
    holds = {row[0] for row in run.store.rows("SELECT class FROM cells WHERE id = ?", (me.id,))}
    cells: list[Held] = []
    for cls, log_odds in rows:
        p = float(probability(np.array(log_odds)))
        name, url = printable(run.classes[cls]), urls.individual(run.path.name, me.id, cls=cls)
        cells.append({"class": cls, "name": name, "p": p, "percent": percent(p), "current": cls in holds, "url": url})
    return cells


def _captured(run: Run, row: ancestry.CaptureRow, cls: int | None, urls: Urls) -> Captured:
    name = run.path.name
    return {
        "generation": row.generation,
        "individual": row.id,
        "p": row.probability,
        "percent": percent(row.probability),
        "previous": row.previous,
        "image": urls.image(name, row.id, thumbnail_side(run)) if row.kept else None,
        "url": urls.individual(name, row.id, cls=cls),
    }


def _ancestor(run: Run, ancestor: ancestry.Ancestor, urls: Urls, *, main: bool, switch: bool) -> Ancestor:
    name = run.path.name
    return {
        "individual": ancestor.id,
        "generation": ancestor.generation,
        "parents": list(ancestor.parents),
        "operator": printable(ancestor.operator, 40),
        "main": main,
        "switch": switch,
        "holds": [{"class": cls, "name": printable(run.classes[cls])} for cls in ancestor.holds],
        "image": urls.image(name, ancestor.id, thumbnail_side(run)) if ancestor.kept else None,
        "url": urls.individual(name, ancestor.id),
    }


def _why_missing(run: Run) -> str:
    keep = run.experiment.retention.keep
    return f"Its image is no longer there: this run keeps {keep} only and at most the size it was given (retention)."


def _neighbours(run: Run, cls: int) -> tuple[int | None, int | None]:
    """The occupied classes before and after one, cyclically; None where it is the only one."""
    others = [cell for cell in run if cell != cls]
    if not others:
        return None, None
    place = bisect(others, cls)
    return others[place - 1], others[place % len(others)]


def _sizes(width: int, height: int, *, resizable: bool) -> list[int]:
    native = max(width, height)
    if resizable:
        return sorted({native, *(size for size in (256, 512, 1024, 2048) if size > native)})
    return [native * times for times in (1, 2, 4, 8, 16, 32, 64) if native * times <= MAX_SIDE]


def _downloads(run: Run, id: int, sizes: Sequence[int], urls: Urls) -> list[Download]:
    if not sizes:
        return []
    name = run.path.name
    sides = [scaled(run.store.image_shape()[1:], size) for size in sizes]
    images: list[Download] = [
        {"label": f"PNG, {width} × {height}", "url": urls.image(name, id, size)}
        for size, (height, width) in zip(sizes, sides, strict=True)
    ]
    return [
        *images,
        {"label": "Genome, JSON", "url": urls.genome(name, id, "json")},
        {"label": "Genome and image, npz", "url": urls.genome(name, id, "npz")},
    ]
