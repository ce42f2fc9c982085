"""MNIST's page: when medians and minima first reach a threshold, and what the claims make of it."""

import numpy as np

from evo_fool.studies.context import Context
from evo_fool.studies.mnist import Course, claims, section


def course(median: list[list[float]], lowest: list[list[float]]) -> Course:
    generations = np.array([0, 25, 49, 200])
    sure = np.where(np.array(lowest) >= 0.9999, 10, 5)
    return Course(tuple(range(len(median))), generations, np.array(median), np.array(lowest), sure, 100)


def test_first_generations() -> None:
    c = course([[0.1, 0.9999, 1, 1], [0.1, 0.5, 0.6, 0.7]], [[0, 0.2, 0.3, 1], [0, 0, 0, 0]])
    assert c.first(c.median, 0.9999) == [25, None]
    assert c.first(c.lowest, 0.9999) == [200, None]
    assert [c.at(g) for g in (0, 24, 25, 1000)] == [0, 0, 1, 3]


def test_claims_follow_the_paper() -> None:
    quick = course([[0.1, 0.9, 1, 1]], [[0, 0.5, 0.99995, 1]])
    slow = course([[0.1, 0.9, 1, 1]], [[0, 0.5, 0.6, 0.99995]])
    poor = course([[0.1, 0.2, 0.3, 0.4]], [[0, 0, 0, 0]])
    chance = {"pixels": poor, "cppn": poor}
    assert [holds for holds, _ in claims({"direct": quick, "CPPN": quick}, chance)] == [True, True, True]
    assert [holds for holds, _ in claims({"direct": slow, "CPPN": quick}, chance)] == [True, True, False]
    assert [holds for holds, _ in claims({"direct": poor, "CPPN": quick}, chance)] == [False, True, False]
    given_away = claims({"direct": quick, "CPPN": quick}, {"pixels": poor, "cppn": quick})
    assert [holds for holds, _ in given_away] == [True, True, False, True]
    assert "never evolved" in given_away[2][1]


def test_the_page(small_reproduction: Context) -> None:
    page = section(small_reproduction)
    assert [picture.name for picture in page.pictures] == ["median", "figure 4", "figure 5", "released code"]
    assert all(picture.png.startswith(b"\x89PNG") for picture in page.pictures)
    rows = {row.what: row for row in page.rows}
    assert rows["direct: every digit ≥ 99.99 % from generation"].paper == "< 50"
    assert rows["CPPN: median over digits at generation 20"].paper == "≥ 99.99 %"
    assert "as many random images" in page.why
    assert page.data["random pixels"]["seeds"] == (1,)
