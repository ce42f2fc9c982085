"""The contract of a search: a DEAP generate/update strategy over an archive with one cell a class."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from evo_fool.encodings.base import Genomes
from evo_fool.evaluation import Scored
from evo_fool.evolution.archive import EMPTY, Insertions
from evo_fool.evolution.population import NO_PARENT, Population
from evo_fool.evolution.strategy import ArchiveStrategy
from evo_fool.randomness import stream
from evo_fool.scenes.alone import challengers

GENERATIONS = 12


class SearchContract:
    """Override the fixture ``build``: a function that returns a new strategy, always of the same settings.

    Any encoding, batch and number of cells will do; small ones are quick, such as 8x8 pixels, 16 and 4. The suite needs
    no classifier: log-odds are plain functions of the pixels.
    """

    @pytest.fixture
    def build(self) -> Callable[[], ArchiveStrategy]:
        """What makes the search under test."""
        raise NotImplementedError("override the fixture 'build'")

    def test_populations_say_where_they_come_from(self, build: Callable[[], ArchiveStrategy]) -> None:
        evaluations = 0
        for strategy, population, _, _ in drive(build()):
            n = len(population.genomes)
            assert population.ids.dtype == population.parents.dtype == np.int64
            assert population.ids.tolist() == list(range(evaluations, evaluations + n)), "ids count evaluations"
            assert population.parents.shape == (n, 2)
            assert ((population.parents == NO_PARENT) | (population.parents >= 0)).all()
            assert (population.parents < evaluations).all(), "parents are older than their children"
            assert len(population.operators) == n
            assert all(isinstance(operator, str) and operator for operator in population.operators)
            evaluations += n
            assert strategy.evaluations == evaluations
        assert evaluations > 0

    def test_a_generation_is_a_function_of_state_and_number(self, build: Callable[[], ArchiveStrategy]) -> None:
        for (one, first, _, _), (_, second, _, _) in zip(drive(build()), drive(build()), strict=True):
            assert_equal(first, second)
            following = first.generation + 1
            assert_equal(one.generate(following), one.generate(following))

    def test_generations_differ(self, build: Callable[[], ArchiveStrategy]) -> None:
        populations = [population for _, population, _, _ in drive(build()) if len(population)]
        assert len(populations) > 1
        for one, next_one in pairwise(populations):
            assert one.genomes.tobytes() != next_one.genomes.tobytes()

    def test_a_cell_is_taken_by_what_is_strictly_better(self, build: Callable[[], ArchiveStrategy]) -> None:
        strategy = build()
        assert not len(strategy.archive.occupied), "the archive is not empty at first"
        before, holders = np.full(len(strategy.archive), -np.inf), np.full(len(strategy.archive), EMPTY)
        for _, population, scored, insertions in drive(strategy):
            cells, rows = insertions.cells, insertions.rows
            assert (np.diff(cells) > 0).all(), "one row a cell, by ascending cell"
            assert (insertions.log_odds > before[cells]).all()
            assert np.array_equal(insertions.previous, holders[cells])
            assert np.array_equal(insertions.ids, population.ids[rows])
            assert np.array_equal(insertions.log_odds, scored.log_odds[rows, cells])
            before[cells], holders[cells] = insertions.log_odds, insertions.ids
            assert np.array_equal(strategy.archive.log_odds, before)
            assert np.array_equal(strategy.archive.ids, holders)
        assert len(strategy.archive.occupied)

    def test_elites_keep_the_genomes_that_were_scored(self, build: Callable[[], ArchiveStrategy]) -> None:
        for strategy, *_ in drive(build()):
            cells = strategy.archive.occupied
            again = score(strategy, strategy.archive.genomes_of(cells)).log_odds
            assert np.array_equal(again[np.arange(len(cells)), cells], strategy.archive.log_odds[cells])

    def test_the_archive_improves(self, build: Callable[[], ArchiveStrategy]) -> None:
        taken = [len(insertions) for *_, insertions in drive(build())]
        assert sum(taken[1:]) > 0, "no generation after the first takes a cell"

    def test_what_thresholds_rule_out_would_change_nothing(self, build: Callable[[], ArchiveStrategy]) -> None:
        """The evaluator scores in float32 only what may exceed the thresholds; the search must come out the same."""
        screened, reference = build(), build()
        for generation in range(GENERATIONS):
            population = screened.generate(generation)
            assert_equal(population, reference.generate(generation))
            scored = score(screened, population.genomes)
            thresholds = screened.thresholds()
            log_odds = scored.log_odds
            if thresholds is not None:
                assert thresholds.shape == (len(screened.archive),)
                log_odds = np.full_like(scored.log_odds, -np.inf)
                rows = challengers(scored.log_odds, thresholds)
                log_odds[rows] = scored.log_odds[rows]
            screened.update(population, Scored(scored.images, log_odds))
            reference.update(population, scored)
            assert np.array_equal(screened.archive.log_odds, reference.archive.log_odds)
            assert np.array_equal(screened.archive.ids, reference.archive.ids)

    def test_a_restored_search_goes_on_as_the_original(self, build: Callable[[], ArchiveStrategy]) -> None:
        original, restored = build(), build()
        genomes: dict[int, Genomes] = {}
        populations: dict[int, Any] = {}
        for strategy, population, _, _ in drive(original):
            genomes.update((id, population.genomes[row : row + 1]) for row, id in enumerate(population.ids.tolist()))
            if (left := strategy.population_state(population.generation)) is not None:
                populations[left.target] = left
        archive = original.archive
        cells = archive.occupied
        elites = np.concatenate([genomes[id] for id in archive.ids[cells].tolist()])
        restored.archive.restore(cells, archive.ids[cells], archive.log_odds[cells], archive.generations[cells], elites)
        for left in populations.values():
            restored.restore(left, np.concatenate([genomes[id] for id in left.ids]))
        restored.evaluations = original.evaluations
        state = original.state_dict()
        assert all(math.isfinite(number) for number in state)
        restored.load_state_dict(json.loads(json.dumps(state)))
        pairs = zip(drive(original, GENERATIONS), drive(restored, GENERATIONS), strict=True)
        for (_, first, _, _), (_, second, _, _) in pairs:
            assert_equal(first, second)
        assert np.array_equal(original.archive.ids, restored.archive.ids)

    def test_the_state_of_another_search_is_refused(self, build: Callable[[], ArchiveStrategy]) -> None:
        strategy = build()
        with pytest.raises(ValueError):
            strategy.load_state_dict([*strategy.state_dict(), 1.0])


Step = tuple[ArchiveStrategy, Population, Scored, Insertions]


def drive(strategy: ArchiveStrategy, first: int = 0) -> Iterator[Step]:
    """Take a strategy through some generations; after each of them: it, its population, the scores and insertions."""
    for generation in range(first, first + GENERATIONS):
        population = strategy.generate(generation)
        assert population.generation == generation
        scored = score(strategy, population.genomes)
        yield strategy, population, scored, strategy.update(population, scored)


def score(strategy: ArchiveStrategy, genomes: Genomes) -> Scored:
    """Log-odds float64 ``(n, cells)``: whole numbers that are exact, each class a fixed weighting of the pixels."""
    images = strategy.encoding.render(genomes)
    pixels = images.reshape(len(images), -1).astype(np.int64)
    weights = stream(1, "weights").integers(-9, 10, (pixels.shape[1], len(strategy.archive)))
    return Scored(images, (pixels @ weights).astype(np.float64))


def assert_equal(first: Population, second: Population) -> None:
    """The same ids, parents, operators and genomes."""
    assert first.generation == second.generation
    assert np.array_equal(first.ids, second.ids)
    assert np.array_equal(first.parents, second.parents)
    assert first.operators == second.operators
    assert first.genomes.tobytes() == second.genomes.tobytes()
