"""Polynomial mutation and SBX: equal to scalar references, and right in distribution (beside DEAP's own)."""

import random

import numpy as np
import pytest
from deap.tools import cxSimulatedBinaryBounded, mutPolynomialBounded
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from evo_fool.encodings.numeric.splitmix import SplitMix64
from evo_fool.encodings.operators import polynomial_mutation, simulated_binary_crossover
from evo_fool.randomness import child_seeds, stream

UNIT = st.floats(0, 1, width=32)
GENES = arrays.arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 700)), elements=UNIT, fill=UNIT)


def draws_of(seed: int, count: int) -> list[float]:
    generator = SplitMix64(int(seed))
    return [generator.random() for _ in range(count)]


def mutate_scalar(genes: np.ndarray, seed: int, rate: float, eta: float, bounded: bool) -> np.ndarray:
    """The operator's docstring, gene by gene."""
    m = len(genes)
    draws = draws_of(seed, 2 * m)
    out = genes.copy()
    power = 1.0 / (eta + 1.0)
    for j in range(m):
        if draws[j] >= rate:
            continue
        x, u = float(genes[j]), draws[m + j]
        if bounded and u < 0.5:
            delta = (2.0 * u + (1.0 - 2.0 * u) * (1.0 - x) ** (eta + 1.0)) ** power - 1.0
        elif bounded:
            delta = 1.0 - (2.0 * (1.0 - u) + 2.0 * (u - 0.5) * x ** (eta + 1.0)) ** power
        elif u < 0.5:
            delta = (2.0 * u) ** power - 1.0
        else:
            delta = 1.0 - (2.0 * (1.0 - u)) ** power
        out[j] = np.float32(min(max(x + delta, 0.0), 1.0))
    return out


@settings(max_examples=60)
@given(GENES, st.integers(0, 2**32), st.floats(0, 1), st.floats(0.5, 100), st.booleans())
def test_mutation_equals_the_scalar_reference(
    genes: np.ndarray, seed: int, rate: float, eta: float, bounded: bool
) -> None:
    before = genes.copy()
    seeds = child_seeds(stream(seed, "test"), len(genes))
    mutated = polynomial_mutation(genes, seeds, rate=rate, eta=eta, bounded=bounded, threads=2)
    assert np.array_equal(genes, before)
    expected = [mutate_scalar(row, s, rate, eta, bounded) for row, s in zip(genes, seeds, strict=True)]
    # The kernel takes powers by its own exp and log, so the last bit of float32 may differ.
    assert np.allclose(mutated, np.stack(expected), rtol=0, atol=1.2e-7)


@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("start", [0.0, 1.0])
def test_mutation_moves_genes_off_the_bounds(bounded: bool, start: float) -> None:
    genes = np.full((20, 1000), start, np.float32)
    mutated = polynomial_mutation(genes, child_seeds(stream(1, "t"), 20), rate=0.1, eta=15, bounded=bounded)
    moved = (mutated != start).mean()
    # half of the steps point outwards: clipped, or bounded to nothing
    assert moved == pytest.approx(0.05, rel=0.1)


def test_rate_and_mean_step() -> None:
    genes = np.full((50, 2000), 0.5, np.float32)
    mutated = polynomial_mutation(genes, child_seeds(stream(2, "t"), 50), rate=0.1, eta=15, bounded=False)
    steps = (mutated - genes)[mutated != genes].astype(float)
    assert len(steps) / genes.size == pytest.approx(0.1, rel=0.03)
    assert steps.mean() == pytest.approx(0, abs=0.003)
    # E|delta| = 1 - E[(2u)^(1/16) | u < 1/2] = 1 - 16/17
    assert np.abs(steps).mean() == pytest.approx(1 / 17, rel=0.03)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_extreme_rates(rate: float) -> None:
    genes = np.full((3, 5000), 0.5, np.float32)
    mutated = polynomial_mutation(genes, child_seeds(stream(3, "t"), 3), rate=rate, eta=15, bounded=False)
    assert (mutated != genes).mean() == pytest.approx(rate, abs=0.001)


@pytest.mark.parametrize("start", [0.0, 0.05, 0.5, 1.0])
def test_bounded_mutation_has_the_distribution_of_deap(start: float) -> None:
    random.seed(4)
    theirs = [mutPolynomialBounded([start], 15.0, 0.0, 1.0, 1.0)[0][0] for _ in range(8000)]
    genes = np.full((8, 1000), start, np.float32)
    ours = polynomial_mutation(genes, child_seeds(stream(4, "t"), 8), rate=1.0, eta=15, bounded=True)
    assert stats.ks_2samp(np.float32(theirs), ours.ravel()).pvalue > 0.001


def cross_scalar(a: np.ndarray, b: np.ndarray, seed: int, eta: float, bug: bool) -> tuple[np.ndarray, np.ndarray]:
    """The operator's docstring, gene by gene, with DEAP's formula."""

    def spread(u: float, distance: float) -> float:
        alpha = 2.0 - (1.0 + 2.0 * distance) ** -(eta + 1.0)
        base = u * alpha if u <= 1.0 / alpha else 1.0 / (2.0 - u * alpha)
        return float(base ** (1.0 / (eta + 1.0)))

    draws = draws_of(seed, 3 * len(a))
    a, b = a.copy(), b.copy()
    for j in range(len(a)):
        low, high = sorted((float(a[j]), float(b[j])))
        take, u, swap = draws[3 * j : 3 * j + 3]
        if low == high:
            if bug:
                a[j] = b[j] = 0.5
        elif bug or take <= 0.5:
            gap = high - low
            first = min(max(0.5 * (low + high - spread(u, low / gap) * gap), 0.0), 1.0)
            second = min(max(0.5 * (low + high + spread(u, (1.0 - high) / gap) * gap), 0.0), 1.0)
            a[j], b[j] = (second, first) if swap <= 0.5 else (first, second)
    return a, b


@settings(max_examples=60)
@given(GENES, st.integers(0, 2**32), st.floats(0.5, 50), st.booleans())
def test_crossover_equals_the_scalar_reference(genes: np.ndarray, seed: int, eta: float, bug: bool) -> None:
    other = genes[::-1, ::-1].copy()
    seeds = child_seeds(stream(seed, "test"), len(genes))
    options = {"eta": eta, "grey_bug": bug}
    first, second = simulated_binary_crossover(genes, other, seeds, threads=2, **options)
    for row in range(len(genes)):
        expected = cross_scalar(genes[row], other[row], seeds[row], eta, bug)
        assert np.array_equal(first[row], expected[0])
        assert np.array_equal(second[row], expected[1])


def test_crossover_has_the_distribution_of_deap() -> None:
    random.seed(5)
    theirs = []
    for _ in range(8000):
        one, two = cxSimulatedBinaryBounded([0.2], [0.7], 10.0, 0.0, 1.0)
        theirs += [one[0], two[0]]
    a, b = np.full((8, 1000), 0.2, np.float32), np.full((8, 1000), 0.7, np.float32)
    ours = simulated_binary_crossover(a, b, child_seeds(stream(5, "t"), 8), eta=10)
    assert stats.ks_2samp(np.float32(theirs), np.concatenate(ours).ravel()).pvalue > 0.001


def test_agreeing_genes_stay_or_turn_grey() -> None:
    genes = stream(6, "t").random((4, 100), dtype=np.float32)
    seeds = child_seeds(stream(6, "s"), 4)
    kept = simulated_binary_crossover(genes, genes, seeds, eta=10)
    assert np.array_equal(kept[0], genes)
    assert np.array_equal(kept[1], genes)
    grey = simulated_binary_crossover(genes, genes, seeds, eta=10, grey_bug=True)
    assert (grey[0] == 0.5).all()
    assert (grey[1] == 0.5).all()


def test_rows_do_not_depend_on_their_batch_or_threads() -> None:
    genes = stream(7, "t").random((300, 784), dtype=np.float32)
    seeds = child_seeds(stream(7, "s"), 300)
    options = {"rate": 0.1, "eta": 15.0, "bounded": False}
    whole = polynomial_mutation(genes, seeds, threads=3, **options)
    assert np.array_equal(whole, polynomial_mutation(genes, seeds, threads=1, **options))
    assert np.array_equal(whole[10:12], polynomial_mutation(genes[10:12], seeds[10:12], **options))
