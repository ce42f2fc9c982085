"""Parents in proportion to what their children have won."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evo_fool.evolution.curiosity import FLOOR, PENALTY, REWARD, Curiosity
from evo_fool.randomness import stream


def test_draws_are_in_proportion_to_the_scores() -> None:
    curiosity = Curiosity(5)
    curiosity.scores[:] = [1, 9, 2, 3, 5]
    occupied = np.array([0, 2, 3, 4])
    drawn = np.bincount(curiosity.draw(occupied, 22_000, stream(1, "parents")), minlength=5)
    assert drawn[1] == 0
    assert np.abs(drawn[occupied] / 2000 - [1, 2, 3, 5]).max() < 0.2


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
    assert 1 in curiosity.draw(np.array([0, 1]), 20_000, stream(2, "parents"))
