"""The single-class genetic algorithm: one population a target class, DEAP's own selection and variation.

With several targets the classes take turns, one generation each, so that a run's budget is shared evenly and does not
depend on how many generations were asked for. DEAP decides which are selected, mated and mutated; the toolbox's
``mate`` and ``mutate`` then do it on whole batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from deap import algorithms, base, tools

from evo_fool.encodings.base import Genomes
from evo_fool.evolution.archive import Insertions, one_class
from evo_fool.evolution.deap_random import deap_random
from evo_fool.evolution.population import NO_PARENT, Individual, Population
from evo_fool.evolution.selection import select_rank
from evo_fool.evolution.strategy import ArchiveStrategy, PopulationState
from evo_fool.randomness import stream
from evo_fool.sections import GeneticConfig

if TYPE_CHECKING:
    from evo_fool.evaluation import Scored


class Genetic(ArchiveStrategy):
    """A genetic algorithm for one class, or for each class in turn.

    ``variation: and`` is DEAP's ``eaSimple`` (select, ``varAnd``, replace) with elitism; ``variation: or`` is its
    (mu + lambda) (``varOr``, then select from parents and offspring), with elitism too.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        search = self.experiment.search
        self.config = search if isinstance(search, GeneticConfig) else GeneticConfig(kind="genetic")
        self._members: dict[int, list[Individual]] = {target: [] for target in self.targets}
        self._offspring: list[Individual] = []
        if self.config.selection == "rank":
            self.toolbox.register("select", select_rank, pressure=self.config.rank_pressure)
        else:
            self.toolbox.register("select", tools.selTournament, tournsize=self.config.tournament_size)

    def target(self, generation: int) -> int:
        """The class whose turn it is."""
        return self.targets[generation % len(self.targets)]

    def generate(self, generation: int) -> Population:
        """The offspring that need scoring: fresh ones at a class's first turn, varied ones afterwards."""
        members = self._members[self.target(generation)]
        if not members:
            population = self.random_population(generation, self.experiment.initial_batch)
            ids = population.ids.tolist()
            self._offspring = [Individual(id, population.genomes[i : i + 1]) for i, id in enumerate(ids)]
            return population
        rates, batch = (self.config.crossover, self.config.mutation), self.experiment.batch
        with deap_random(stream(self.experiment.seed, "variation", generation)):
            if self.config.variation == "and":
                self._offspring = algorithms.varAnd(self.toolbox.select(members, batch), _notes, *rates)
            else:
                self._offspring = algorithms.varOr(members, _notes, batch, *rates)
            return self._carry_out([ind for ind in self._offspring if not ind.fitness.valid], generation)

    def update(self, population: Population, scored: Scored) -> Insertions:
        """Give the offspring their fitness, form the next population, and add the offspring to the target's cell."""
        self.evaluations += len(population)
        target = self.target(population.generation)
        unscored = (ind for ind in self._offspring if not ind.fitness.valid)
        for ind, value in zip(unscored, scored.log_odds[:, target].tolist(), strict=True):
            ind.fitness.values = (value,)
        survivors = self._survivors(self._members[target], population.generation)
        # Copies: a view would keep its whole generation in memory for as long as the member lives.
        self._members[target] = [Individual(ind.id, ind.genome.copy(), ind.log_odds) for ind in survivors]
        eligible = one_class(scored.log_odds, target)
        return self.archive.add(population.ids, scored.log_odds, population.genomes, population.generation, eligible)

    def thresholds(self) -> None:
        """Selection needs the score of every member."""
        return None

    def population_state(self, generation: int) -> PopulationState:
        """The population of the class whose turn ``generation`` was."""
        target = self.target(generation)
        members = self._members[target]
        return PopulationState(target, [ind.id for ind in members], [ind.log_odds for ind in members])

    def restore(self, state: PopulationState, genomes: Genomes) -> None:
        """Put back one population from a checkpoint, in its stored order.

        Raises:
            ValueError: the strategy has no population for this target.
        """
        if state.target not in self._members:
            super().restore(state, genomes)
        self._members[state.target] = [
            Individual(id, genomes[i : i + 1], value)
            for i, (id, value) in enumerate(zip(state.ids, state.log_odds, strict=True))
        ]

    def _survivors(self, members: list[Individual], generation: int) -> list[Individual]:
        best = tools.selBest(members, self.config.elitism)
        if self.config.variation == "and" or not members:
            return best + tools.selBest(self._offspring, max(len(self._offspring) - len(best), 0))
        with deap_random(stream(self.experiment.seed, "survival", generation)):
            return best + self.toolbox.select(members + self._offspring, max(len(members) - len(best), 0))

    def _carry_out(self, varied: list[Individual], generation: int) -> Population:
        """Do on arrays what DEAP noted on the offspring. A mated child is the first child of itself and its partner."""
        seed = self.experiment.seed
        n = len(varied)
        genomes = np.concatenate([ind.genome for ind in varied]) if n else self.encoding.random(0, stream(seed, "none"))
        parents = np.full((n, 2), NO_PARENT, dtype=np.int64)
        parents[:, 0] = [ind.id for ind in varied]
        operators = ["+".join(["crossover"] * bool(i.partner) + ["mutation"] * i.mutated) for i in varied]
        mated = [(row, ind.partner) for row, ind in enumerate(varied) if ind.partner is not None]
        if mated:
            rows = np.array([row for row, _ in mated])
            partners = np.concatenate([partner.genome for _, partner in mated])
            genomes[rows], _ = self.mated(genomes[rows], partners, stream(seed, "mate", generation))
            parents[rows, 1] = [partner.id for _, partner in mated]
        mutated = np.flatnonzero([ind.mutated for ind in varied])
        if len(mutated):
            genomes[mutated] = self.mutated(genomes[mutated], generation)
        ids = np.arange(self.evaluations, self.evaluations + n)
        for row, (ind, id) in enumerate(zip(varied, ids.tolist(), strict=True)):
            ind.id, ind.genome, ind.partner = id, genomes[row : row + 1], None
        return Population(generation, ids, parents, operators, genomes)


def _note_mating(first: Individual, second: Individual) -> tuple[Individual, Individual]:
    first.partner, second.partner = second.clone(), first.clone()
    return first, second


def _note_mutation(individual: Individual) -> tuple[Individual]:
    individual.mutated = True
    return (individual,)


_notes = base.Toolbox()
"""What DEAP's varAnd and varOr are given: it notes on each offspring what they decide."""
_notes.register("clone", Individual.clone)
_notes.register("mate", _note_mating)
_notes.register("mutate", _note_mutation)
