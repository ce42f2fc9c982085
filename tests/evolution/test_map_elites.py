"""MAP-Elites draws parents as the paper says, and improves; the control inherits nothing."""

from collections import Counter

import numpy as np
import pytest

from evo_fool.encodings import build_encoding
from evo_fool.evolution.archive import ClassArchive
from evo_fool.evolution.map_elites import MapElites
from evo_fool.evolution.random_search import RandomSearch
from evo_fool.experiment import Experiment


def experiment(**search: str) -> Experiment:
    return Experiment.from_mapping(
        {"batch": 50, "encoding": {"kind": "pixels", "rate": 0.3}, "search": {"kind": "map_elites", **search}}
    )


def test_generation_zero_is_random_and_of_the_initial_size(encoding) -> None:  # type: ignore[no-untyped-def]
    settings = experiment().model_copy(update={"initial": 7})
    population = MapElites(settings, encoding, ClassArchive(4)).generate(0)
    assert len(population) == 7
    assert set(population.operators) == {"random"}
    assert (population.parents == -1).all()


def test_every_cell_improves_and_never_worsens(encoding, evaluate) -> None:  # type: ignore[no-untyped-def]
    strategy = MapElites(experiment(), encoding, ClassArchive(4))
    last = np.full(4, -np.inf)
    for generation in range(60):
        population = strategy.generate(generation)
        strategy.update(population, evaluate(population.genomes))
        assert (strategy.archive.log_odds >= last).all()
        last = strategy.archive.log_odds.copy()
        if generation == 0:
            first = last
    assert (last > first + 100).all()
    assert strategy.evaluations == 60 * 50


@pytest.mark.parametrize(("rule", "share"), [("cells", 0.75), ("elites", 0.5)])
def test_parents_are_uniform_over_cells_or_over_elites(encoding, rule: str, share: float) -> None:  # type: ignore[no-untyped-def]
    strategy = MapElites(experiment(parents=rule), encoding, ClassArchive(4))
    scores = np.array([[1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]])  # individual 0 holds three of four cells
    strategy.archive.add(np.arange(2), scores, encoding.random(2, np.random.default_rng(0)), 0)
    strategy.evaluations = 2
    drawn = Counter(int(p) for g in range(1, 200) for p in strategy.generate(g).parents[:, 0])
    assert drawn[0] / sum(drawn.values()) == pytest.approx(share, abs=0.02)


def test_crossover_records_both_parents() -> None:
    settings = Experiment.from_mapping({"batch": 400, "encoding": {"kind": "pixels", "crossover": 0.5}})
    crossing = build_encoding(settings.encoding, size=4, channels=1)
    strategy = MapElites(settings, crossing, ClassArchive(4))
    strategy.archive.add(np.arange(4), np.eye(4), crossing.random(4, np.random.default_rng(0)), 0)
    strategy.evaluations = 4
    population = strategy.generate(1)
    crossed = population.parents[:, 1] >= 0
    assert crossed.mean() == pytest.approx(0.5, abs=0.1)
    assert np.array_equal(crossed, np.array(population.operators) == "crossover+mutation")
    pairs = population.parents.reshape(-1, 2, 2)[crossed[::2]]
    assert np.array_equal(pairs[:, 0, 0], pairs[:, 1, 1])
    assert np.array_equal(pairs[:, 0, 1], pairs[:, 1, 0])


def test_an_odd_batch_can_be_crossed() -> None:
    settings = Experiment.from_mapping({"batch": 3, "encoding": {"kind": "pixels", "crossover": 1.0}})
    crossing = build_encoding(settings.encoding, size=4, channels=1)
    strategy = MapElites(settings, crossing, ClassArchive(4))
    strategy.archive.add(np.arange(4), np.eye(4), crossing.random(4, np.random.default_rng(0)), 0)
    assert strategy.generate(1).operators == ["crossover+mutation", "crossover+mutation", "mutation"]


def test_random_search_never_inherits(encoding, evaluate) -> None:  # type: ignore[no-untyped-def]
    strategy = RandomSearch(experiment(), encoding, ClassArchive(4))
    seen = []
    for generation in range(3):
        population = strategy.generate(generation)
        strategy.update(population, evaluate(population.genomes))
        assert (population.parents == -1).all()
        seen.append(population.genomes)
    assert len(np.unique(np.concatenate(seen), axis=0)) == 150


def test_argmax_insertion_leaves_other_classes_alone(encoding, evaluate) -> None:  # type: ignore[no-untyped-def]
    strategy = MapElites(experiment(insertion="argmax"), encoding, ClassArchive(4))
    population = strategy.generate(0)
    scored = evaluate(population.genomes)
    strategy.update(population, scored)
    for cell in strategy.archive.occupied:
        holder = strategy.archive.ids[cell]
        assert scored.log_odds[holder].argmax() == cell
