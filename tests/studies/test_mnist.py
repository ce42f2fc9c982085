"""MNIST's study: when medians and minima first reach a threshold, and what the claims make of it."""

from typing import Any

import numpy as np

from evo_fool.studies import study_of
from evo_fool.studies.context import Context
from evo_fool.studies.digit_runs import Course


def course(median: list[list[float]], lowest: list[list[float]]) -> Course:
    """Of generations 0, 1, 2, ..., 199 of the third value, and 200."""
    curves = [np.repeat(np.array(values), [1, 25, 174, 1], axis=1) for values in (median, lowest)]
    sure = np.where(curves[1][:, -1] >= 0.9999, 10, 5)
    return Course(range(len(median)), *curves, sure, 100)


def judged(direct: Course, cppn: Course, pixels: Course, cppns: Course) -> tuple[dict[str, bool], str]:
    courses = {"direct": direct, "CPPN": cppn, "random pixels": pixels, "random cppn": cppns}
    data: dict[str, Any] = {label: c.to_json() for label, c in courses.items()}
    return dict(study_of("mnist").claims(data)), study_of("mnist").conclude(data)[1]


def test_first_generations() -> None:
    c = course([[0.1, 0.9999, 1, 1], [0.1, 0.5, 0.6, 0.7]], [[0, 0.2, 0.3, 1], [0, 0, 0, 0]])
    assert c.first(c.median) == [1, None]
    assert c.first(c.lowest) == [200, None]
    assert [c.at(g).tolist() for g in (0, 25, 1000)] == [[0.1, 0.1], [0.9999, 0.5], [1, 0.7]]
    assert (c.last, c.final.tolist(), c.digits) == (200, [1, 0.7], 7)


def test_claims_follow_the_paper() -> None:
    quick = course([[0.1, 0.9, 1, 1]], [[0, 0.5, 0.99995, 1]])
    slow = course([[0.1, 0.9, 1, 1]], [[0, 0.5, 0.6, 0.99995]])
    poor = course([[0.1, 0.2, 0.3, 0.4]], [[0, 0, 0, 0]])
    assert judged(quick, quick, poor, poor)[0] == {"direct": True, "cppn": True, "every_digit": True}
    assert judged(slow, quick, poor, poor)[0] == {"direct": True, "cppn": True, "every_digit": False}
    assert judged(poor, quick, poor, poor)[0] == {"direct": False, "cppn": True, "every_digit": False}
    given_away, why = judged(quick, quick, poor, quick)
    assert given_away == {"direct": True, "cppn": True, "cppn_by_chance": False, "every_digit": True}
    assert "CPPN: as many random images, never evolved" in why
    assert "(10 against 10 of 10 digits at 99.99 %)" in why


def test_the_page(small_reproduction: Context) -> None:
    page = study_of("mnist").section(small_reproduction)
    assert [picture.name for picture in page.pictures] == ["median", "figure 4", "figure 5", "released code"]
    assert all(picture.png.startswith(b"\x89PNG") for picture in page.pictures)
    rows = {row.what: row for row in page.rows}
    assert rows["direct: every digit ≥ 99.99 % from generation"].paper == "< 50"
    assert rows["CPPN: median over digits at generation 20"].paper == "≥ 99.99 %"
    assert "as many random images" in page.why
    assert page.data["random pixels"]["seeds"] == [1]
