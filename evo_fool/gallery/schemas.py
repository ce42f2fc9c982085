"""What every page tells: the JSON twin of a page is one of these, and its template is rendered from the same.

Probabilities ``p`` lie in [0, 1]; ``percent`` is the same for people, never rounded up. Generations count from 0.
An address (``url``, ``image``, ...) is a string to be used as it is; None where there is nothing to be found. An image
is None as well when the run's retention has let it go.
"""

from __future__ import annotations

from typing import Any, TypedDict


class RunFacts(TypedDict):
    """A run as every page about it names it. ``run`` is its directory's name, which addresses it."""

    run: str
    id: str
    name: str
    status: str  # running, finished, stopped, failed, interrupted
    created: str
    generation: int  # the last committed; -1 before the first
    generations: int
    evaluations: int
    images_per_second: float
    classes: int
    targets: int  # classes that it evolves
    occupied: int
    median: float
    median_percent: str
    at_least: dict[str, int]  # "0.9", "0.99", "0.9999" -> classes that reach it
    qd_score: float
    captures: int
    classifier: str
    encoding: str  # cppn, pixels, or an installed one
    search: str  # map_elites, genetic, random, imported
    seed: int
    preset: str
    channels: int
    width: int  # of a scored image, in pixels
    height: int
    resizable: bool  # whether its images can be rendered again at any size
    url: str


Face = TypedDict("Face", {"class": int, "name": str, "p": float, "percent": str, "individual": int, "image": str})
"""One of the surest images of a run."""


class RunRow(TypedDict):
    """A run on the page of all runs. ``error`` says why it cannot be read; the rest is None then, but for its name."""

    run: str
    url: str | None
    error: str | None
    facts: RunFacts | None
    sparkline: list[float]  # medians over the generations, at most 60
    best: list[Face]  # at most 4


class RunsPage(TypedDict):
    """``/``: every run."""

    page: str  # "runs"
    query: dict[str, Any]  # sort, order, q, status: as understood
    statuses: list[str]  # those that occur
    total: int
    shown: int
    runs: list[RunRow]


class Place(TypedDict):
    """Where on which sheet of thumbnails: row ``place // columns``, column ``place % columns``."""

    sheet: int
    place: int


class Sprites(TypedDict):
    """The sheets of thumbnails of a grid; a sheet that no tile needs is None."""

    tile: int  # side of a thumbnail, in pixels
    columns: int
    per_sheet: int  # thumbnails on every sheet but the last
    pixelated: bool  # thumbnails are the very pixels that were scored, to be enlarged crisply
    sheets: list[str | None]


Tile = TypedDict(
    "Tile",
    {
        "class": int,
        "name": str,
        "aliases": list[str],
        "p": float,
        "percent": str,
        "captured": int | None,  # generation of the last capture; None: nobody holds the class
        "individual": int | None,
        "nodes": int | None,  # complexity: of a CPPN its nodes
        "image": str | None,  # a thumbnail by itself
        "sprite": Place | None,
        "url": str | None,
    },
)
"""A class in a grid."""


class GridPage(TypedDict):
    """``/runs/RUN``: the grid of classes at one generation."""

    page: str  # "run"
    run: RunFacts
    query: dict[str, Any]  # generation (None: the last), sort, order, q, at_least, offset, limit
    generation: int
    total: int  # classes that the run evolves
    matching: int  # those that the query leaves
    shown: int
    median_percent: str  # at this generation, over all classes
    at_least: dict[str, int]
    sprites: Sprites
    tiles: list[Tile]
    events: str | None  # the stream of changes, of a running run seen at its last generation
    plots: str
    table: str


Held = TypedDict("Held", {"class": int, "name": str, "p": float, "percent": str, "current": bool, "url": str})
"""A class that an individual took: ``current`` says whether it still holds it."""


class Captured(TypedDict):
    generation: int
    individual: int
    p: float
    percent: str
    previous: int | None
    image: str | None
    url: str


"""A change of hands in the history of a class, oldest first."""


class Ancestor(TypedDict):
    """Somebody in a line of descent, oldest first; ``main`` is the line of first parents."""

    individual: int
    generation: int
    parents: list[int]
    operator: str
    main: bool
    switch: bool  # whether it took its classes from none that its line had held just before
    holds: list[dict[str, Any]]  # {"class", "name"} of every class that it ever held
    image: str | None
    url: str


class Download(TypedDict):
    """Something to be saved."""

    label: str
    url: str


IndividualPage = TypedDict(
    "IndividualPage",
    {
        "page": str,  # "individual"
        "run": RunFacts,
        "individual": int,
        "permanent": str,  # the address of this individual, whoever holds the class
        "class": int | None,  # the class that this page is about; None for an ancestor that never held any
        "name": str | None,
        "aliases": list[str],
        "p": float | None,
        "percent": str | None,
        "generation": int,  # when it was made, which is when it took its classes
        "current": bool,  # whether it holds the class now
        "holder": str | None,  # the page of whoever does, where it is somebody else
        "operator": str,
        "parents": list[int],
        "cells": list[Held],
        "kept": bool,  # whether genome and image are still there
        "missing": str | None,  # a sentence that says why not
        "image": str | None,  # as scored
        "large": str | None,  # for looking at
        "sizes": list[int],  # of the images that can be had
        "genome": dict[str, int] | None,  # its complexity: of a CPPN nodes and links
        "graph": str | None,
        "top5": str | None,  # where to fetch what the classifier makes of it
        "history": list[Captured],  # spread over the whole, first and last included, where there are too many
        "history_total": int,
        "history_all": str | None,  # where all of it can be fetched, see HistoryPage
        "lineage": list[Ancestor],  # the main line, thinned out like the history but for switches, and other ancestors
        "lineage_total": int,  # length of the main line
        "goal_switches": int,  # changes of class along the main line
        "previous": str | None,  # the same page of the class before and after this one in the run
        "next": str | None,
        "downloads": list[Download],
    },
)
"""``/runs/RUN/classes/CLASS`` and ``/runs/RUN/individuals/ID``: one image, everything about it."""


HistoryPage = TypedDict(
    "HistoryPage",
    {"page": str, "run": str, "class": int, "name": str, "total": int, "offset": int, "history": list[Captured]},
)
"""``/runs/RUN/classes/CLASS/history.json``: changes of hands from ``offset`` on, at most ``limit``."""


Guess = TypedDict("Guess", {"class": int, "name": str, "p": float, "percent": str})
"""One of the classifier's answers."""


class TopFive(TypedDict):
    """``/runs/RUN/individuals/ID/top5.json``: the surest first; None with the reason where it cannot be asked."""

    top5: list[Guess] | None
    reason: str | None


class ComparedRun(TypedDict):
    """A run on the comparison: its tile of the class at the same generation, and its grid."""

    facts: RunFacts
    generation: int  # at most the one asked for
    tile: Tile | None
    history: list[Captured]
    sprites: Sprites
    tiles: list[Tile]


class Choice(TypedDict):
    """Something that can be chosen."""

    value: str
    label: str


class DamagedRun(TypedDict):
    """A run that cannot be read, by its directory's name, and why."""

    run: str
    error: str


ComparePage = TypedDict(
    "ComparePage",
    {
        "page": str,  # "compare"
        "query": dict[str, Any],  # runs, class, generation
        "runs": list[ComparedRun],
        "damaged": list[DamagedRun],  # chosen, and left out
        "last": int,  # the largest generation of these runs
        "generation": int,
        "class": int | None,
        "name": str | None,
        "choices": list[Choice],  # runs that can be compared
        "classes": list[Choice],  # classes that all of these runs have
        "differences": list[dict[str, Any]],  # {"setting", "values": one for each run} of the settings that differ
    },
)
"""``/compare``: the same class across up to six runs; the grids of two."""


ClassRow = TypedDict(
    "ClassRow",
    {
        "class": int,
        "name": str,
        "aliases": list[str],
        "p": float,
        "percent": str,
        "log_odds": float | None,
        "captured": int | None,  # generation of the last capture
        "captures": int,  # how often it changed hands
        "individual": int | None,
        "url": str | None,
    },
)
"""A class in the table of a run."""


class PlotsPage(TypedDict):
    """``/runs/RUN/plots``: how it converged. ``series`` has a list for each name, all of the same length."""

    page: str  # "plots"
    run: RunFacts
    # generation, min, q1, median, q3, max, mean, qd_score, at_least_90, at_least_99, at_least_9999, captures and
    # images_per_second; the last two are means since the point before
    series: dict[str, list[float]]
    points: int
    rows: list[ClassRow]
    table: str


class Failure(TypedDict):
    """What an error page says."""

    page: str  # "error"
    status: int
    error: str
