"""Rank selection draws by rank, and DEAP's operators depend on nothing but the stream they were lent."""

import random
from collections import Counter

import numpy as np
import pytest
from deap import tools

from evo_fool.evolution.deap_random import deap_random
from evo_fool.evolution.population import Individual
from evo_fool.evolution.selection import select_rank
from evo_fool.randomness import stream


def individuals(values: list[float]) -> list[Individual]:
    return [Individual(i, np.zeros((1, 1)), value) for i, value in enumerate(values)]


@pytest.mark.parametrize("pressure", [1.0, 1.5, 2.0])
def test_linear_ranking_gives_the_best_its_pressure(pressure: float) -> None:
    pool = individuals([5.0, -3.0, 100.0, 0.0, 7.0])
    with deap_random(stream(1, "test")):
        drawn = Counter(ind.id for ind in select_rank(pool, 40_000, pressure=pressure))
    share = [drawn[i] / 40_000 * 5 for i in (1, 3, 0, 4, 2)]  # worst to best
    expected = [(2 - pressure) + 2 * (pressure - 1) * rank / 4 for rank in range(5)]
    assert share == pytest.approx(expected, abs=0.05)


def test_a_population_of_one_can_be_selected_from() -> None:
    assert len(select_rank(individuals([1.0]), 3, pressure=2.0)) == 3


def test_deap_is_repeatable_and_the_global_generator_untouched() -> None:
    pool = individuals([float(i) for i in range(50)])
    random.seed(123)  # the user's own use of the module must not change what evo-fool does, nor be changed
    before = random.getstate()
    picks = []
    for _ in range(2):
        with deap_random(stream(7, "test", 3)):
            picks.append([ind.id for ind in tools.selTournament(pool, 20, tournsize=3)])
        random.random()
        random.setstate(before)
    assert picks[0] == picks[1]
    assert random.getstate() == before


def test_the_global_generator_is_put_back_after_an_error() -> None:
    before = random.getstate()
    with pytest.raises(ZeroDivisionError), deap_random(stream(7, "test")):
        random.random()
        raise ZeroDivisionError
    assert random.getstate() == before
