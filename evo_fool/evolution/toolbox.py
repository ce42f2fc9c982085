"""An experiment as a DEAP toolbox. Any entry can be replaced before the run begins, as in every DEAP program:

============  ==========================================================================================
``generate``  ``(generation) -> Population``: the strategy's
``select``    ``(individuals, k) -> individuals``: parents, by DEAP's own operators or others; MAP-Elites and GA
``mate``      ``(genomes, genomes, rng) -> (genomes, genomes)``: whole batches, row by row
``mutate``    ``(genomes, rng, generation) -> genomes``: a whole batch, row by row
``vary``      ``(operator, genomes, rng, generation) -> genomes``: the same by another operator, where they are adaptive
``ascend``    ``(genomes, cells, rng) -> genomes``: steps up the gradient of a cell each, with ``search.gradient``
``split``     ``(genomes) -> [genomes, …]``: the batches that ``map`` goes over; at first one, all of them
``evaluate``  ``(genomes) -> Scored``: draw and score one batch
``map``       ``(evaluate, batches) -> [Scored, …]``: at first Python's own
``update``    ``(Population, Scored) -> Insertions``: the strategy's
============  ==========================================================================================

``rng`` is the generation's own numpy generator. Python's ``random``, which DEAP's operators use, is seeded for the
generation too; so what draws from either gives the same run again, also when resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from deap import base
from pydantic import BaseModel, ValidationError

from evo_fool.encodings.base import Encoding
from evo_fool.errors import ConfigError
from evo_fool.evaluation import Evaluator
from evo_fool.evolution.archive import ClassArchive
from evo_fool.evolution.genetic import Genetic
from evo_fool.evolution.map_elites import MapElites
from evo_fool.evolution.random_search import RandomSearch
from evo_fool.evolution.strategy import ArchiveStrategy
from evo_fool.experiment import Experiment
from evo_fool.plugins import load

Search = ArchiveStrategy | Callable[..., ArchiveStrategy]
"""A strategy that has not begun, or what makes one from ``(experiment, encoding, archive, toolbox, targets)``."""

_SEARCHES: dict[str, Search] = {"map_elites": MapElites, "random": RandomSearch, "genetic": Genetic}


def build_toolbox(
    experiment: Experiment,
    encoding: Encoding,
    evaluator: Evaluator,
    targets: list[int],
    search: Search | None = None,
    configure: Callable[[base.Toolbox], object] | None = None,
) -> base.Toolbox:
    """The toolbox that :func:`evo_fool.evolution.loop.evolve` drives; ``toolbox.strategy`` holds the strategy.

    Args:
        experiment: decides the strategy.
        encoding: the genomes.
        evaluator: draws and scores.
        targets: the classes that are evolved; empty: all.
        search: in place of the experiment's.
        configure: is given the toolbox, to replace entries.

    Raises:
        ConfigError: the search cannot be run.
    """
    strategy = build_strategy(experiment, encoding, evaluator.scene.cells, targets, search)
    toolbox = strategy.toolbox
    toolbox.strategy = strategy
    toolbox.register("generate", strategy.generate)
    toolbox.register("split", lambda genomes: [genomes])
    toolbox.register("evaluate", lambda genomes: evaluator.evaluate(genomes, strategy.thresholds()))
    toolbox.register("ascend", evaluator.ascend)
    toolbox.register("update", strategy.update)
    if configure is not None:
        configure(toolbox)
    return toolbox


def build_strategy(
    experiment: Experiment,
    encoding: Encoding,
    classes: Sequence[str],
    targets: list[int],
    search: Search | None = None,
) -> ArchiveStrategy:
    """The strategy that ``experiment.search`` names, or ``search``, with an empty archive.

    Raises:
        ConfigError: there is no such search, or it makes no strategy that can begin.
    """
    kind = experiment.search.kind
    if search is None:
        if kind in ("imported", "gradient", "object"):
            raise ConfigError(f"search.kind = {kind!r} cannot be run; choose {', '.join(_SEARCHES)}")
        search = _SEARCHES.get(kind) or load("evo_fool.searches", kind)
        if (settings := getattr(search, "Config", None)) is not None and kind not in _SEARCHES:
            experiment = experiment.model_copy(update={"search": _checked(settings, experiment.search)})
    made: Any = search
    if not isinstance(search, ArchiveStrategy):
        made = search(experiment, encoding, ClassArchive(len(classes)), base.Toolbox(), targets)
    if not isinstance(made, ArchiveStrategy):
        raise ConfigError(f"search {kind!r} is {type(made).__name__}; make it an evo_fool.evolution.ArchiveStrategy")
    if made.evaluations or len(made.archive) != len(classes):
        raise ConfigError(
            f"search {type(made).__name__} has {len(made.archive)} cells and {made.evaluations} evaluations; "
            f"begin with an empty ClassArchive({len(classes)}), or pass the class"
        )
    return made


def _checked(settings: type[BaseModel], section: BaseModel) -> BaseModel:
    """The settings of an installed search, as its own model has them."""
    try:
        return settings.model_validate(section.model_dump())
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(map(str, ("search", *problem["loc"])))
        raise ConfigError(f"{where} = {problem['input']!r}: {problem['msg']}") from None
