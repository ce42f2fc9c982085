"""ImageNet's page: what it reads off runs, the tests it makes, and what it says where there are no weights."""

from pathlib import Path

import numpy as np
import pytest

from evo_fool.studies import study_of
from evo_fool.studies.context import Context
from evo_fool.studies.imagenet.measure import Arm, likeness, paper_median
from evo_fool.studies.imagenet.study import as_typed
from evo_fool.studies.mann_whitney import mann_whitney
from evo_fool.studies.published import IMAGENET_CPPN_MEDIAN


def test_mann_whitney_is_scipys_example() -> None:
    """Diabetes by sex, from the documentation of scipy.stats.mannwhitneyu."""
    found = mann_whitney(np.array([19, 22, 16, 29, 24]), np.array([20, 11, 17, 12]))
    assert found.u == 17
    assert found.p == pytest.approx(0.1111111, abs=1e-6)
    assert found.effect == 17 / 20
    assert (found.first_median, found.second_median) == (22, 14.5)
    assert found.text == "U = 17, p = 0.1111"


def test_likeness_of_the_same_images_is_one() -> None:
    values = np.random.default_rng(0).random((4, 300))
    assert likeness(np.stack([values, values]))["same"] == pytest.approx(1)
    assert likeness(np.stack([values, values]))["different"] < 0.2
    assert likeness(np.stack([values, 1 - values]))["same"] == pytest.approx(1)  # a negative is as much alike
    flat = np.ones((2, 4, 300))
    assert likeness(flat)["same"] == 0


def arm(median: float, final: np.ndarray) -> Arm:
    images = np.arange(1, 101) * 400
    return Arm((1, 2), images, np.tile(np.linspace(0, median, 100), (2, 1)), np.stack([final, final]))


def test_the_median_is_that_of_the_last_generation_within_the_images() -> None:
    a = arm(0.99, np.zeros(1000))
    assert a.median_after(400).tolist() == [0, 0]
    assert a.median_after(799).tolist() == [0, 0]
    assert a.median_after(40_000).tolist() == [0.99, 0.99]


def test_the_papers_curve_is_read_between_its_points() -> None:
    for generation, median in IMAGENET_CPPN_MEDIAN:
        assert paper_median(generation * 400) == median
    assert paper_median(2_000_000) is None


def judged(cppn: Arm, pixels: Arm) -> tuple[list[bool], str]:
    arms = dict.fromkeys(("cppn", "paper", "random", "random-pixels"), cppn) | {"pixels": pixels}
    data = {kind: arm.to_json() for kind, arm in arms.items()} | {"network": "net", "alike": {}, "other networks": {}}
    study = study_of("imagenet")
    assert study.rows(data)
    return list(study.claims(data).values()), study.conclude(data)[1]


def test_claims_hold_or_not_by_the_numbers() -> None:
    rng = np.random.default_rng(0)
    good = rng.uniform(0.4, 0.9, 1000)
    good[156:286] = rng.uniform(0, 0.3, 130)
    poor = rng.uniform(0, 0.05, 1000)
    held, why = judged(arm(0.5, good), arm(0.01, poor))
    assert held == [True, True, True, False]  # of direct images there are too few to tell
    assert "of net 50.0 % after 40,000 images (paper, AlexNet in ten crops: 15.4 %)" in why
    assert "after 40,000 images is no test of the paper's figure" in why
    assert judged(arm(0.1, poor), arm(0.5, good))[0] == [False, False, False, False]
    sure = good.copy()
    sure[300:345] = 0.995
    enough = Arm((1,), np.array([400, 4_000_200]), np.array([[0, 0.6]]), sure[None])
    assert judged(arm(0.5, good), enough)[0][3]
    sure[300] = 0.98
    assert not judged(arm(0.5, good), enough)[0][3]
    block = arm(0.5, good).weak_block()
    assert not block.first_larger
    assert block.p < 1e-10


def test_paths_are_shown_as_one_would_type_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert as_typed(tmp_path / "data" / "x.pt") == "data/x.pt"
    assert as_typed(tmp_path.parent / "x.pt") == str(tmp_path.parent / "x.pt")


def test_without_weights_the_page_says_what_is_missing(tmp_path: Path) -> None:
    page = study_of("imagenet").section(Context(tmp_path, "smoke"))
    assert page.verdict == "skipped"
    assert "imagenet/weights/NAME.pt" in page.why


@pytest.mark.timeout(600)
def test_the_page_on_real_networks(data_folder: Path, tmp_path: Path) -> None:
    page = study_of("imagenet").section(Context(tmp_path, "smoke", data_folder))
    assert page.settings["network"] == "squeezenet1_1"
    names = [picture.name for picture in page.pictures]
    assert names == ["median", "by class", "figure 8", "figure 6"]
    assert page.settings["images"] == dict.fromkeys(("cppn", "paper", "pixels", "random", "random-pixels"), 128)
    assert [row.paper for row in page.rows if row.what == "direct: classes ≥ 99 %"] == ["45 after 4,000,200 images"]
