"""Parents in proportion to what their children have won."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import small

from evo_fool.encodings import build_encoding
from evo_fool.evolution.archive import ClassArchive
from evo_fool.evolution.map_elites import Elites, MapElites
from evo_fool.evolution.parents import FLOOR, HALF_AGE, PENALTY, REWARD, Curiosity, draw, recency
from evo_fool.randomness import stream
from evo_fool.sections import PixelsConfig
from evo_fool.session import evolve


def test_draws_are_in_proportion_to_the_scores() -> None:
    cells, weights = np.array([0, 2, 3, 4]), np.array([1.0, 2.0, 3.0, 5.0])
    drawn = np.bincount(draw(cells, weights, 22_000, stream(1, "parents")), minlength=5)
    assert drawn[1] == 0
    assert np.abs(drawn[cells] / 2000 - weights).max() < 0.2


def test_the_young_are_likelier_and_the_old_not_forgotten() -> None:
    weights = recency(np.array([0.0, HALF_AGE, 1000.0]))
    assert weights[:2].tolist() == [1.0, 0.5]
    assert 0.0 < weights[2] < 0.01


def test_in_images_recency_does_not_depend_on_the_batch() -> None:
    """Elites that are 6000, 2000 and 0 images old, however many generations that is."""
    for batch in (16, 400):
        search = MapElites(
            small(batch=batch, search={"kind": "map_elites", "parents": "recent", "recency": 2000}),
            build_encoding(PixelsConfig(kind="pixels"), size=2, channels=1),
            ClassArchive(3),
        )
        genomes = np.zeros((3, 4), np.float32)
        search.archive.add(np.array([0, 4000, 6000]), np.eye(3), genomes, 0)
        search.evaluations, search._generation = 6000, 6000 // batch
        drawn = np.bincount(search.select(Elites(search.archive, np.arange(3)), 30_000).cells, minlength=3)
        assert drawn / 30_000 == pytest.approx(np.array([1 / 4, 1 / 2, 1]) / 1.75, abs=0.01)


def test_a_run_draws_the_young_more_often(tmp_path: Path) -> None:
    """Ages of parents, over a whole run of each kind."""
    ages = {}
    for parents in ("cells", "recent"):
        run = evolve(small(generations=60, search={"kind": "map_elites", "parents": parents}), out=tmp_path)
        born = run.store.rows("SELECT id, generation, parent FROM individuals")
        generation = {id: g for id, g, _ in born}
        ages[parents] = np.mean([g - generation[parent] for _, g, parent in born if parent in generation])
    assert ages["recent"] < ages["cells"]


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=30))
def test_learning_a_batch_sums_up_each_cells_children(outcomes: list[tuple[int, bool]]) -> None:
    curiosity = Curiosity(4)
    cells = np.array([cell for cell, _ in outcomes], np.int64)
    curiosity.learn(cells, np.array([won for _, won in outcomes], bool))
    for cell in range(4):
        total = 1.0 + sum(REWARD if won else -PENALTY for other, won in outcomes if other == cell)
        assert curiosity.scores[cell] == max(total, FLOOR)


def test_a_cell_that_never_wins_is_still_drawn_now_and_then() -> None:
    curiosity = Curiosity(2)
    for _ in range(100):
        curiosity.learn(np.array([0, 1]), np.array([True, False]))
    assert curiosity.scores[1] == FLOOR
    assert 1 in draw(np.array([0, 1]), curiosity.scores, 20_000, stream(2, "parents"))
