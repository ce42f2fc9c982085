"""The single-class GA: DEAP decides, arrays obey, every class has its turn."""

from collections import Counter

import numpy as np
import pytest

from evo_fool.encodings import build_encoding
from evo_fool.evolution.archive import ClassArchive
from evo_fool.evolution.genetic import Genetic
from evo_fool.experiment import Experiment


def build(targets: list[int], batch: int = 40, pixels: dict | None = None, **search: object) -> Genetic:  # type: ignore[type-arg]
    settings = Experiment.from_mapping(
        {
            "batch": batch,
            "encoding": {"kind": "pixels", "rate": 0.3, **(pixels or {})},
            "search": {"kind": "genetic", **search},
        }
    )
    encoding = build_encoding(settings.encoding, size=4, channels=1)
    return Genetic(settings, encoding, ClassArchive(4), targets=targets)


def advance(strategy: Genetic, generations: range, evaluate) -> None:  # type: ignore[no-untyped-def]
    for generation in generations:
        population = strategy.generate(generation)
        strategy.update(population, evaluate(population.genomes))


VARIANTS = [
    {},
    {"selection": "rank"},
    {"variation": "or", "mutation": 0.8},
    {"variation": "or", "selection": "rank", "mutation": 0.5, "crossover": 0.4},
    {"crossover": 0.6, "mutation": 0.7},
    {"elitism": 0},
]


@pytest.mark.parametrize("search", VARIANTS)
def test_it_improves_its_own_class(search: dict, evaluate) -> None:  # type: ignore[no-untyped-def, type-arg]
    strategy = build([2], **search)
    advance(strategy, range(1), evaluate)
    first = strategy.archive.log_odds[2]
    advance(strategy, range(1, 60), evaluate)
    assert strategy.archive.log_odds[2] > first + 100
    assert strategy.archive.occupied.tolist() == [2]


@pytest.mark.parametrize("search", VARIANTS)
def test_the_population_keeps_its_size_and_its_genomes_match_their_scores(search: dict, evaluate) -> None:  # type: ignore[no-untyped-def, type-arg]
    strategy = build([1], **search)
    for generation in range(12):
        advance(strategy, range(generation, generation + 1), evaluate)
        members = strategy._members[1]
        assert len(members) == 40
        again = evaluate(np.concatenate([m.genome for m in members])).log_odds[:, 1]
        assert again.tolist() == [m.log_odds for m in members]


def test_classes_take_turns_with_an_even_budget(evaluate) -> None:  # type: ignore[no-untyped-def]
    strategy = build([0, 1, 2, 3])
    turns: Counter[int] = Counter()
    for generation in range(20):
        population = strategy.generate(generation)
        turns[strategy.target(generation)] += len(population)
        strategy.update(population, evaluate(population.genomes))
    assert set(turns.values()) == {200}
    assert len(strategy.archive.occupied) == 4


def test_elitism_never_loses_the_best(evaluate) -> None:  # type: ignore[no-untyped-def]
    strategy = build([0], elitism=1)
    best = -np.inf
    for generation in range(30):
        advance(strategy, range(generation, generation + 1), evaluate)
        now = max(strategy.population_state(generation).log_odds)
        assert now >= best
        best = now


def test_parents_are_members_and_both_are_recorded_when_mated(evaluate) -> None:  # type: ignore[no-untyped-def]
    strategy = build([0], crossover=0.5, mutation=0.5)
    advance(strategy, range(1), evaluate)
    for generation in range(1, 8):
        members = set(strategy.population_state(generation).ids)
        population = strategy.generate(generation)
        assert set(population.parents[population.parents >= 0].tolist()) <= members
        for operator, (_, second) in zip(population.operators, population.parents.tolist(), strict=True):
            assert ("crossover" in operator) == (second >= 0)
        strategy.update(population, evaluate(population.genomes))


def test_offspring_that_nothing_changed_are_not_scored_again(evaluate) -> None:  # type: ignore[no-untyped-def]
    strategy = build([0], mutation=0.25)
    advance(strategy, range(1), evaluate)
    assert len(strategy.generate(1)) < 30


def test_a_generation_in_which_nothing_is_varied_passes(evaluate) -> None:  # type: ignore[no-untyped-def]
    strategy = build([0], mutation=0.0)
    advance(strategy, range(3), evaluate)
    assert strategy.evaluations == 40
