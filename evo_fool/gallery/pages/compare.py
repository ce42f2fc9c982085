"""Runs side by side: the same class at the same generation, and the grids of two."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from evo_fool.errors import EvoFoolError, RunNotFoundError, UnknownClassError
from evo_fool.gallery.data.run_header import run_facts
from evo_fool.gallery.data.run_registry import Library
from evo_fool.gallery.pages.grid import Grids, make_tiles
from evo_fool.gallery.pages.individual import history_strip
from evo_fool.gallery.pages.runs import Overview
from evo_fool.gallery.query import CompareQuery, QueryError
from evo_fool.gallery.schemas import Choice, ComparedRun, ComparePage
from evo_fool.gallery.urls import Urls
from evo_fool.runs.experiment_diff import differing_settings
from evo_fool.runs.run import Run
from evo_fool.text import printable

_GRIDS = 2
"""The largest number of runs that are shown with their whole grids."""


def compare_page(library: Library, overview: Overview, grids: Grids, query: CompareQuery, urls: Urls) -> ComparePage:
    """The page of a comparison, also while no runs are chosen. Unreadable runs are left out, with the reason.

    Raises:
        RunNotFoundError: one of the runs does not exist.
        QueryError: none of them has the class.
        EvoFoolError: none of them can be read.
    """
    damaged: dict[str, EvoFoolError] = {}
    with ExitStack() as stack:
        opened: list[Run] = []
        for name in query.runs:
            with _noted(damaged, name):
                run = stack.enter_context(library.open(name))
                run_facts(run, urls)  # whether it can be read at all
                opened.append(run)
        cells = _cells(opened, query.cls)
        last = max((run.generation for run in opened), default=0)
        generation = last if query.generation is None else min(query.generation, max(last, 0))
        compared: list[ComparedRun] = []
        shown: list[tuple[Run, int | None]] = []
        for run, cell in zip(opened, cells, strict=True):
            with _noted(damaged, run.path.name):
                compared.append(_compared(run, cell, generation, grids, urls, whole=len(opened) <= _GRIDS))
                shown.append((run, cell))
        if damaged and not shown:
            raise next(iter(damaged.values()))
        runs = [run for run, _ in shown]
        named = next(((run, cell) for run, cell in shown if cell is not None), None)
        differences = differing_settings([run.experiment for run in runs]) if len(runs) > 1 else {}
        return {
            "page": "compare",
            "query": {"runs": list(query.runs), "class": query.cls, "generation": query.generation},
            "runs": compared,
            "damaged": [{"run": name, "error": printable(library.public(error))} for name, error in damaged.items()],
            "last": last,
            "generation": generation,
            "class": named[1] if named else None,
            "name": printable(named[0].classes[named[1]]) if named else None,
            "choices": overview.choices(),
            "classes": _classes(runs),
            "differences": [{"setting": key, "values": values} for key, values in differences.items()],
        }


@contextmanager
def _noted(damaged: dict[str, EvoFoolError], name: str) -> Iterator[None]:
    """An error of one run is recorded, and does not hide the others."""
    try:
        yield
    except RunNotFoundError:
        raise
    except EvoFoolError as error:
        damaged[name] = error


def _cells(runs: list[Run], text: str) -> list[int | None]:
    """The index of the class in each run; without a text that of the first class that the first run evolves."""
    if not runs:
        return []
    wanted = text or runs[0].classes[runs[0].targets[0]]
    cells: list[int | None] = []
    reason = ""
    for run in runs:
        try:
            cells.append(run.class_index(wanted))
        except UnknownClassError as error:
            cells.append(None)
            reason = reason or str(error)
    if all(cell is None for cell in cells):
        raise QueryError(printable(reason))
    return cells


def _compared(run: Run, cell: int | None, generation: int, grids: Grids, urls: Urls, *, whole: bool) -> ComparedRun:
    at = min(generation, run.generation)
    sprites, tiles = make_tiles(run, grids.archive(run, at), urls)
    return {
        "facts": run_facts(run, urls),
        "generation": at,
        "tile": next((tile for tile in tiles if tile["class"] == cell), None),
        "history": [] if cell is None else history_strip(run, cell, urls),
        "sprites": sprites,
        "tiles": tiles if whole else [],
    }


def _classes(runs: list[Run]) -> list[Choice]:
    """The classes that all runs evolve, by their names in the first."""
    if not runs:
        return []
    common = set.intersection(*({run.classes[cell] for cell in run.targets} for run in runs))
    first = runs[0]
    return [
        {"value": str(cell), "label": printable(first.classes[cell])}
        for cell in first.targets
        if first.classes[cell] in common
    ]
