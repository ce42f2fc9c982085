"""The control: fresh random genomes, and those that drifted to the size of evolved ones without selection."""

from typing import Any

import numpy as np
import pytest

from evo_fool.encodings import build_encoding
from evo_fool.encodings.base import Encoding
from evo_fool.errors import ConfigError
from evo_fool.evolution.archive import ClassArchive
from evo_fool.evolution.random_search import RandomSearch
from evo_fool.experiment import Experiment
from evo_fool.randomness import stream

BATCH, SEED = 40, 7


def search(**settings: Any) -> tuple[RandomSearch, Encoding]:
    experiment = Experiment.from_mapping(
        {"batch": BATCH, "seed": SEED, "encoding": {"kind": "cppn"}, "search": {"kind": "random"} | settings}
    )
    encoding = build_encoding(experiment.encoding, size=6, channels=3)
    return RandomSearch(experiment, encoding, ClassArchive(4)), encoding


def nodes(encoding: Encoding, genomes: np.ndarray) -> np.ndarray:
    return np.array([encoding.complexity(encoding.encode(genome)[: encoding.header])["nodes"] for genome in genomes])


def test_without_mutations_they_are_fresh() -> None:
    for settings in ({}, {"mutations": 0}, {"mutations": (0, 0)}):
        strategy, encoding = search(**settings)
        population = strategy.generate(3)
        assert population.genomes.tobytes() == encoding.random(BATCH, stream(SEED, "random", 3)).tobytes()
        assert set(population.operators) == {"random"}


def test_drift_is_mutation_again_and_again() -> None:
    strategy, encoding = search(mutations=4)
    population = strategy.generate(3)
    expected = encoding.random(BATCH, stream(SEED, "random", 3))
    for step in range(4):
        expected = encoding.mutate(expected, stream(SEED, "mutate", 3, step), 3)
    assert population.genomes.tobytes() == expected.tobytes()
    assert set(population.operators) == {"random+mutation"}
    assert (population.parents == -1).all(), "nothing is inherited"


def test_a_pair_is_drawn_anew_for_each_genome_and_more_mutations_make_more_nodes() -> None:
    (fresh, encoding), (some, _), (many, _) = search(), search(mutations=(0, 60)), search(mutations=60)
    sizes = [nodes(encoding, strategy.generate(1).genomes) for strategy in (fresh, some, many)]
    assert sizes[0].mean() + 3 < sizes[1].mean() < sizes[2].mean() - 3
    assert sizes[1].std() > sizes[2].std(), "of different ages"
    few, _ = search(mutations=(0, 1))
    operators = [operator for g in range(10) for operator in few.generate(g).operators]
    assert operators.count("random") == pytest.approx(5 * BATCH, rel=0.2)


@pytest.mark.parametrize(
    ("mutations", "message"),
    [
        ([5, 2], r"search.mutations = \[5, 2\]: give \[least, most\]"),
        (-1, "search.mutations = -1"),
        (1.5, "search.mutations = 1.5"),
        ([1, 2, 3], r"search.mutations"),
        (10**9, "search.mutations = 1000000000"),
    ],
)
def test_other_numbers_are_refused_in_one_line(mutations: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        search(mutations=mutations)
    assert "\n" not in str(refused.value)
