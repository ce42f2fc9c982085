"""The control at the same budget: the same archive fed with fresh random genomes; nothing is inherited.

Evolved genomes have grown, fresh ones have not. With ``mutations`` each random genome drifts first: it is mutated so
many times without selection, so that what evolution adds shows beside genomes of the same size.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evo_fool.evolution.population import Population
from evo_fool.evolution.strategy import ArchiveStrategy
from evo_fool.randomness import stream
from evo_fool.sections import RandomConfig


class RandomSearch(ArchiveStrategy):
    """Random search."""

    def generate(self, generation: int) -> Population:
        """Fresh random genomes, every generation, each mutated as often as the experiment says."""
        population = self.random_population(generation)
        search = self.experiment.search
        least, most = search.drift if isinstance(search, RandomConfig) else (0, 0)
        if not most:
            return population
        times = stream(self.experiment.seed, "drift", generation).integers(least, most + 1, len(population))
        genomes = population.genomes
        for step in range(int(times.max(initial=0))):
            rows = np.flatnonzero(times > step)
            genomes[rows] = self.mutated(genomes[rows], generation, step)
        return replace(population, genomes=genomes, operators=["random+mutation" if n else "random" for n in times])
