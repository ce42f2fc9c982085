"""Statistics over cells, against numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo_fool.evolution.statistics import STATISTICS, build_statistics


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_statistics_agree_with_numpy(values: list[float]) -> None:
    row = build_statistics().compile(values)
    assert set(row) == set(STATISTICS)
    assert row["median"] == pytest.approx(np.median(values))
    assert row["q1"] == pytest.approx(np.quantile(values, 0.25))
    assert row["q3"] == pytest.approx(np.quantile(values, 0.75))
    assert row["mean"] == pytest.approx(np.mean(values))
    assert row["qd_score"] == pytest.approx(np.sum(values))
    assert (row["min"], row["max"]) == (min(values), max(values))
    assert row["at_least_99"] == sum(v >= 0.99 for v in values)


def by_sorting(values: list[float], fraction: float) -> float:
    """The specification of the quartiles: sort, and interpolate between the two nearest."""
    ordered = sorted(values)
    position = fraction * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


@given(st.lists(st.sampled_from([0.0, 0.1, 0.3, 1.0]) | st.floats(0, 1), min_size=1, max_size=300))
def test_one_partition_gives_what_sorting_gives_to_the_bit(values: list[float]) -> None:
    row = build_statistics().compile(values)
    for name, fraction in (("min", 0.0), ("q1", 0.25), ("median", 0.5), ("q3", 0.75), ("max", 1.0)):
        assert row[name] == by_sorting(values, fraction)
    assert (row["qd_score"], row["mean"]) == (float(sum(values)), float(sum(values)) / len(values))
    assert row["at_least_90"] == sum(value >= 0.9 for value in values)
    assert all(type(value) in (int, float) for value in row.values())


def test_the_median_of_an_even_count_is_the_mean_of_the_middle_two() -> None:
    assert build_statistics().compile([0.0, 1.0, 0.5, 0.7])["median"] == pytest.approx(0.6)
