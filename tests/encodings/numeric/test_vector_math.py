"""The polynomial sin and exp are as exact as the renderers need."""

import math

from hypothesis import given
from hypothesis import strategies as st

from evo_fool.encodings.numeric.vector_math import vector_exp, vector_log, vector_sin


@given(st.floats(-1e6, 1e6))
def test_sin(x: float) -> None:
    assert abs(vector_sin(x) - math.sin(x)) <= 1e-15 + 1e-16 * abs(x)
    assert abs(vector_sin(x)) <= 1 + 1e-15


@given(st.floats(-700, 700))
def test_exp(x: float) -> None:
    # rounding x to the nearest float64 alone is worth |x| * 1e-16
    assert abs(vector_exp(x) / math.exp(x) - 1) <= 1e-15


@given(st.floats(1e-300, 1e300))
def test_log(x: float) -> None:
    assert abs(vector_log(x) - math.log(x)) <= 4e-16 * abs(math.log(x)) + 1e-17


def test_exact_points() -> None:
    assert vector_log(1.0) == 0.0
    assert vector_sin(0.0) == 0.0
    assert vector_exp(0.0) == 1.0
