"""Operators in proportion to what their children have gained, none forgotten; the choices are kept with the run."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import change, small

from evo_fool.encodings import build_encoding
from evo_fool.encodings.base import Encoding, Genomes, Operator
from evo_fool.errors import ConfigError, CorruptRunError
from evo_fool.evaluation import Scored
from evo_fool.evolution.archive import ClassArchive
from evo_fool.evolution.bandit import FLOOR, HIGHEST, LOWEST, MOST, RATE, Bandit, gains_of
from evo_fool.evolution.map_elites import MapElites
from evo_fool.evolution.population import Population
from evo_fool.pictures.convergence import draw_convergence, read_series
from evo_fool.randomness import stream
from evo_fool.runs import open_run
from evo_fool.runs.history import operator_choices
from evo_fool.sections import CppnConfig
from evo_fool.session import evolve

ADAPTIVE = {"kind": "map_elites", "operators": "adaptive"}
GAIN = st.floats(0, 20)


@given(st.lists(st.floats(0, 5), min_size=1, max_size=9))
def test_shares_follow_the_means_above_a_floor(means: list[float]) -> None:
    bandit = Bandit(means)
    k, total = len(means), sum(means)
    expected = [FLOOR / k + (1 - FLOOR) * (mean / total) for mean in means] if total > 0 else [1 / k] * k
    assert bandit.shares == pytest.approx(expected)
    assert bandit.shares.sum() == pytest.approx(1)


def test_draws_have_these_shares() -> None:
    bandit = Bandit([1.0, 0.0, 3.0])
    drawn = np.bincount(bandit.draw(40_000, stream(1, "operators")), minlength=3) / 40_000
    assert drawn == pytest.approx(bandit.shares, abs=0.01)


@given(st.lists(st.tuples(st.integers(0, 2), GAIN), max_size=60))
def test_a_mean_forgets_exponentially(children: list[tuple[int, float]]) -> None:
    bandit = Bandit([2.0, 1.0, 1.0])
    bandit.learn(np.array([k for k, _ in children], np.int64), np.array([gain for _, gain in children]))
    for k, promise in enumerate((2.0, 1.0, 1.0)):
        gains = [min(gain, MOST) for other, gain in children if other == k]
        kept = (1 - RATE) ** np.arange(len(gains))[::-1]
        expected = promise * (1 - RATE) ** len(gains) + RATE * float(np.dot(kept, gains))
        assert bandit.means[k] == pytest.approx(expected)


@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 5))
def test_the_gain_is_the_rise_over_the_cells_that_a_child_takes(seed: int, n: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    archive = ClassArchive(classes)
    genomes = np.zeros((n, 1), np.float32)
    held = rng.normal(0, 8, (n, classes))
    if seed % 2:
        archive.add(np.arange(n), held, genomes, 0)
    before = archive.log_odds.copy()
    log_odds = rng.normal(0, 8, (n, classes))
    gains = gains_of(archive.add(np.arange(n, 2 * n), log_odds, genomes, 1), before, n)
    expected = np.zeros(n)
    for cell in range(classes):
        row = int(log_odds[:, cell].argmax())
        if log_odds[row, cell] > before[cell]:
            now, then = (min(max(value, LOWEST), HIGHEST) for value in (log_odds[row, cell], before[cell]))
            expected[row] += now - then
    assert gains == pytest.approx(expected)


class Rungs(Encoding):
    """A genome is a number; one operator adds to it, the others do nothing that helps."""

    codec = "rungs/1"
    operators = (Operator("default"), Operator("up"), Operator("down"))  # type: ignore[assignment]

    def __init__(self) -> None:
        pass

    def random(self, n: int, rng: Any) -> Genomes:
        return np.full((n, 1), -8.0)

    def mutate(self, genomes: Genomes, rng: Any, generation: int) -> Genomes:
        return genomes.copy()

    def vary(self, operator: Operator, genomes: Genomes, rng: Any, generation: int) -> Genomes:
        return genomes + {"up": 0.05, "down": -0.05}.get(operator.name, 0.0)

    render = encode = decode = describe = genome_object = None  # type: ignore[assignment]


def strategy(encoding: Encoding, batch: int, /, classes: int = 4, **changes: Any) -> MapElites:
    return MapElites(small(batch=batch, search=ADAPTIVE, **changes), encoding, ClassArchive(classes))


def test_the_operator_whose_children_win_makes_most_of_them() -> None:
    search = strategy(Rungs(), 30)
    for generation in range(200):
        population = search.generate(generation)
        scores = np.repeat(population.genomes, 4, axis=1)
        search.update(population, Scored(np.zeros((30, 1, 1, 1), np.uint8), scores))
    assert search.bandit is not None
    shares = dict(zip([o.name for o in search.operators], search.bandit.shares, strict=True))
    assert shares["up"] > 0.7
    assert min(shares.values()) >= FLOOR / 3
    assert {choice.operator for choice in search.choices()} <= shares.keys()
    assert sum(choice.children for choice in search.choices()) == 30
    assert all(choice.gain == 0 for choice in search.choices() if choice.operator != "up")


def test_crossover_is_with_the_next_parent_and_nothing_else() -> None:
    encoding = build_encoding(CppnConfig(kind="cppn"), size=8, channels=3)
    search = strategy(encoding, 40, classes=40)
    first = search.generate(0)
    scores = np.random.default_rng(1).normal(size=(40, 40))
    search.update(first, Scored(encoding.render(first.genomes), scores))
    children: Population = search.generate(1)
    crossed = [row for row, name in enumerate(children.operators) if name == "crossover"]
    assert crossed
    for row in range(40):
        partner = children.parents[(row + 1) % 40, 0] if row in crossed else -1
        assert children.parents[row, 1] == partner
    genomes = {id: first.genomes[id : id + 1] for id in range(40)}
    parents = [np.concatenate([genomes[children.parents[row, side]] for row in crossed]) for side in (0, 1)]
    k = [operator.name for operator in search.operators].index("crossover")
    expected, _ = encoding.mate(*parents, stream(search.experiment.seed, "vary", 1, k))
    assert children.genomes[crossed].tobytes() == expected.tobytes()


def test_a_replaced_mutation_is_what_default_means() -> None:
    search = strategy(build_encoding(CppnConfig(kind="cppn"), size=8, channels=1), 50)
    search.update(first := search.generate(0), Scored(np.zeros((50, 1, 8, 8), np.uint8), np.eye(50, 4)))
    search.toolbox.register("mutate", lambda genomes, rng, generation: genomes.copy())
    children = search.generate(1)
    for row, name in enumerate(children.operators):
        if name == "default":
            assert children.genomes[row].tobytes() == first.genomes[children.parents[row, 0]].tobytes()
    assert "default" in children.operators


def test_choices_are_kept_and_drawn(tmp_path: Path) -> None:
    run = evolve(small(search=ADAPTIVE), out=tmp_path)
    choices = operator_choices(run)
    assert set(choices) <= {operator.name for operator in run.encoding.operators}
    made = sum(choices.values())
    assert isinstance(made, np.ndarray)
    assert made.tolist() == [0] + [16] * 12, "generation 0 is random"
    names = {row[0] for row in run.store.rows("SELECT DISTINCT operator FROM individuals WHERE generation > 0")}
    assert names <= set(choices)
    figure = draw_convergence(read_series([run]))
    axes = figure.axes[4]
    assert {text.get_text() for text in axes.get_legend().get_texts()} == set(choices)
    stacked = [area.get_paths()[0].vertices for area in axes.collections]
    assert max(float(vertices[:, 1].max()) for vertices in stacked) == pytest.approx(100)
    fixed = evolve(small(), out=tmp_path)
    assert operator_choices(fixed) == {}
    assert len(draw_convergence(read_series([fixed])).axes) == 4
    assert len(draw_convergence(read_series([run, fixed])).axes) == 4


def test_damaged_choices_are_refused(tmp_path: Path) -> None:
    path = evolve(small(search=ADAPTIVE), out=tmp_path).path
    change(path, "UPDATE choices SET generation = 99 WHERE generation = 5")
    with open_run(path) as run, pytest.raises(CorruptRunError, match="generation 99"):
        operator_choices(run)


@pytest.mark.parametrize("kind", ["genetic", "random"])
def test_other_searches_have_no_operators_to_choose(kind: str) -> None:
    with pytest.raises(ConfigError, match="operators") as caught:
        small(search={"kind": kind, "operators": "adaptive"})
    assert "\n" not in str(caught.value)


def test_the_default_operator_crosses_as_fixed_operators_do() -> None:
    encoding = build_encoding(CppnConfig(kind="cppn", crossover=1.0), size=8, channels=3)
    experiment = small(batch=40, search=ADAPTIVE).replace(**{"encoding.crossover": 1.0})
    search = MapElites(experiment, encoding, ClassArchive(40))
    first = search.generate(0)
    scores = np.random.default_rng(1).normal(size=(40, 40))
    search.update(first, Scored(encoding.render(first.genomes), scores))
    search.toolbox.register("mutate", lambda genomes, rng, generation: genomes.copy())
    children: Population = search.generate(1)
    rows = [row for row, name in enumerate(children.operators) if name == "default"]
    even = rows[: len(rows) // 2 * 2]
    for one, other in zip(even[::2], even[1::2], strict=True):
        assert children.parents[one].tolist() == children.parents[other].tolist()[::-1]
    parents = [np.concatenate([first.genomes[[children.parents[row, side]]] for row in even[::2]]) for side in (0, 1)]
    rng = stream(search.experiment.seed, "mate", 1)
    rng.random(len(rows) // 2)  # which pairs are crossed: all
    crossed = encoding.mate(*parents, rng)
    assert children.genomes[even[::2]].tobytes() == crossed[0].tobytes()
    assert children.genomes[even[1::2]].tobytes() == crossed[1].tobytes()
