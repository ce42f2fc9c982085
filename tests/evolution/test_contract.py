"""The project's searches keep the contract of searches, and the contract tells what does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support import broken_promises

from evo_fool.encodings import build_encoding
from evo_fool.evolution.archive import ClassArchive
from evo_fool.evolution.genetic import Genetic
from evo_fool.evolution.map_elites import MapElites
from evo_fool.evolution.random_search import RandomSearch
from evo_fool.evolution.strategy import ArchiveStrategy
from evo_fool.experiment import Experiment
from evo_fool.testing import SearchContract

CLASSES = 4

Build = Callable[[], ArchiveStrategy]


def builder(make: type[ArchiveStrategy], encoding: str = "pixels", mating: float = 0.0, **search: Any) -> Build:
    """Makes searches for four classes of 6x6 images, of one seed."""
    experiment = Experiment.from_mapping(
        {
            "batch": 12,
            "initial": 15,
            "encoding": {"kind": encoding, "crossover": mating},
            "search": {"kind": "map_elites"} | search,
        }
    )
    drawn = build_encoding(experiment.encoding, size=6, channels=3)

    def build() -> ArchiveStrategy:
        targets = [1, 3] if experiment.search.kind == "genetic" else None
        return make(experiment, drawn, ClassArchive(CLASSES), None, targets)

    return build


SEARCHES: dict[str, Build] = {
    **{f"map_elites, {rule}": builder(MapElites, parents=rule) for rule in ("cells", "elites", "recent", "curiosity")},
    "map_elites, argmax": builder(MapElites, insertion="argmax"),
    "map_elites, crossover": builder(MapElites, mating=0.5),
    "map_elites, cppn": builder(MapElites, "cppn", mating=0.5, parents="curiosity"),
    "random": builder(RandomSearch, kind="random"),
    "random, argmax": builder(RandomSearch, kind="random", insertion="argmax"),
    "random, drift": builder(RandomSearch, "cppn", kind="random", mutations=(0, 5)),
    "genetic": builder(Genetic, kind="genetic"),
    "genetic, rank": builder(Genetic, kind="genetic", selection="rank", crossover=0.5, mutation=0.8),
    "genetic, or": builder(Genetic, kind="genetic", variation="or", crossover=0.3, mutation=0.6),
    "genetic, or, rank": builder(
        Genetic, kind="genetic", variation="or", selection="rank", mutation=0.5, crossover=0.4
    ),
    "genetic, cppn": builder(Genetic, "cppn", kind="genetic", elitism=0),
}


class TestSearches(SearchContract):
    @pytest.fixture(params=SEARCHES)
    def build(self, request: pytest.FixtureRequest) -> Build:
        return SEARCHES[request.param]


class Reused(MapElites):
    """Gives ids twice."""

    def generate(self, generation: int) -> Any:
        return replace(super().generate(generation), ids=np.arange(self.experiment.batch + 3 * (generation == 0)))


class Impatient(MapElites):
    """Draws from a generator of its own."""

    def generate(self, generation: int) -> Any:
        population = super().generate(generation)
        noise = np.random.default_rng().random(population.genomes.shape, dtype=np.float32)
        return replace(population, genomes=noise)


class Stuck(MapElites):
    """Always the same generation."""

    def generate(self, generation: int) -> Any:
        first = super().generate(0)
        ids = np.arange(self.evaluations, self.evaluations + len(first))
        return replace(first, generation=generation, ids=ids)


class Latest(MapElites):
    """The last image takes every cell."""

    def update(self, population: Any, scored: Any) -> Any:
        self.archive.log_odds[:] = -np.inf
        return super().update(population, scored)


class Mixed(MapElites):
    """Stores another image's genome."""

    def update(self, population: Any, scored: Any) -> Any:
        return super().update(replace(population, genomes=population.genomes[::-1]), scored)


class Proud(MapElites):
    """Rules out what would take a cell."""

    def thresholds(self) -> Any:
        return self.archive.log_odds + 500


class Forgetful(MapElites):
    """Does not keep what curiosity has learned."""

    def state_dict(self) -> list[float]:
        return [1.0] * CLASSES


class Childless(Genetic):
    """Puts no population back."""

    def restore(self, state: Any, genomes: Any) -> None:
        pass


class Careless(MapElites):
    """Takes any state."""

    def load_state_dict(self, state: list[float]) -> None:
        pass


BREAKAGES: dict[str, tuple[str, Build]] = {
    "ids given twice": ("populations_say_where_they_come_from", builder(Reused)),
    "own random numbers": ("a_generation_is_a_function_of_state_and_number", builder(Impatient)),
    "always the same": ("generations_differ", builder(Stuck)),
    "no progress": ("the_archive_improves", builder(Stuck)),
    "worse takes better": ("a_cell_is_taken_by_what_is_strictly_better", builder(Latest)),
    "genomes of others": ("elites_keep_the_genomes_that_were_scored", builder(Mixed)),
    "thresholds too high": ("what_thresholds_rule_out_would_change_nothing", builder(Proud)),
    "state lost": ("a_restored_search_goes_on_as_the_original", builder(Forgetful, parents="curiosity")),
    "population lost": ("a_restored_search_goes_on_as_the_original", builder(Childless, kind="genetic")),
    "any state": ("the_state_of_another_search_is_refused", builder(Careless)),
}


@pytest.mark.parametrize("what", BREAKAGES)
def test_a_broken_search_is_noticed(what: str) -> None:
    promise, build = BREAKAGES[what]
    assert promise in broken_promises(SearchContract, build=build)


def test_every_promise_can_be_broken() -> None:
    promises = {name.removeprefix("test_") for name in dir(SearchContract) if name.startswith("test_")}
    assert promises == {promise for promise, _ in BREAKAGES.values()}
