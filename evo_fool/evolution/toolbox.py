"""An experiment as a DEAP toolbox: ``generate``, ``evaluate``, ``map``, ``update`` and, for the GA, its operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from deap import base

from evo_fool.encodings.base import Encoding
from evo_fool.errors import ConfigError
from evo_fool.evaluation import Evaluator, Scored
from evo_fool.evolution.archive import ClassArchive
from evo_fool.evolution.genetic import Genetic
from evo_fool.evolution.map_elites import ArchiveStrategy, MapElites, RandomSearch
from evo_fool.evolution.population import Population
from evo_fool.experiment import Experiment


def build_toolbox(experiment: Experiment, encoding: Encoding, evaluator: Evaluator, targets: list[int]) -> base.Toolbox:
    """The toolbox that :func:`evo_fool.evolution.loop.evolve` drives; ``toolbox.strategy`` holds the strategy.

    Args:
        experiment: decides the strategy.
        encoding: the genomes.
        evaluator: renders and scores.
        targets: class indices the single-class GA evolves; the number of classes decides the archive otherwise.

    Raises:
        ConfigError: the experiment describes imported images, which cannot be evolved further.
    """
    toolbox = base.Toolbox()
    toolbox.strategy = build_strategy(experiment, encoding, evaluator.scorer.classifier.classes, targets, toolbox)
    toolbox.register("generate", toolbox.strategy.generate)
    toolbox.register("evaluate", lambda genomes: evaluator.evaluate(genomes, toolbox.strategy.bar()))
    toolbox.register("map", whole_batch)
    toolbox.register("update", toolbox.strategy.update)
    return toolbox


def build_strategy(
    experiment: Experiment, encoding: Encoding, classes: Sequence[str], targets: list[int], toolbox: base.Toolbox
) -> ArchiveStrategy:
    """The strategy that ``experiment.search`` names, with an empty archive."""
    archive = ClassArchive(len(classes))
    match experiment.search.kind:
        case "map_elites":
            return MapElites(experiment, encoding, archive)
        case "random":
            return RandomSearch(experiment, encoding, archive)
        case "genetic":
            return Genetic(experiment, encoding, archive, targets, toolbox)
        case kind:
            raise ConfigError(f"search.kind = {kind!r} cannot be run; choose map_elites, genetic or random")


def whole_batch(evaluate: Callable[[Any], Scored], population: Population) -> Scored:
    """DEAP's ``map``, batched: one call scores the whole population."""
    return evaluate(population.genomes)
