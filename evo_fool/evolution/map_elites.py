"""MAP-Elites over classes as a DEAP generate/update strategy (paper, section 2.1; as ``deap.cma.Strategy`` is one).

Also the control: the same archive fed with fresh random genomes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evo_fool.encodings.base import Encoding
from evo_fool.errors import ConfigError
from evo_fool.evolution.archive import Captures, ClassArchive, argmax_only
from evo_fool.evolution.parents import Curiosity, draw, recency
from evo_fool.evolution.population import NO_PARENT, Population
from evo_fool.experiment import Experiment, MapElitesConfig
from evo_fool.randomness import stream

if TYPE_CHECKING:
    from evo_fool.evaluation import Scored


@dataclass(frozen=True, slots=True)
class Standing:
    """The members of one target class's population, in order: their ids and log-odds for the target."""

    target: int
    ids: list[int]
    log_odds: list[float]


class ArchiveStrategy:
    """What strategies that fill a class archive share: the archive, the counter of evaluations, the insertion rule.

    Attributes:
        archive: the elites.
        evaluations: images scored so far; the id of the next one.
    """

    def __init__(self, experiment: Experiment, encoding: Encoding, archive: ClassArchive) -> None:
        self.experiment = experiment
        self.encoding = encoding
        self.archive = archive
        self.evaluations = 0
        self._argmax = getattr(experiment.search, "insertion", "every_cell") == "argmax"

    def generate(self, generation: int) -> Population:
        """The genomes to evaluate in this generation; a pure function of the strategy's state and the seed.

        Raises:
            ConfigError: the strategy only holds an archive, as that of imported images does.
        """
        raise ConfigError(f"search.kind = {self.experiment.search.kind!r} does not evolve anything")

    def bar(self) -> np.ndarray | None:
        """The log-odds an image must beat to matter, float64 ``(classes,)``; None where every score matters.

        With ``insertion: argmax`` every score matters: an image's top class decides where it may compete.
        """
        return None if self._argmax else self.archive.log_odds

    def standing(self, generation: int) -> Standing | None:
        """The population that ``generation`` left behind beside the archive; None where the archive is all there is."""
        return None

    def memory(self) -> list[float]:
        """What the strategy knows beside archive and populations, and needs to go on as if never interrupted."""
        return []

    def recall(self, memory: list[float]) -> None:
        """Put back what :meth:`memory` gave.

        Raises:
            ValueError: it is not this strategy's.
        """
        if memory:
            raise ValueError(f"{len(memory)} numbers for a strategy that keeps none")

    def random_population(self, generation: int, n: int) -> Population:
        """``n`` fresh random genomes."""
        genomes = self.encoding.random(n, stream(self.experiment.seed, "random", generation))
        return Population.fresh(generation, self.evaluations, genomes)

    def update(self, population: Population, scored: Scored) -> Captures:
        """Offer the scored population to the archive."""
        self.evaluations += len(population)
        eligible = argmax_only(scored.log_odds) if self._argmax else None
        return self.archive.offer(population.ids, scored.log_odds, population.genomes, population.generation, eligible)


class RandomSearch(ArchiveStrategy):
    """The control at the same budget: nothing is inherited."""

    def generate(self, generation: int) -> Population:
        """Fresh random genomes, every generation."""
        return self.random_population(
            generation, self.experiment.batch if generation else self.experiment.initial_batch
        )


class MapElites(ArchiveStrategy):
    """Parents drawn over occupied cells, varied, and offered to every cell.

    Each generation draws ``batch`` parents with replacement, uniformly: an elite that holds k cells is k times as
    likely (the released code), unless ``parents: elites`` asks for distinct elites. ``parents: recent`` and ``parents:
    curiosity`` draw those whose children promise to win (parents.py). Each pair of neighbours is crossed with the
    encoding's ``crossover`` probability; then every child is mutated.
    """

    def __init__(self, experiment: Experiment, encoding: Encoding, archive: ClassArchive) -> None:
        super().__init__(experiment, encoding, archive)
        self.curiosity = Curiosity(len(archive)) if getattr(experiment.search, "parents", "") == "curiosity" else None
        self._cells = np.empty(0, np.int64)

    def generate(self, generation: int) -> Population:
        """Generation 0 is random; later ones vary elites."""
        self._cells = np.empty(0, np.int64)
        if generation == 0 or not len(self.archive.occupied):
            return self.random_population(
                generation, self.experiment.initial_batch if generation == 0 else self.experiment.batch
            )
        seed, n = self.experiment.seed, self.experiment.batch
        cells = self._cells = self._draw_cells(n, generation)
        parents = np.full((n, 2), NO_PARENT, dtype=np.int64)
        parents[:, 0] = self.archive.ids[cells]
        genomes = self.archive.genomes_of(cells)
        operators = ["mutation"] * n
        rate = self.experiment.crossover
        if rate > 0:
            rng = stream(seed, "mate", generation)
            first = 2 * np.flatnonzero(rng.random(n // 2) < rate)
            second = first + 1
            genomes[first], genomes[second] = self.encoding.mate(genomes[first], genomes[second], rng)
            parents[first, 1], parents[second, 1] = parents[second, 0], parents[first, 0]
            for row in (*first, *second):
                operators[row] = "crossover+mutation"
        genomes = self.encoding.mutate(genomes, stream(seed, "mutate", generation), generation)
        ids = np.arange(self.evaluations, self.evaluations + n)
        return Population(generation, ids, parents, operators, genomes)

    def update(self, population: Population, scored: Scored) -> Captures:
        """Offer the scored population to the archive, and note whose children won."""
        captures = super().update(population, scored)
        if self.curiosity is not None and len(self._cells):
            won = np.zeros(len(population), bool)
            won[captures.rows] = True
            self.curiosity.learn(self._cells, won)
        return captures

    def memory(self) -> list[float]:
        """The scores of curiosity; nothing where parents are drawn uniformly."""
        return [] if self.curiosity is None else self.curiosity.scores.tolist()

    def recall(self, memory: list[float]) -> None:
        """Put the scores of curiosity back."""
        if self.curiosity is None:
            return super().recall(memory)
        if len(memory) != len(self.curiosity.scores):
            raise ValueError(f"{len(memory)} scores for {len(self.curiosity.scores)} cells")
        self.curiosity.scores[:] = memory

    def _draw_cells(self, n: int, generation: int) -> np.ndarray:
        """The cells that the parents of ``n`` children come from, int64 ``(n,)``."""
        pool, rng = self.archive.occupied, stream(self.experiment.seed, "parents", generation)
        if self.curiosity is not None:
            return draw(pool, self.curiosity.scores[pool], n, rng)
        config = self.experiment.search
        parents = config.parents if isinstance(config, MapElitesConfig) else "cells"
        if parents == "recent":
            return draw(pool, recency(generation - self.archive.generations[pool]), n, rng)
        if parents == "elites":
            _, first = np.unique(self.archive.ids[pool], return_index=True)
            pool = pool[first]
        return pool[rng.integers(len(pool), size=n)]
