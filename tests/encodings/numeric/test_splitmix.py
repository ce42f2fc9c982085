"""The compiled stream and its plain Python form are the same stream."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evo_fool.encodings.numeric.splitmix import GOLDEN, SplitMix64, below, uniform

SEEDS = st.integers(0, 2**64 - 1)


@given(SEEDS, st.integers(1, 40_000))
def test_python_and_compiled_draws_are_equal(seed: int, n: int) -> None:
    stream = SplitMix64(seed)
    with np.errstate(over="ignore"):
        states = [np.uint64(seed) + np.uint64(i) * GOLDEN for i in range(1, 9)]
    for state in states[:4]:
        assert stream.random() == uniform(state)
    for state in states[4:]:
        draw = stream.below(n)
        assert draw == below(state, n)
        assert 0 <= draw < n


def test_published_values() -> None:
    """The first outputs of the reference implementation for seed 1234567."""
    stream = SplitMix64(1234567)
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [stream.random() for _ in published] == [(value >> 11) * 2.0**-53 for value in published]


def test_draws_are_uniform() -> None:
    stream = SplitMix64(5)
    draws = np.array([stream.random() for _ in range(20_000)])
    counts = np.histogram(draws, 20, (0, 1))[0]
    assert np.abs(counts - 1000).max() < 150
