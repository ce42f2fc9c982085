"""Natural adversarial images: each metric has a known answer, and filtration keeps what it says."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import small

from evo_fool.cli.main import main
from evo_fool.errors import ConfigError
from evo_fool.session import evolve
from evo_fool.studies.context import Context
from evo_fool.studies.natural import Options
from evo_fool.studies.natural.answers import Answers
from evo_fool.studies.natural.filtration import EVERY, FOOL, REST, filtered
from evo_fool.studies.natural.metrics import (
    agreement_by_chance,
    aurra,
    average_precision,
    calibrated,
    calibration_errors,
)
from evo_fool.studies.natural.study import Natural


def slow_calibration(confidence: np.ndarray, correct: np.ndarray, *, last: bool) -> float:
    """As the paper tells it: sort, cut into hundreds, and let the last bin have the rest."""
    order = sorted(range(len(confidence)), key=lambda i: confidence[i])
    n = max(1, len(order) // 100)
    bins = [order[100 * i : 100 * (i + 1) if i < n - 1 else None] for i in range(n)]
    total = 0.0
    for rows in bins if last else bins[:-1]:
        gap = sum(confidence[i] for i in rows) / len(rows) - sum(bool(correct[i]) for i in rows) / len(rows)
        total += len(rows) / len(order) * gap**2
    return float(total**0.5)


def test_calibration_error_of_two_bins() -> None:
    """100 images at .2, all right, and 150 at .9, two thirds right: gaps .8 and .9 - 2/3."""
    confidence = np.repeat([0.9, 0.2], [150, 100])
    correct = np.repeat([True, False, True], [100, 50, 100])
    every, without = calibration_errors(confidence, correct)
    assert every == pytest.approx((0.4 * 0.8**2 + 0.6 * (0.9 - 2 / 3) ** 2) ** 0.5)
    assert without == pytest.approx((0.4 * 0.8**2) ** 0.5)
    assert calibration_errors(np.array([0.5, 1.0]), np.array([True, True]))[1] is None


@pytest.mark.parametrize("n", [1, 99, 100, 199, 200, 731])
def test_calibration_error_is_that_of_the_slow_form(n: int) -> None:
    rng = np.random.default_rng(n)
    confidence, correct = rng.random(n), rng.random(n) < 0.4
    every, without = calibration_errors(confidence, correct)
    assert every == pytest.approx(slow_calibration(confidence, correct, last=True))
    if without is not None:
        assert without == pytest.approx(slow_calibration(confidence, correct, last=False))


def test_a_calibrated_network_has_the_error_of_its_small_bins() -> None:
    """In bins of 100 images at one half, the accuracy strays by a root mean square of .05."""
    every, without = calibrated(np.full(1000, 0.5))
    assert every == pytest.approx(0.05, rel=0.05)
    assert without is not None and without == pytest.approx(0.05 * 0.9**0.5, rel=0.05)


def test_aurra_is_the_mean_accuracy_over_response_rates() -> None:
    confidence, correct = np.array([0.1, 0.9, 0.5, 0.7]), np.array([True, True, False, True])
    assert aurra(confidence, correct) == pytest.approx((1 + 1 + 2 / 3 + 3 / 4) / 4)
    assert aurra(-confidence, correct) == pytest.approx((1 + 1 / 2 + 2 / 3 + 3 / 4) / 4)


def test_average_precision_is_that_of_sklearn_with_ties_too() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    for levels in (3, 1000):
        scores, positive = rng.integers(levels, size=200).astype(float), rng.random(200) < 0.3
        assert average_precision(scores, positive) == pytest.approx(metrics.average_precision_score(positive, scores))
    assert average_precision(np.zeros(10), np.arange(10) < 3) == pytest.approx(0.3), "no order: the share of positives"


def test_agreement_by_chance_counts_pairs_of_different_images() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.integers(4, size=(2, 12))
    pairs = [one[i] == other[j] for i, j in product(range(12), range(12)) if i != j]
    assert agreement_by_chance(one, other) == pytest.approx(np.mean(pairs))
    assert agreement_by_chance(one[:1], other[:1]) is None


def seen(labels: list[int], answers: list[int], odds: list[float]) -> Answers:
    """Answers of which filtration asks."""
    n, zeros = len(labels), np.zeros(len(labels))
    return Answers(np.arange(n), np.array(labels), np.array(answers), zeros, np.array(answers), zeros, np.array(odds))


def test_filtration_keeps_what_fools_the_filter_beside_its_controls() -> None:
    labels = [0, 1, 2, 0, 1]
    by = seen(labels, [1, 0, 2, 0, 1], [-1, -2, 3, 4, 5])  # the first two fool it
    test = seen(labels, [1, 2, 0, 0, 1], [-1] * 5)  # the first three fool it
    third = seen(labels, labels, [5, 1, 4, 2, 3])  # least sure of the second and the fourth
    found = {e["subset"]: e for e in filtered("x", {"a": by, "b": test, "c": third}, "a", "b", evolved=False)}
    assert {name: e["n"] for name, e in found.items()} == {EVERY: 5, FOOL: 2, REST: 3, "as many that fool c most": 2}
    assert [found[name]["fooled"] for name in (EVERY, FOOL, REST)] == [0.6, 1, pytest.approx(1 / 3)]
    assert [found[name]["filter"] for name in (EVERY, FOOL, REST)] == [0.4, 1, 0]
    assert found["as many that fool c most"]["fooled"] == 0.5
    assert found[FOOL]["same"] == 0.5 and found[EVERY]["same"] == 0.6
    evolved = {e["subset"]: e for e in filtered("x", {"a": by, "b": test, "c": third}, "a", "b", evolved=True)}
    assert evolved[FOOL]["n"] == 3 and evolved[FOOL]["fooled"] == pytest.approx(2 / 3), "an answered target fools"
    assert evolved["as many that fool c most"]["n"] == 3


def test_accuracy_over_the_kept_classes_and_over_all(eyes: dict[str, Any], tmp_path: Path) -> None:
    """The confused network takes red for green. Where green is not kept it has to take red for the next best."""
    context = Context(None)
    asked = {"classifiers": (eyes["eye"], eyes["confused"]), "photos": eyes["photos"]}
    study = Natural(Options(**asked, outside=eyes["outside"]))
    data = study.measure(context)
    right, confused = data["networks"].values()
    assert (data["photographs"], data["kept"], data["classes"], data["outside"]) == (15, 3, 4, 1)
    assert (right["accuracy"]["kept"][0], right["accuracy"]["all"][0], right["aurra"]) == (1, 1, 1)
    assert confused["accuracy"]["all"][0] == pytest.approx(1 / 3)
    assert right["surest_error"] is None and 0.9 < confused["surest_error"] < 1
    assert right["aupr"] == 1, "grey is the least sure"
    assert set(context.remarks) == {
        "1 folder(s) name no class and are left out, such as n99",
        "1 photograph(s) do not load and are left out",
    }
    whats = [row.what for row in study.rows(data)]
    assert len(whats) == len(set(whats)) == 12 and all(
        row.control is not None or row.ours is None for row in study.rows(data)
    )
    assert "is right on 33.3 %" in study.conclude(data)[1]
    assert study.pictures(context, data)[0].png.startswith(b"\x89PNG")

    (tmp_path / "kept.txt").write_text("n3 the red one\nblue\n")
    (tmp_path / "kept.json").write_text('[{"wnid": "n3"},\n "blue"]')
    for name in ("kept.txt", "kept.json"):
        data = Natural(Options(**asked, classes=str(tmp_path / name))).measure(Context(None))
        _, confused = data["networks"].values()
        assert (data["photographs"], data["kept"]) == (10, 2)
        # red answers (green, red, blue) = (8, 0, 0): without green, red and blue are alike, and the first is red
        assert confused["accuracy"]["kept"][0] == 1 and confused["accuracy"]["all"][0] == 0.5


def test_filtration_of_photographs_and_of_elites(eyes: dict[str, Any], tmp_path: Path) -> None:
    run = evolve(
        small("pixels", generations=2, classifier={"spec": eyes["eye"]}, encoding={"kind": "pixels"}), out=tmp_path
    )
    options = Options(photos=eyes["photos"], filter_by=(eyes["confused"],), tests=(eyes["eye"],), runs=(str(run.path),))
    study = Natural(options)
    data = study.measure(Context(None))
    entries = {(e["images"], e["subset"]): e for e in data["filtration"]}
    assert {images for images, _ in entries} == {"photographs", run.label}
    kept = entries["photographs", FOOL]
    assert (kept["n"], kept["fooled"], kept["filter"], kept["same"]) == (10, 0, 1, 0)
    elites = [entries[run.label, subset] for subset in (EVERY, FOOL, REST)]
    assert elites[0]["n"] == elites[1]["n"] + elites[2]["n"] == len(run.elites)
    assert "that fool" in study.conclude(data)[1]
    assert len(study.tables(data)[0].lines) == len(entries)


def test_the_verb(eyes: dict[str, Any], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    picture = tmp_path / "errors.png"
    arguments = ["study", "natural", eyes["confused"], "--photos", str(eyes["photos"]), "--to", str(picture)]
    assert main([*arguments, "--filter-by", eyes["eye"], "--test", eyes["confused"]]) == 0
    printed = capsys.readouterr().out
    assert "RMS calibration error, without the most confident bin" in printed and "Adversarial filtration" in printed
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_measured_is_refused_in_one_line(eyes: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("violet\n")
    (tmp_path / "bad.json").write_text("[{}]")
    (tmp_path / "empty").mkdir()
    eye = eyes["eye"]
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "no network to measure"),
        ({"classifiers": (eye,), "tests": (eye,)}, "--filter-by A"),
        ({"classifiers": (eye,), "runs": ("x",)}, "--filter-by A --test B"),
        ({"filter_by": (eye,), "tests": (eye,)}, "is the network that filters"),
        ({"classifiers": (eye, "lenet-mnist")}, "other classes than eye"),
        ({"classifiers": (eye,), "classes": str(tmp_path / "bad.txt")}, "violet"),
        ({"classifiers": (eye,), "classes": str(tmp_path / "bad.json")}, "JSON list"),
        ({"classifiers": (eye,), "photos": tmp_path / "empty"}, "no photograph of a kept class"),
        ({"classifiers": (eye,), "outside": tmp_path / "empty"}, "there is no photograph"),
    ]
    for options, message in cases:
        with pytest.raises(ConfigError, match=message) as refused:
            Natural(Options(**({"photos": eyes["photos"]} | options))).load(Context(None))
        assert "\n" not in str(refused.value)


def test_pictures_of_imagenet_a_and_o(data_folder: Path) -> None:
    weights = data_folder / "imagenet" / "weights" / "squeezenet1_1.pt"
    if not weights.is_file() or not (data_folder / "imagenet_a").is_dir():
        pytest.skip(f"no imagenet_a and no imagenet/weights in {data_folder}")
    options = Options(
        classifiers=(f"torchvision:squeezenet1_1@{weights}",),
        photos=data_folder / "imagenet_a",
        outside=data_folder / "imagenet_o",
        classes=str(data_folder / "imagenet" / "imagenet_a_200.json"),
    )
    data = Natural(options).measure(Context(None))
    assert (data["photographs"], data["kept"], data["outside"]) == (3, 200, 1)
    (found,) = data["networks"].values()
    assert found["accuracy"]["all"][0] <= found["accuracy"]["kept"][0]
    assert 0 < found["aupr"] <= 1
