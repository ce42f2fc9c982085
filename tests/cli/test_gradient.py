"""``evo-fool gradient METHOD`` as whole commands."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

JUDGE = ("--classifier", "tiny.py:build")


@pytest.fixture
def photos(tiny: Path) -> str:
    images = np.random.default_rng(0).integers(80, 170, (9, 1, 6, 6), dtype=np.uint8)
    np.savez("photos.npz", images=images, labels=np.arange(9) % 3)
    return "photos.npz"


def test_universal_leaves_a_run_that_others_read(photos: str, invoke: Any, invoke_json: Any) -> None:
    options = ("--photos", photos, "--epsilon", "80", "--passes", "3", "--batch", "4", *JUDGE)
    done = invoke_json("gradient", "universal", *options)
    assert (done["status"], done["generation"], done["classes"]) == ("finished", 2, 1)
    assert done["report"]["fooling_rate"] > 0.5
    assert invoke("verify", "latest", *JUDGE)[0] == 0
    assert invoke("export", "latest", "--to", "images")[0] == 0 and len(list(Path("images").iterdir())) == 1
    assert invoke("sheet", "latest")[0] == 0
    code, out, err = invoke("resume", "latest", "--generations", "9", *JUDGE)
    assert (code, out, err.count("\n")) == (2, "", 1) and "cannot be evolved" in err


def test_progress_goes_to_stderr_from_the_start(photos: str, invoke: Any) -> None:
    code, out, err = invoke("gradient", "universal", "--photos", photos, "--passes", "2", *JUDGE)
    assert code == 0 and "fooling_rate" in out and "gradient-universal" in out
    lines = err.splitlines()
    assert lines[0] == "reading the network and the images"
    assert lines[1] == "0/18 photographs" and lines[-1] == "18/18 photographs"


def test_a_target_and_the_l2_ball(photos: str, invoke_json: Any) -> None:
    options = ("--photos", photos, "--norm", "l2", "--epsilon", "600", "--target", "bee", "--passes", "4", *JUDGE)
    done = invoke_json("gradient", "universal", *options, "--name", "to bees")
    assert done["name"] == "to bees" and done["median_confidence"] > 0.5
    assert done["report"]["predicted"][0]["class"] == "bee"


def test_places_are_written_with_a_comma_or_a_space(photos: str, invoke: Any, invoke_json: Any) -> None:
    options = ("gradient", "universal", "--photos", photos, "--passes", "1", *JUDGE)
    reports = [
        invoke_json(*options, *between)["report"]
        for between in (("--between", "2,6"), ("--between", "2", "6"), ("--between=2,6",))
    ]
    assert reports[0]["photographs"] == 4 and reports[0] == reports[1] == reports[2]
    for wrong in (("--between", "6,2"), ("--between", "2"), ("--between", "2", "2")):
        code, out, err = invoke(*options, *wrong)
        assert (code, out, err.count("\n")) == (2, "", 1) and "give FIRST,END" in err


def test_ascent_fills_the_classes(workplace: Path, invoke: Any, invoke_json: Any) -> None:
    done = invoke_json("gradient", "ascent", "--limit", "4", "--steps", "150")
    assert (done["status"], done["classes"]) == ("finished", 10) and done["at_least"]["0.9"] >= 4
    assert invoke("verify", "latest")[0] == 0


def test_patch(photos: str, invoke_json: Any) -> None:
    options = ("--share", "0.4", "--places", "1", "--steps", "9", "--every", "5", "--form", "square", "--rotation", "0")
    done = invoke_json("gradient", "patch", "--photos", photos, "--target", "cat", *options, *JUDGE)
    assert (done["status"], done["generation"]) == ("finished", 1)


def test_program(invoke_json: Any, workplace: Path) -> None:
    done = invoke_json("gradient", "program", "--inner", "12", "--count", "20", "--held-out", "20", "--epochs", "2")
    assert done["status"] == "finished" and 0 <= done["report"]["accuracy"] <= 1


def test_lbfgs_answers_pairs(photos: str, invoke: Any, invoke_json: Any) -> None:
    options = ("--photos", photos, "--count", "2", "--target", "ant", "--target", "cat", "--searches", "1", *JUDGE)
    done = invoke_json("gradient", "lbfgs", *options)
    assert [pair["target"] for pair in done["pairs"]] == ["ant", "cat", "ant", "cat"] and done["success"] == 1
    assert len({pair["run"] for pair in done["pairs"]}) == 2
    assert invoke("verify", done["pairs"][0]["run"], *JUDGE)[0] == 0
    code, out, _ = invoke("gradient", "lbfgs", *options)
    assert code == 0
    assert out.splitlines()[0].split() == ["photograph", "place", "target", "success", "distortion", "run"]


def test_lbfgs_draws_a_target_for_each_photograph(photos: str, invoke: Any, invoke_json: Any) -> None:
    done = invoke_json("gradient", "lbfgs", "--photos", photos, "--target", "random", "--searches", "1", *JUDGE)
    assert [pair["place"] for pair in done["pairs"]] == list(range(9)) and done["success"] == 1
    assert len({pair["target"] for pair in done["pairs"]}) > 1
    pair = done["pairs"][4]  # an evolved run of the same pair
    settings = ("-S", f"scene.photos={photos}", "-S", "scene.between=[4, 5]", "-S", f'scene.cells=["{pair["target"]}"]')
    small = ("-S", "encoding.colour=grey", "-S", "encoding.size=6", "--generations", "2", *JUDGE)
    code, _, err = invoke("run", "bus-to-ostrich", *settings, *small)
    assert code == 0, err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("universal", "--photos", "photos.npz", "--epsilon", "0"), "scene.epsilon"),
        (("universal", "--photos", "photos.npz", "--epsilon", "300"), "below 256"),
        (("universal", "--photos", "nowhere"), "nowhere"),
        (("universal", "--photos", "photos.npz", "--count", "10"), "there are 9 photographs"),
        (("universal", "--photos", "photos.npz", "--target", "dog"), "dog"),
        (("universal", "--photos", "photos.npz", "--until", "0.5"), "'until'"),
        (("universal", "--photos", "photos.npz", "--way", "deepfool", "--target", "bee"), "use the way sgd"),
        (("ascent", "--until", "-1"), "--until"),
        (("patch", "--photos", "photos.npz", "--target", "bee", "--share", "0.9"), "share"),
        (("lbfgs", "--photos", "photos.npz", "--target", "other"), "name those to reach"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], words: str, photos: str, invoke: Any) -> None:
    code, out, err = invoke("gradient", *arguments, *JUDGE)
    assert (code, out) == (2, "") and words in err.splitlines()[-1]
    assert sum(line.startswith("evo-fool: error") for line in err.splitlines()) == 1
    assert not Path("outputs").exists()
