"""The page of one image: what it is taken for, how it is made, and how evolution came to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from evo_fool.errors import CorruptRunError, RunNotFoundError
from evo_fool.gallery.data.kept import kept_members
from evo_fool.gallery.data.pictures import MAX_SIDE
from evo_fool.gallery.data.run_header import run_facts
from evo_fool.gallery.data.sprites import thumbnail_side
from evo_fool.gallery.query import HistoryQuery, IndividualQuery, QueryError
from evo_fool.gallery.schemas import Ancestor, Captured, Download, Held, HistoryPage, IndividualPage
from evo_fool.gallery.urls import Addresses
from evo_fool.probability import probability
from evo_fool.runs import lineage as ancestry
from evo_fool.runs.run import Run
from evo_fool.shape import scaled
from evo_fool.text import percent, printable

_SHOWN = 100
"""As many images as a strip shows."""

_FAMILY = 200
"""As many ancestors as are looked for beside the main line."""

_LARGE = 512
"""Side at which a CPPN is first shown, in pixels."""

Item = TypeVar("Item")


class NobodyError(RunNotFoundError):
    """No such class or individual in a run, or a class that nobody holds."""


def cell_page(run: Run, cls: int, addresses: Addresses) -> IndividualPage:
    """The page of whoever holds a class now.

    Raises:
        NobodyError: no such class, or nobody does.
        CorruptRunError: an entry is not what it should be.
    """
    _check_class(run, cls)
    try:
        holder = run[cls]
    except KeyError:
        raise NobodyError(f"class {cls} ({printable(run.classes[cls])}): no image holds it yet") from None
    return individual_page(run, holder.id, IndividualQuery(cls), addresses)


def individual_page(run: Run, id: int, query: IndividualQuery, addresses: Addresses) -> IndividualPage:
    """The page of an individual.

    Raises:
        NobodyError: the run has no record of it.
        QueryError: it never held the class that is asked for.
        CorruptRunError: an entry is not what it should be.
    """
    try:
        line = ancestry.lineage(run, id)
    except KeyError:
        raise NobodyError(f"individual {id}: the run has no record of it") from None
    name, facts, me = run.path.name, run_facts(run, addresses), line[-1]
    cells = _cells(run, me, addresses)
    about = _about(cells, query, id)
    cls = about["class"] if about else None
    history = [] if cls is None else ancestry.history(run, cls)
    around = [] if cls is None else _neighbours(run, cls)
    tree = _family(run, me, line)
    switches = [after for _, after in ancestry.goal_switches(line)]
    shown_line, switched = thinned(line, _SHOWN, switches), {after.id for after in switches}
    complexity = kept_members(run, [id]).get(id)
    sizes = _sizes(facts["width"], facts["height"], resizable=facts["resizable"])
    return {
        "page": "individual",
        "run": facts,
        "individual": id,
        "permanent": addresses.individual(name, id, cls=cls),
        "class": cls,
        "name": about["name"] if about else None,
        "aliases": [] if cls is None else [printable(alias) for alias in run.class_aliases[cls]],
        "p": about["p"] if about else None,
        "percent": about["percent"] if about else None,
        "generation": me.generation,
        "current": bool(about and about["current"]),
        "holder": None if cls is None or about is None or about["current"] else addresses.cell(name, cls),
        "operator": printable(me.operator, 40),
        "parents": list(me.parents),
        "cells": cells,
        "kept": me.kept,
        "missing": None if me.kept else _why_missing(run),
        "image": addresses.image(name, id) if me.kept else None,
        "large": addresses.image(name, id, _large(sizes) if facts["resizable"] else None) if me.kept else None,
        "sizes": sizes if me.kept else [],
        "genome": complexity or None,
        "graph": addresses.graph(name, id) if complexity and run.encoding.outputs else None,
        "top5": addresses.top(name, id) if me.kept else None,
        "history": [_captured(run, row, cls, addresses) for row in thinned(history, _SHOWN)],
        "history_total": len(history),
        "history_all": None if cls is None else addresses.history(name, cls),
        "lineage": [
            _ancestor(run, each, addresses, main=each not in tree, switch=each.id in switched)
            for each in _by_age([*shown_line, *tree])
        ],
        "lineage_total": len(line),
        "goal_switches": len(switches),
        "previous": addresses.cell(name, around[0]) if around else None,
        "next": addresses.cell(name, around[1]) if around else None,
        "downloads": _downloads(run, id, sizes, addresses) if me.kept else [],
    }


def history_page(run: Run, cls: int, query: HistoryQuery, addresses: Addresses) -> HistoryPage:
    """Everybody who ever held a class, or a part of them.

    Raises:
        NobodyError: there is no such class.
        CorruptRunError: an entry is not what it should be.
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
        "history": [_captured(run, row, cls, addresses) for row in shown],
    }


def history_strip(run: Run, cls: int, addresses: Addresses) -> list[Captured]:
    """The history of a class as a strip of a bounded number of images, the first and the last included."""
    return [_captured(run, row, cls, addresses) for row in thinned(ancestry.history(run, cls), _SHOWN)]


def _check_class(run: Run, cls: int) -> None:
    if not 0 <= cls < len(run.classes):
        raise NobodyError(f"class {cls}: the run has classes 0 to {len(run.classes) - 1}")


def _about(cells: list[Held], query: IndividualQuery, id: int) -> Held | None:
    """The class that a page is about: the one asked for, or of those it holds, or else of those it held, the surest."""
    if query.cls is None:
        return max(cells, key=lambda cell: (cell["current"], cell["p"]), default=None)
    for cell in cells:
        if cell["class"] == query.cls:
            return cell
    raise QueryError(f"class={query.cls}: individual {id} never held that class")


def _cells(run: Run, me: ancestry.Ancestor, addresses: Addresses) -> list[Held]:
    """Every class that it took, by index. It took them all in the generation that it was made in."""
    rows = run.store.rows(
        "SELECT class, log_odds FROM captures WHERE generation = ? AND id = ? ORDER BY class", (me.generation, me.id)
    )
    holds = {row[0] for row in run.store.rows("SELECT class FROM cells WHERE id = ?", (me.id,))}
    cells: list[Held] = []
    for cls, log_odds in rows:
        if not isinstance(log_odds, float):
            raise CorruptRunError(f"{run.path}: the captures have entries that are not numbers")
        p = float(probability(np.array(log_odds)))
        name, url = printable(run.classes[cls]), addresses.individual(run.path.name, me.id, cls=cls)
        cells.append({"class": cls, "name": name, "p": p, "percent": percent(p), "current": cls in holds, "url": url})
    return cells


def _family(run: Run, me: ancestry.Ancestor, line: Sequence[ancestry.Ancestor]) -> list[ancestry.Ancestor]:
    """Ancestors by second parents; none where nobody has two."""
    main = {ancestor.id for ancestor in line}
    return [each for each in ancestry.family(run, [me.id], _FAMILY) if each.id not in main]


def _by_age(members: list[ancestry.Ancestor]) -> list[ancestry.Ancestor]:
    return sorted(members, key=lambda ancestor: ancestor.id)


def thinned(items: Sequence[Item], most: int, wanted: Sequence[Item] = ()) -> list[Item]:
    """At most ``most`` of ``items``, in order: the first and the last, then those ``wanted``, then evenly spread."""
    if len(items) <= most:
        return list(items)
    places = {id(item): place for place, item in enumerate(items)}
    needed = [places[id(item)] for item in wanted]
    kept = {0, len(items) - 1, *(needed[place] for place in _spread(len(needed), most - 2))}
    kept.update(_spread(len(items), most - len(kept) + 2))
    return [items[place] for place in sorted(kept)]


def _spread(number: int, most: int) -> list[int]:
    """At most ``most`` places of ``number``, evenly spread, the first and the last among them."""
    return list(range(number)) if number <= most else np.linspace(0, number - 1, most).round().astype(int).tolist()


def _captured(run: Run, row: ancestry.CaptureRow, cls: int | None, addresses: Addresses) -> Captured:
    name = run.path.name
    return {
        "generation": row.generation,
        "individual": row.id,
        "p": row.probability,
        "percent": percent(row.probability),
        "previous": row.previous,
        "image": addresses.image(name, row.id, thumbnail_side(run)) if row.kept else None,
        "url": addresses.individual(name, row.id, cls=cls),
    }


def _ancestor(run: Run, ancestor: ancestry.Ancestor, addresses: Addresses, *, main: bool, switch: bool) -> Ancestor:
    name = run.path.name
    return {
        "individual": ancestor.id,
        "generation": ancestor.generation,
        "parents": list(ancestor.parents),
        "operator": printable(ancestor.operator, 40),
        "main": main,
        "switch": switch,
        "holds": [{"class": cls, "name": printable(run.classes[cls])} for cls in ancestor.holds],
        "image": addresses.image(name, ancestor.id, thumbnail_side(run)) if ancestor.kept else None,
        "url": addresses.individual(name, ancestor.id),
    }


def _why_missing(run: Run) -> str:
    keep = run.experiment.retention.keep
    return f"Its image is no longer there: this run keeps {keep} only and at most the size it was given (retention)."


def _neighbours(run: Run, cls: int) -> list[int]:
    """The occupied classes before and after one, round the corner; none where it is the only one."""
    others = [cell for cell in run if cell != cls]
    if not others:
        return []
    before, after = [cell for cell in others if cell < cls], [cell for cell in others if cell > cls]
    return [(before or others)[-1], (after or others)[0]]


def _sizes(width: int, height: int, *, resizable: bool) -> list[int]:
    native = max(width, height)
    if resizable:
        return sorted({native, *(size for size in (256, 512, 1024, 2048) if size > native)})
    return [native * times for times in (1, 2, 4, 8, 16, 32, 64) if native * times <= MAX_SIDE]


def _large(sizes: Sequence[int]) -> int:
    return min((size for size in sizes if size >= _LARGE), default=sizes[-1])


def _downloads(run: Run, id: int, sizes: Sequence[int], addresses: Addresses) -> list[Download]:
    name = run.path.name
    sides = [scaled(run.store.image_shape()[1:], size) for size in sizes]
    images: list[Download] = [
        {"label": f"PNG, {width} × {height}", "url": addresses.image(name, id, size)}
        for size, (height, width) in zip(sizes, sides, strict=True)
    ]
    return [
        *images,
        {"label": "Genome, JSON", "url": addresses.genome(name, id, "json")},
        {"label": "Genome and image, npz", "url": addresses.genome(name, id, "npz")},
    ]
