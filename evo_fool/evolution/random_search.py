"""The control at the same budget: the same archive fed with fresh random genomes; nothing is inherited."""

from __future__ import annotations

from evo_fool.evolution.population import Population
from evo_fool.evolution.strategy import ArchiveStrategy


class RandomSearch(ArchiveStrategy):
    """Random search."""

    def generate(self, generation: int) -> Population:
        """Fresh random genomes, every generation."""
        return self.random_population(generation)
