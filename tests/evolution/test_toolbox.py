"""One entry replaced in DEAP's way changes MAP-Elites and the genetic algorithm alike."""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deap import base, tools
from support import small

from evo_fool.errors import ConfigError
from evo_fool.evolution import ClassArchive, Genetic, MapElites
from evo_fool.experiment import Experiment
from evo_fool.runs import Run, digest, verify
from evo_fool.session import evolve, resume

SEARCHES = ["map_elites", "genetic"]


def settings(search: str) -> Experiment:
    crossed: dict[str, Any] = {"search": {"kind": search}, "encoding": {"kind": "pixels"}}
    crossed["encoding" if search == "map_elites" else "search"]["crossover"] = 0.5
    return small("pixels", **crossed)


def genomes_of(run: Run) -> np.ndarray:
    rows = run.store.rows(
        "SELECT b.genome FROM blobs b JOIN individuals i ON i.id = b.id WHERE i.operator = 'mutation'"
    )
    return np.concatenate([run.encoding.decode(genome) for (genome,) in rows])


def darken(genomes: np.ndarray, rng: np.random.Generator, generation: int, by: float) -> np.ndarray:
    return np.clip(genomes - by, 0, 1)


@pytest.mark.parametrize("search", SEARCHES)
def test_mutate(search: str, out: Path) -> None:
    experiment = small("pixels", search={"kind": search}, retention={"keep": "all"})
    run = evolve(experiment, out=out, toolbox=lambda toolbox: toolbox.register("mutate", darken, by=1.0))
    assert (genomes_of(run) == 0).all()
    assert verify(run).clean


@pytest.mark.parametrize("search", SEARCHES)
def test_mate(search: str, out: Path) -> None:
    """The first child of a pair is black, and mutation does nothing: only what was mated is black."""

    def configure(toolbox: base.Toolbox) -> None:
        toolbox.register("mate", lambda first, second, rng: (0 * first, second))
        toolbox.register("mutate", lambda genomes, rng, generation: genomes)

    run = evolve(settings(search), out=out, toolbox=configure)
    rows = run.store.rows(
        "SELECT b.genome FROM blobs b JOIN individuals i ON i.id = b.id "
        "WHERE i.operator LIKE 'crossover%' AND i.generation > 0"
    )
    assert rows
    assert any((run.encoding.decode(genome) == 0).all() for (genome,) in rows)


@pytest.mark.parametrize("search", SEARCHES)
def test_select_by_an_operator_of_deap(search: str, out: Path) -> None:
    def configure(toolbox: base.Toolbox) -> None:
        toolbox.register("select", lambda individuals, k: tools.selBest(individuals, 1) * k)

    one_class = {"kind": search} | ({"target": 3} if search == "genetic" else {})
    run = evolve(small("pixels", search=one_class, generations=1), out=out, toolbox=configure)
    best = run.store.rows(
        "SELECT id FROM captures WHERE generation = 0 AND log_odds = (SELECT max(log_odds) FROM captures "
        "WHERE generation = 0)"
    )
    assert run.store.rows("SELECT DISTINCT parent FROM individuals WHERE generation = 1") == best


@pytest.mark.parametrize("search", SEARCHES)
def test_a_tournament_draws_the_same_again_also_after_a_resume(search: str, out: Path) -> None:
    """Python's ``random``, which DEAP and this mutation draw from, is seeded for the generation."""

    def flip(genomes: np.ndarray, rng: np.random.Generator, generation: int) -> np.ndarray:
        return np.where([[random.random() < 0.5] for _ in genomes], genomes, 1 - genomes)

    def configure(toolbox: base.Toolbox) -> None:
        toolbox.register("select", tools.selTournament, tournsize=2)
        toolbox.register("mutate", flip)

    experiment = small("pixels", search={"kind": search})
    whole, plain = evolve(experiment, out=out, toolbox=configure), evolve(experiment, out=out)
    part = evolve(experiment.model_copy(update={"generations": 4}), out=out, toolbox=configure)
    part = resume(part.path, generations=12, toolbox=configure)
    assert digest(part.store) == digest(whole.store) != digest(plain.store)


def test_map_goes_over_what_split_gives(out: Path) -> None:
    sizes: list[int] = []
    with ThreadPoolExecutor(2) as pool:

        def counted(evaluate: Any, batches: list[np.ndarray]) -> Any:
            sizes.extend(map(len, batches))
            return pool.map(evaluate, batches)

        def configure(toolbox: base.Toolbox) -> None:
            toolbox.register("split", np.array_split, indices_or_sections=3)
            toolbox.register("map", counted)

        run = evolve(small("pixels", generations=2), out=out, toolbox=configure)
    assert sizes == [6, 5, 5] * 3
    assert verify(run).clean


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize(
    ("entry", "made", "told"),
    [
        ("mutate", lambda genomes, rng, generation: genomes[1:], "float32 ("),
        ("mutate", lambda genomes, rng, generation: list(genomes), "list"),
        ("mutate", lambda genomes, rng, generation: genomes.astype(complex), "complex128"),
        ("mate", lambda first, second, rng: (first[1:], second), "toolbox.mate returned float32"),
    ],
)
def test_genomes_that_do_not_fit_are_refused(search: str, entry: str, made: Any, told: str, out: Path) -> None:
    with pytest.raises(ConfigError, match=rf"toolbox.{entry} returned .*return a genome for each") as caught:
        evolve(settings(search), out=out, toolbox=lambda toolbox: toolbox.register(entry, made))
    assert told in str(caught.value)


@pytest.mark.parametrize("strategy", [MapElites, Genetic])
def test_ask_and_tell_are_generate_and_update(strategy: Any, encoding, evaluate) -> None:  # type: ignore[no-untyped-def]
    experiment = small("pixels", batch=8, search={"kind": {MapElites: "map_elites"}.get(strategy, "genetic")})
    one, other = (strategy(experiment, encoding, ClassArchive(4)) for _ in range(2))
    for generation in range(3):
        asked, generated = one.ask(generation), other.generate(generation)
        assert np.array_equal(asked.genomes, generated.genomes)
        told = one.tell(asked, evaluate(asked.genomes))
        updated = other.update(generated, evaluate(generated.genomes))
        assert np.array_equal(told.cells, updated.cells)
