"""The data of every page: its JSON twin is one of these, and its template is rendered from the same.

Probabilities ``p`` lie in [0, 1]; ``percent`` is the same for people, never rounded up. Generations count from 0. URLs
(``url``, ``image``, ...) are to be used as they are; None where there is nothing, for an image also when retention has
discarded it.
"""

from __future__ import annotations

from typing import Any, TypedDict

_OfClass = TypedDict("_OfClass", {"class": int})
_OfClassOrNone = TypedDict("_OfClassOrNone", {"class": int | None})


class Guess(_OfClass):
    """A class with its probability, such as one of the classifier's top five."""

    name: str
    p: float
    percent: str


class RunFacts(TypedDict):
    """A run on any page."""

    run: str  # name of its directory, which is its address
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


class Face(Guess):
    """One of the surest images of a run."""

    individual: int
    image: str


class RunRow(TypedDict):
    """A run on the page of all runs."""

    run: str
    url: str | None
    error: str | None  # why it cannot be read; then only its name is known
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
    """A place on a sheet of thumbnails: row ``place // columns``, column ``place % columns``."""

    sheet: int
    place: int


class Sprites(TypedDict):
    """The sheets of thumbnails of a grid; a sheet that no tile needs is None."""

    tile: int  # side of a thumbnail, in pixels
    columns: int
    per_sheet: int  # thumbnails on every sheet but the last
    pixelated: bool  # thumbnails have the pixels that were scored, to be enlarged crisply
    sheets: list[str | None]


class Tile(Guess):
    """A class in a grid."""

    aliases: list[str]
    captured: int | None  # generation of the last capture; None: the class is empty
    individual: int | None
    nodes: int | None  # complexity: of a CPPN its nodes
    image: str | None  # a thumbnail by itself
    sprite: Place | None
    url: str | None


class GridPage(TypedDict):
    """``/runs/RUN``: the grid of classes at one generation."""

    page: str  # "run"
    run: RunFacts
    query: dict[str, Any]  # generation (None: the last), sort, order, q, at_least, offset, limit
    generation: int
    total: int  # classes that the run evolves
    matching: int  # classes that match the query
    shown: int
    median_percent: str  # at this generation, over all classes
    at_least: dict[str, int]
    sprites: Sprites
    tiles: list[Tile]
    events: str | None  # the stream of changes, of a running run at its last generation
    plots: str
    table: str


class Held(Guess):
    """A class that an individual captured."""

    current: bool  # whether it still holds the class
    url: str


class Captured(TypedDict):
    """A capture in the history of a class, oldest first."""

    generation: int
    individual: int
    p: float
    percent: str
    previous: int | None  # the individual that held the class before
    image: str | None
    url: str


class Ancestor(TypedDict):
    """An individual of a lineage, oldest first."""

    individual: int
    generation: int
    parents: list[int]
    operator: str
    main: bool  # whether it is in the line of first parents
    switch: bool  # goal switch: the ancestor before it that held any class held none of its classes
    holds: list[dict[str, Any]]  # {"class", "name"} of every class that it ever held
    image: str | None
    url: str


class Download(TypedDict):
    """A file to be saved."""

    label: str
    url: str


class IndividualPage(_OfClassOrNone):
    """``/runs/RUN/classes/CLASS`` and ``/runs/RUN/individuals/ID``: one image and one of its classes."""

    page: str  # "individual"
    run: RunFacts
    individual: int
    permanent: str  # the URL of this individual, whatever its class holds later
    name: str | None
    aliases: list[str]
    p: float | None
    percent: str | None
    generation: int  # when it was made and captured its classes
    current: bool  # whether it holds the class now
    holder: str | None  # the page of the elite of the class, if that is another individual
    operator: str
    parents: list[int]
    cells: list[Held]
    kept: bool  # whether genome and image are still there
    missing: str | None  # a sentence that says why not
    image: str | None  # as scored
    large: str | None  # for looking at
    sizes: list[int]  # of the available images
    genome: dict[str, int] | None  # its complexity: of a CPPN nodes and links
    graph: str | None
    top5: str | None  # where to fetch the classifier's top five
    scene: str | None  # where to fetch what it does to photographs or task images; its twin: SceneView
    history: list[Captured]  # thinned out where there are too many; first and last included
    history_total: int
    history_all: str | None  # where to fetch all of it, see HistoryPage
    lineage: list[Ancestor]  # the main line, thinned out except for goal switches, and other ancestors
    lineage_total: int  # length of the main line
    goal_switches: int  # along the main line
    previous: str | None  # the same page of the class before and after this one in the run
    next: str | None
    downloads: list[Download]


class HistoryPage(_OfClass):
    """``/runs/RUN/classes/CLASS/history.json``: captures from ``offset`` on, at most ``limit``."""

    page: str
    run: str
    name: str
    total: int
    offset: int
    history: list[Captured]


class TopFive(TypedDict):
    """``/runs/RUN/individuals/ID/top5.json``: the surest first."""

    top5: list[Guess] | None
    reason: str | None  # why the classifier cannot be asked


class Changed(TypedDict):
    """A photograph or task image without the individual's image and with it."""

    name: str
    label: str | None  # its class, or the label of a task image
    before: Guess  # the classifier's likeliest class
    after: Guess
    aim_before: Guess | None  # the class that the image is evolved for, or that stands for the label
    aim_after: Guess | None


class Confusion(TypedDict):
    """Answers to the held-out task images."""

    labels: list[str]
    counts: list[list[int]]  # a row a label, a column an answer


class SceneView(TypedDict):
    """``/runs/RUN/individuals/ID/scene``: what an image does to the inputs of its scene; ``class`` says for which."""

    page: str  # "scene"
    reason: str | None  # why it cannot be shown; then there is nothing else
    kind: str  # perturbation, patch, program
    sheet: str | None  # a sheet of ten columns: the first row before, the second after, the third the perturbation
    pairs: list[Changed]  # at most 6
    amplified: float | None  # how many times the perturbation on the sheet is amplified
    facts: dict[str, str]  # what is reported over all inputs, such as the fooling rate
    confusion: Confusion | None  # of a program


class ComparedRun(TypedDict):
    """A run in a comparison: its tile of the class at the same generation, and its grid."""

    facts: RunFacts
    generation: int  # at most the one asked for
    tile: Tile | None
    history: list[Captured]
    sprites: Sprites
    tiles: list[Tile]


class Choice(TypedDict):
    """An option."""

    value: str
    label: str


class DamagedRun(TypedDict):
    """A run that cannot be read, by its directory's name, and why."""

    run: str
    error: str


class ComparePage(_OfClassOrNone):
    """``/compare``: the same class in up to six runs; the grids of two."""

    page: str  # "compare"
    query: dict[str, Any]  # runs, class, generation
    runs: list[ComparedRun]
    damaged: list[DamagedRun]  # chosen, and left out
    last: int  # the largest generation of these runs
    generation: int
    name: str | None
    choices: list[Choice]  # runs that can be compared
    classes: list[Choice]  # classes that all of these runs have
    differences: list[dict[str, Any]]  # {"setting", "values": one for each run} of the settings that differ


class ClassRow(Guess):
    """A class in the table of a run."""

    aliases: list[str]
    log_odds: float | None
    captured: int | None  # generation of the last capture
    captures: int  # number of all captures
    individual: int | None
    url: str | None


class PlotsPage(TypedDict):
    """``/runs/RUN/plots``: the convergence of a run."""

    page: str  # "plots"
    run: RunFacts
    series: dict[str, list[float]]  # generation, the statistics, captures and images_per_second
    points: int
    rows: list[ClassRow]
    table: str
