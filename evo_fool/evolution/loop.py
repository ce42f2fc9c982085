"""The main loop, after ``deap.algorithms.eaGenerateUpdate``::

    for g in first ... last:
        population = toolbox.generate(g)
        scored     = toolbox.map(toolbox.evaluate, population)
        captures   = toolbox.update(population, scored)
        logbook.record(statistics of the archive)
        record(population, scored, captures)

It differs from DEAP's in that it can begin at any generation, which is what resuming needs, and in that it asks
between generations whether to stop. It knows nothing of files: ``record`` is what makes a run last.
"""

from __future__ import annotations

from collections.abc import Callable

from deap import base, tools

from evo_fool.evaluation import Scored
from evo_fool.evolution.archive import Captures
from evo_fool.evolution.population import Population
from evo_fool.probability import probability

Recorder = Callable[[Population, Scored, Captures, dict[str, float]], None]
"""Called once a generation with everything that happened in it and its row of statistics."""


def evolve(
    toolbox: base.Toolbox,
    *,
    first: int,
    last: int,
    statistics: tools.Statistics,
    logbook: tools.Logbook,
    record: Recorder,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Run generations ``first`` to ``last``, both included, or until ``should_stop()`` after a whole generation.

    Args:
        toolbox: from :func:`evo_fool.evolution.toolbox.build_toolbox`.
        first: 0 for a new run, the generation after the checkpoint for a resumed one.
        last: the last generation.
        statistics: compiled over the probabilities of the cells.
        logbook: DEAP's record of the run; one row a generation.
        record: makes the generation last.
        should_stop: looked at between generations only, so that no generation is left half done.
    """
    strategy = toolbox.strategy
    for generation in range(first, last + 1):
        population = toolbox.generate(generation)
        scored = toolbox.map(toolbox.evaluate, population)
        captures = toolbox.update(population, scored)
        row = statistics.compile(probability(strategy.archive.log_odds).tolist())
        row |= {"gen": generation, "evaluations": strategy.evaluations, "captures": len(captures)}
        logbook.record(**row)
        record(population, scored, captures, row)
        if should_stop():
            break
