"""The single-class genetic algorithm: one population a target class, DEAP's own selection and variation.

With several targets the classes take turns, one generation each, so that a run's budget is shared evenly and does not
depend on how many generations were asked for. DEAP decides who is selected, mated and mutated; what it decided is
then carried out on whole arrays by the encoding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from deap import algorithms, base, tools

from evo_fool.encodings.base import Encoding, Genomes
from evo_fool.evolution.archive import Captures, ClassArchive, one_class
from evo_fool.evolution.deap_random import deap_random
from evo_fool.evolution.map_elites import ArchiveStrategy, Standing
from evo_fool.evolution.population import NO_PARENT, Individual, Population
from evo_fool.evolution.selection import select_rank
from evo_fool.experiment import Experiment, GeneticConfig
from evo_fool.randomness import stream

if TYPE_CHECKING:
    from evo_fool.evaluation import Scored


class Genetic(ArchiveStrategy):
    """A genetic algorithm for one class, or for each class in turn.

    ``variation: and`` is DEAP's ``eaSimple`` (select, ``varAnd``, replace) with elitism; ``variation: or`` is its
    (mu + lambda) (``varOr``, then select from parents and offspring), with elitism too.

    Args:
        targets: the class indices that take turns.
        toolbox: DEAP's toolbox; :meth:`register` puts ``clone``, ``select``, ``mate`` and ``mutate`` on it, and
            whatever is registered there when a generation begins is what selects and varies.
    """

    def __init__(
        self,
        experiment: Experiment,
        encoding: Encoding,
        archive: ClassArchive,
        targets: list[int],
        toolbox: base.Toolbox,
    ) -> None:
        super().__init__(experiment, encoding, archive)
        if not isinstance(experiment.search, GeneticConfig):
            raise TypeError(f"search.kind is {experiment.search.kind!r}, not 'genetic'")
        self.config: GeneticConfig = experiment.search
        self.targets = targets
        self.toolbox = toolbox
        self._members: dict[int, list[Individual]] = {target: [] for target in targets}
        self._offspring: list[Individual] = []
        self._register()

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
        config = self.config
        with deap_random(stream(self.experiment.seed, "variation", generation)):
            if config.variation == "and":
                parents = self.toolbox.select(members, self.experiment.batch)
                self._offspring = algorithms.varAnd(parents, self.toolbox, config.crossover, config.mutation)
            else:
                self._offspring = algorithms.varOr(
                    members, self.toolbox, self.experiment.batch, config.crossover, config.mutation
                )
        return self._carry_out([ind for ind in self._offspring if not ind.fitness.valid], generation)

    def update(self, population: Population, scored: Scored) -> Captures:
        """Give the offspring their fitness, form the next population, and offer the offspring to the target's cell."""
        self.evaluations += len(population)
        target = self.target(population.generation)
        unscored = (ind for ind in self._offspring if not ind.fitness.valid)
        for ind, value in zip(unscored, scored.log_odds[:, target].tolist(), strict=True):
            ind.fitness.values = (value,)
        survivors = self._survivors(self._members[target], population.generation)
        # Copies: a view would keep its whole generation in memory for as long as the member lives.
        self._members[target] = [Individual(ind.id, ind.genome.copy(), ind.log_odds) for ind in survivors]
        eligible = one_class(scored.log_odds, target)
        return self.archive.offer(population.ids, scored.log_odds, population.genomes, population.generation, eligible)

    def bar(self) -> None:
        """Selection needs the score of every member."""
        return None

    def standing(self, generation: int) -> Standing:
        """The population of the class whose turn ``generation`` was."""
        target = self.target(generation)
        members = self._members[target]
        return Standing(target, [ind.id for ind in members], [ind.log_odds for ind in members])

    def restore(self, standing: Standing, genomes: Genomes) -> None:
        """Put back one population from a checkpoint, in its stored order."""
        self._members[standing.target] = [
            Individual(id, genomes[i : i + 1], value)
            for i, (id, value) in enumerate(zip(standing.ids, standing.log_odds, strict=True))
        ]

    def _register(self) -> None:
        config = self.config
        self.toolbox.register("clone", Individual.clone)
        self.toolbox.register("mate", _note_mating)
        self.toolbox.register("mutate", _note_mutation)
        if config.selection == "rank":
            self.toolbox.register("select", select_rank, pressure=config.rank_pressure)
        else:
            self.toolbox.register("select", tools.selTournament, tournsize=config.tournament_size)

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
            genomes[rows], _ = self.encoding.mate(genomes[rows], partners, stream(seed, "mate", generation))
            parents[rows, 1] = [partner.id for _, partner in mated]
        mutated = np.flatnonzero([ind.mutated for ind in varied])
        if len(mutated):
            rng = stream(seed, "mutate", generation)
            genomes[mutated] = self.encoding.mutate(genomes[mutated], rng, generation)
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
