"""Percentages never promise more than there is, and words fit on one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo_fool.text import percent, printable, provenance


@given(st.floats(0, 1))
def test_a_percentage_is_never_rounded_up_and_never_reaches_certainty(p: float) -> None:
    text = percent(p)
    shown = float(text.strip("> %")) / 100
    assert shown <= p + 1e-15
    assert shown < 1
    if not text.startswith(">"):
        assert p - shown <= max(1e-3, 10 * (1 - p)) + 1e-15


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0, "0.0 %"),
        (1e-300, "0.0 %"),
        (1e-7, "0.0 %"),
        (1e-6, "0.0001 %"),
        (0.00039, "0.03 %"),
        (0.001, "0.1 %"),
        (0.5, "50.0 %"),
        (0.57, "57.0 %"),
        (0.999, "99.9 %"),
        (0.9999, "99.99 %"),
        (0.99999, "99.999 %"),
        (0.99998, "99.998 %"),
        (0.9999991, "> 99.9999 %"),
        (1.0, "> 99.9999 %"),
    ],
)
def test_known_percentages(p: float, text: str) -> None:
    assert percent(p) == text


@given(st.text(), st.integers(2, 50))
def test_any_text_becomes_one_short_printable_line(text: str, limit: int) -> None:
    line = printable(text, limit)
    assert len(line) <= limit
    assert line.isprintable()


def test_provenance_names_network_seed_preset_and_generation() -> None:
    summary = {
        "classifier": "net",
        "encoding": "cppn",
        "search": "map_elites",
        "seed": 7,
        "preset": "paper\nx",
        "generation": 20,
    }
    assert provenance(summary) == "net · cppn · map_elites · seed 7 · preset paper x · generation 20"
