"""The main loop, after ``deap.algorithms.eaGenerateUpdate``::

    for g in first ... last:
        population = toolbox.generate(g)
        scored     = toolbox.map(toolbox.evaluate, toolbox.split(genomes of the population))
        insertions = toolbox.update(population, scored)
        record(population, scored, insertions, statistics of the archive)

It differs from DEAP's in that it can begin at any generation, which is what resuming needs, and in that ``record`` can
end it between generations. It knows nothing of files: ``record`` is what makes a run last.
"""

from __future__ import annotations

from collections.abc import Callable

from deap import base

from evo_fool.evaluation import Scored
from evo_fool.evolution.archive import Insertions
from evo_fool.evolution.population import Population
from evo_fool.evolution.statistics import build_statistics
from evo_fool.probability import probability

Record = Callable[[Population, Scored, Insertions, dict[str, float]], str | None]
"""Called once a generation with everything that happened in it and its row of statistics; a reason ends the loop."""


def evolve(toolbox: base.Toolbox, *, first: int, last: int, record: Record) -> str:
    """Run generations ``first`` to ``last``, both included; returns the reason why it stopped early, or ``""``.

    Args:
        toolbox: from :func:`evo_fool.evolution.toolbox.build_toolbox`.
        first: 0 for a new run, the generation after the checkpoint for a resumed one.
        last: the last generation.
        record: makes the generation last. Its text, where not empty, ends the loop: no generation is left half done.
    """
    strategy, statistics = toolbox.strategy, build_statistics()
    for generation in range(first, last + 1):
        population = toolbox.generate(generation)
        scored = Scored.joined(toolbox.map(toolbox.evaluate, toolbox.split(population.genomes)))
        insertions = toolbox.update(population, scored)
        row = statistics.compile(probability(strategy.archive.log_odds[strategy.targets]).tolist())
        row |= {"evaluations": strategy.evaluations, "captures": len(insertions)}
        if reason := record(population, scored, insertions, row):
            return reason
    return ""
