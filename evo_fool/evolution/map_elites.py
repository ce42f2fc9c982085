"""MAP-Elites over classes (paper, section 2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_fool.encodings.base import Genomes
from evo_fool.evolution.archive import ClassArchive, Insertions
from evo_fool.evolution.bandit import GRADIENT, Bandit, Choice, gains_of
from evo_fool.evolution.deap_random import deap_random
from evo_fool.evolution.parents import Curiosity, draw, recency
from evo_fool.evolution.population import NO_PARENT, Individual, Population
from evo_fool.evolution.strategy import ArchiveStrategy
from evo_fool.randomness import stream
from evo_fool.sections import MapElitesConfig

if TYPE_CHECKING:
    from evo_fool.evaluation import Scored


class Elites(Sequence[Individual]):
    """Occupants of cells as individuals that DEAP can select from; each is made when it is looked at.

    Args:
        archive: that they are in.
        cells: int64 ``(n,)``; a cell may occur repeatedly.
    """

    def __init__(self, archive: ClassArchive, cells: np.ndarray) -> None:
        self.archive = archive
        self.cells = cells

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return Elites(self.archive, self.cells[at])
        cell = int(self.cells[at])
        genome = self.archive.genomes_of(self.cells[at, None])
        return Individual(int(self.archive.ids[cell]), genome, float(self.archive.log_odds[cell]), cell)


class MapElites(ArchiveStrategy):
    """Parents drawn over occupied cells, varied, and offered to every cell.

    Each generation draws ``batch`` parents with replacement, uniformly: an elite that holds k cells is k times as
    likely (the released code), unless ``parents: elites`` asks for distinct elites. ``parents: recent`` and ``parents:
    curiosity`` draw those whose children promise to win (parents.py). Each pair of neighbours is crossed with the
    encoding's ``crossover`` probability; then every child is mutated. With ``operators: adaptive`` a bandit (bandit.py)
    draws an operator of the encoding for each child, of which this is the first. With ``gradient`` one more follows the
    network's gradient; its children cost several images each, so a generation then has fewer children.

    Attributes:
        first: genomes that generation 0 scores in place of random ones; None: random.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        section = self.experiment.search
        config = section if isinstance(section, MapElitesConfig) else None
        self.parents = "cells" if config is None else config.parents
        self.recency = None if config is None else config.recency
        self.curiosity = Curiosity(len(self.archive)) if self.parents == "curiosity" else None
        adaptive = config is not None and config.operators == "adaptive"
        self.operators = self.encoding.operators if adaptive else ()
        self.gradient = 0.0 if config is None else config.gradient
        if self.gradient:
            self.operators = (*self.operators, GRADIENT)
        cells = len(self.archive) / 1000  # with fewer of them a child takes fewer
        gains, costs = ([o.expected_gain * cells for o in self.operators], [o.cost for o in self.operators])
        self.bandit = Bandit(gains, costs) if adaptive else None
        self.first: Genomes | None = None
        self._drawn = np.empty(0, np.int64)
        self._gains = np.empty(0)
        self._cells = np.empty(0, np.int64)
        self._generation = 0
        self.toolbox.register("select", self.select)

    def generate(self, generation: int) -> Population:
        """Generation 0 is random, or what the run begins with; later ones vary elites."""
        self._cells, self._drawn, self._generation = np.empty(0, np.int64), np.empty(0, np.int64), generation
        occupied = self.archive.occupied
        if generation == 0 and self.first is not None:
            return Population.fresh(0, self.evaluations, self.first, "warm start")
        if generation == 0 or not len(occupied):
            return self.random_population(generation)
        with deap_random(stream(self.experiment.seed, "select", generation)):
            return self._varied(Elites(self.archive, occupied), generation)

    def select(self, elites: Elites, k: int) -> Elites:
        """Draw ``k`` parents as the experiment's ``parents`` says; what ``toolbox.select`` is at first."""
        pool, rng = elites.cells, stream(self.experiment.seed, "parents", self._generation)
        if self.curiosity is not None:
            return Elites(self.archive, draw(pool, self.curiosity.scores[pool], k, rng))
        if self.parents == "recent":
            ages = self._generation - self.archive.generations[pool]
            # An elite's id is the number of images before it.
            weights = (
                recency(ages)
                if self.recency is None
                else recency(self.evaluations - self.archive.ids[pool], self.recency)
            )
            return Elites(self.archive, draw(pool, weights, k, rng))
        if self.parents == "elites":
            pool = pool[np.unique(self.archive.ids[pool], return_index=True)[1]]
        return Elites(self.archive, pool[rng.integers(len(pool), size=k)])

    def update(self, population: Population, scored: Scored) -> Insertions:
        """Add the scored population to the archive, and note whose children won, and which operators made them."""
        before = None if self.bandit is None else self.archive.log_odds.copy()
        insertions = super().update(population, scored)
        if self.curiosity is not None and len(self._cells):
            won = np.zeros(len(population), bool)
            won[insertions.rows] = True
            self.curiosity.learn(self._cells, won)
        if self.bandit is not None and before is not None and len(self._drawn):
            self._gains = gains_of(insertions, before, len(population))
            self.bandit.learn(self._drawn, self._gains)
        return insertions

    def choices(self) -> list[Choice]:
        """How often each operator was chosen in the last generation; nothing for random ones and fixed operators."""
        return [
            Choice(operator.name, int(made.sum()), float(self._gains[made].sum()))
            for k, operator in enumerate(self.operators)
            if (made := self._drawn == k).any()
        ]

    def state_dict(self) -> list[float]:
        """The scores of curiosity, then the means of the bandit, where there are any."""
        return [number for part in self._memory for number in part.tolist()]

    def load_state_dict(self, state: list[float]) -> None:
        """Put back the scores of curiosity and the means of the bandit."""
        sizes = [len(part) for part in self._memory]
        if len(state) != sum(sizes):
            raise ValueError(f"{len(state)} numbers where the search keeps {sum(sizes)}")
        if min(state, default=0.0) < 0:
            raise ValueError(f"the weight {min(state)}, which must not be negative")
        for part, numbers in zip(self._memory, np.split(np.array(state), np.cumsum(sizes)), strict=False):
            part[:] = numbers

    @property
    def _memory(self) -> list[np.ndarray]:
        curiosity = [] if self.curiosity is None else [self.curiosity.scores]
        return curiosity + ([] if self.bandit is None else [self.bandit.means])

    def _varied(self, elites: Elites, generation: int) -> Population:
        rng = stream(self.experiment.seed, "operators", generation)
        steps, extra = 0, 0
        if self.bandit is not None and self.gradient:
            steps = self.bandit.draw_last(self.experiment.batch, self.gradient, rng)
            extra = steps * (GRADIENT.cost - 1)
        chosen = self.toolbox.select(elites, self.experiment.batch - extra)
        cells = chosen.cells if isinstance(chosen, Elites) else np.array([ind.cell for ind in chosen], np.int64)
        self._cells, n = cells, len(cells)
        parents = np.full((n, 2), NO_PARENT, dtype=np.int64)
        parents[:, 0] = self.archive.ids[cells]
        genomes = self.archive.genomes_of(cells)
        ids = np.arange(self.evaluations, self.evaluations + n)
        if self.bandit is not None:
            cheap = len(self.encoding.operators)
            self._drawn = np.append(self.bandit.draw(n - steps, rng, cheap), np.full(steps, cheap))
            names = [self.operators[k].name for k in self._drawn]
            return Population(generation, ids, parents, names, self._by_operators(genomes, parents, generation), extra)
        operators = ["mutation"] * n
        for row in self._cross(genomes, parents, np.arange(n), generation):
            operators[row] = "crossover+mutation"
        return Population(generation, ids, parents, operators, self.mutated(genomes, generation))

    def _cross(self, genomes: Genomes, parents: np.ndarray, rows: np.ndarray, generation: int) -> np.ndarray:
        """Cross neighbours among ``rows`` in place, with the experiment's probability; returns those that were."""
        rate = self.experiment.crossover
        if not rate:
            return rows[:0]
        rng = stream(self.experiment.seed, "mate", generation)
        pairs = 2 * np.flatnonzero(rng.random(len(rows) // 2) < rate)
        first, second = rows[pairs], rows[pairs + 1]
        genomes[first], genomes[second] = self.mated(genomes[first], genomes[second], rng)
        parents[first, 1], parents[second, 1] = parents[second, 0], parents[first, 0]
        return np.concatenate([first, second])

    def _by_operators(self, genomes: Genomes, parents: np.ndarray, generation: int) -> Genomes:
        """A child of every row, by the operator that was drawn for it; ``parents`` gets the partners.

        A partner is the next row's parent, as it was before variation.
        """
        children = genomes.copy()
        for k, operator in enumerate(self.operators):
            rows = np.flatnonzero(self._drawn == k)
            if not len(rows):
                continue
            rng = stream(self.experiment.seed, "vary", generation, k)
            if operator.mates:
                partners = (rows + 1) % len(genomes)
                children[rows], _ = self.mated(genomes[rows], genomes[partners], rng)
                parents[rows, 1] = parents[partners, 0]
            elif operator is GRADIENT:
                children[rows] = self.ascended(genomes[rows], self._cells[rows], rng)
            elif k == 0:  # as where operators are fixed
                self._cross(children, parents, rows, generation)
                children[rows] = self.mutated(children[rows], generation)
            else:
                children[rows] = self.varied(operator, genomes[rows], rng, generation)
        return children
