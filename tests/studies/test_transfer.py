"""Transfer: two identical networks agree on everything, a network that answers at random on a tenth of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from support import small

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.lenet import LeNet, lenet_classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.errors import ConfigError
from evo_fool.runs import open_run
from evo_fool.sections import ClassifierConfig
from evo_fool.session import evolve
from evo_fool.studies.elites import ImageSet, elites_of, judge_of, noise_set
from evo_fool.studies.transfer import Options
from evo_fool.studies.transfer.judges import judges_of
from evo_fool.studies.transfer.measure import CHANCE, THRESHOLDS, beside_noise, transfer, transfer_of_noise
from evo_fool.studies.transfer.study import ALIKE, OTHER, SAME, Transfer, claims_of, pairs_of


def _at_work(classifier: Classifier) -> Scorer:
    return Scorer(classifier, batch=64, view="auto", device=torch.device("cpu"))


@pytest.fixture(scope="module")
def lenet() -> Scorer:
    return _at_work(load_classifier(ClassifierConfig(), torch.device("cpu")))


def test_identical_networks_are_the_identity(lenet: Scorer, pixels_run: Path) -> None:
    """Each half of the elites is one network's; with two of the same, every cell of the matrix is the same."""
    with open_run(pixels_run) as run:
        elites = elites_of(run)
        expected = [elite.probability for elite in run.elites]
    matrix = transfer([elites.pick(range(5)), elites.pick(range(5, 10))], {"one": lenet, "same": lenet})
    for key in ("mean", "agreement"):
        first, second = np.transpose(matrix[key])
        np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first_of(matrix["mean"]), [np.mean(expected[:5]), np.mean(expected[5:])], rtol=1e-6)
    for threshold, column in matrix["everywhere"].items():
        assert column == first_of(matrix["reaching"][threshold])


def first_of(table: list[list[float]]) -> list[float]:
    """Its first column."""
    return [row[0] for row in table]


class Reads(torch.nn.Module):
    """Answers the pixels, shifted by so many classes."""

    def __init__(self, shift: int) -> None:
        super().__init__()
        self.shift = shift

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return 20 * images.flatten(1).roll(self.shift, dims=1)


def _readers(*shifts: int) -> dict[str, Scorer]:
    return {
        str(s): _at_work(Classifier(Reads(s), classes=list("abcd"), size=2, channels=1, name="reads")) for s in shifts
    }


def test_each_keeps_its_own() -> None:
    """One-hot images and networks that read them directly, or shifted by one class: the matrix is a permutation."""
    names = list("abcd")
    judges = _readers(0, 1)
    hot = np.eye(4, dtype=np.uint8).reshape(4, 1, 2, 2) * 255
    sets = [ImageSet(str(s), hot, (np.arange(4) + s) % 4, tuple(names)) for s in (0, 1)]
    matrix = transfer(sets, judges)
    for table in (matrix["agreement"], matrix["reaching"]["0.9999"], matrix["both"]["0.9999"]):
        np.testing.assert_array_equal(table, np.eye(2))
    assert matrix["everywhere"]["0.9"] == [0, 0]


def test_noise_is_chosen_by_each_network() -> None:
    """Of the four one-hot images each network takes its own for every class; those are another class to the other."""
    hot = np.eye(4, dtype=np.uint8).reshape(4, 1, 2, 2) * 255
    noise = ImageSet("noise", hot, np.zeros(4, dtype=np.int64), tuple("abcd"))
    judges = _readers(0, 0 + 4, 1)
    matrix = transfer_of_noise(noise, judges, {"mean": ("mean", ["0", "4"]), "minimum": ("minimum", ["0", "1"])})
    assert matrix["sources"] == ["0", "4", "1", "mean", "minimum", CHANCE]
    np.testing.assert_array_equal(matrix["agreement"][:4], [[1, 1, 0], [1, 1, 0], [0, 0, 1], [1, 1, 0]])
    np.testing.assert_array_equal(matrix["both"]["0.9999"][2], [0, 0, 1])
    np.testing.assert_array_equal(matrix["agreement"][-1], [0.25, 0.25, 0.25])


def test_the_least_sure_member_chooses() -> None:
    """A grey image is a little of both classes; the minimum of two networks prefers it to what one is surest of."""
    images = np.zeros((3, 1, 2, 2), np.uint8)
    images[0, 0, 0, 0] = images[1, 0, 0, 1] = 255
    images[2, 0, 0] = 128
    noise = ImageSet("noise", images, np.zeros(3, dtype=np.int64), tuple("abcd"))
    matrix = transfer_of_noise(noise, _readers(0, 3), {"both": ("minimum", ["0", "3"])})
    ways = dict(zip(matrix["sources"], first_of(matrix["mean"]), strict=True))
    assert ways["both"] != ways["0"] and ways["both"] < ways["0"]


def test_noise_stands_below() -> None:
    hot = np.eye(4, dtype=np.uint8).reshape(4, 1, 2, 2) * 255
    images, judges = ImageSet("0", hot, np.arange(4), tuple("abcd")), _readers(0, 1)
    whole = beside_noise(transfer([images], judges), transfer_of_noise(images, judges))
    assert whole["sources"] == ["0", "best noise for 0", "best noise for 1", CHANCE]
    assert whole["judges"] == ["0", "1"]
    assert all(len(table) == 4 for table in (whole["mean"], *whole["both"].values(), *whole["everywhere"].values()))
    with pytest.raises(ConfigError, match="both to the same"):
        beside_noise(transfer([images], judges), transfer_of_noise(images, _readers(0)))


NAMES = ("LeNet", "LeNet B", "LeNet C", "mlp")


def _passed(both: dict[tuple[str, str], float], own: float = 1.0, at: float = 0.9999, seeds: int = 1) -> dict[str, Any]:
    """Of which a share reaches ``at`` with its own network, and so many with another; nothing reaches more."""
    sources = [*NAMES, "mean of LeNet + LeNet B"]
    values = both | {(name, name): own for name in NAMES}
    table = np.array([[values.get((one, other), 0.0) for other in NAMES] for one in sources])

    def matrix(sources: list[str], table: np.ndarray) -> dict[str, Any]:
        tables = {t: (table * (float(t) <= at)).tolist() for t in THRESHOLDS}
        return {"sources": sources, "judges": list(NAMES), "reaching": tables, "both": tables} | {
            "everywhere": {t: np.min(table, axis=1).tolist() for t, table in tables.items()},
            **dict.fromkeys(("agreement", "mean", "median"), table.tolist()),
        }

    return {
        "by seed": [matrix(sources, table / (1 + seed)) for seed in range(seeds)],
        "noise": matrix([*sources, CHANCE], np.zeros((6, 4))),
        "networks": {
            name: {"spec": "import:mlp" if name == "mlp" else "lenet-mnist", "epochs": 14 if name == "LeNet" else 3}
            for name in NAMES
        },
        "ensembles of": ["LeNet", "LeNet B"],
        "random images": 2000,
        "images of an evolution": 40_200,
    }


def test_pairs_by_kind() -> None:
    pairs = pairs_of(_passed({}))
    assert {kind: len(of) for kind, of in pairs.items()} == {SAME: 6, ALIKE: 2, OTHER: 6}
    assert set(pairs[ALIKE]) == {("LeNet B", "LeNet C"), ("LeNet C", "LeNet B")}


def test_each_kind_of_pair_is_judged_by_itself() -> None:
    """LeNets trained alike share half, other architectures nothing: that of the paper holds, the other does not."""
    passed = _passed({("LeNet B", "LeNet C"): 0.4, ("LeNet C", "LeNet B"): 0.6})
    same, other = claims_of("MNIST", passed, "0.9999")
    assert same["held"] is True and (same["both"], same["paper"]) == ("50.0 %", "the paper: some, not all")
    assert other["held"] is False and (other["both"], other["kind"]) == ("0.0 %", OTHER)
    verdict, why = Transfer().conclude({"MNIST": passed})
    assert verdict == "partly" and "50.0 % with the other too (the paper: some, not all). But:" in why
    # The shipped network was trained longer: what it passes on decides nothing.
    assert next(claims_of("MNIST", _passed({("LeNet", "LeNet B"): 0.5}), "0.9999"))["held"] is False


def test_all_with_both_is_not_some() -> None:
    everyone = {(one, other): 1.0 for one in NAMES for other in NAMES}
    assert Transfer().conclude({"MNIST": _passed(everyone)})[0] == "not reproduced"


def test_what_no_image_reaches_is_not_judged() -> None:
    passed = _passed({("LeNet B", "LeNet C"): 0.5}, at=0.99)
    verdict, why = Transfer().conclude({"MNIST": passed})
    assert verdict == "partly" and "reach 99 %" in why and "not tested at 99.99 %" in why
    verdict, why = Transfer().conclude({"MNIST": _passed({}, own=0.0)})
    assert verdict == "skipped" and "not tested at 90 %" in why


def test_rows_give_the_range_over_seeds_and_the_control() -> None:
    passed = _passed({("LeNet B", "LeNet C"): 0.5, ("LeNet C", "LeNet B"): 0.5}, seeds=2)
    rows = {row.what: row for row in Transfer().rows({"MNIST": passed})}
    row = rows[f"MNIST, {ALIKE}: at least 99.99 % with both"]
    assert row.ours == "37.5 % (25.0 % to 50.0 % by seed)" and row.control == "0.0 %" and row.paper == "some, not all"
    assert "LeNet B and LeNet C, 3 passes each" in row.note
    compared = [row for row in rows.values() if row.control is not None]
    assert len(compared) > 10 and all("2,000" in row.note and "40,200" in row.note for row in compared)
    assert "LeNet 14 passes, LeNet B 3 passes, LeNet C 3 passes" in rows[f"MNIST, {SAME}: class kept"].note
    assert rows[f"MNIST, {OTHER}: at least 99.99 % with both"].paper is None
    assert any("2 forward passes" in row.note for row in rows.values())
    assert rows[f"MNIST, {CHANCE}: class kept"].ours == "0.0 %"
    assert "networks left out (LeNet C, mlp)" in Transfer().conclude({"MNIST": passed})[1]


def test_noise_agrees_by_chance_alone(lenet: Scorer) -> None:
    noise = noise_set(lenet.classifier.classes, (1, 28, 28), 200, seed=1)
    matrix = transfer([noise], {"lenet": lenet, "untrained": _at_work(lenet_classifier(LeNet()))})
    assert matrix["agreement"][0][0] == pytest.approx(0.1, abs=0.07)
    assert matrix["mean"][0][1] == pytest.approx(0.1)


def test_other_classes_are_refused(lenet: Scorer) -> None:
    noise = noise_set(["cat", "dog"], (1, 28, 28), 2, seed=1)
    with pytest.raises(ConfigError, match="same classes"):
        transfer([noise], {"lenet": lenet})


def test_another_classifier_is_remarked(pixels_run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_file(LeNet(torch.Generator().manual_seed(2)).state_dict(), other)
    with open_run(pixels_run) as run:
        assert judge_of(run, device="cpu")[1] == ""
        assert "not by the network" in judge_of(run, weights=str(other), device="cpu")[1]


def test_elites_of_a_class(pixels_run: Path) -> None:
    with open_run(pixels_run) as run:
        chosen = elites_of(run, ["7", 2])
        np.testing.assert_array_equal(chosen.images[0], run.image(7))
        assert chosen.targets.tolist() == [7, 2]
        with pytest.raises(ConfigError, match="classes 0 to 9"):
            elites_of(run, [10])


def _weights(path: Path, seed: int) -> Path:
    save_file(LeNet(torch.Generator().manual_seed(seed)).state_dict(), path)
    return path


@pytest.fixture
def moved(tmp_path: Path) -> tuple[Path, Path]:
    """The weights of a network, and a run that was evolved on it."""
    weights = _weights(tmp_path / "weights.safetensors", 2)
    classifier = {"spec": "lenet-mnist", "weights": str(weights)}
    with evolve(small("pixels", generations=1, classifier=classifier), out=tmp_path / "outputs") as run:
        return weights, run.path


def _judged(run: Path, *classifiers: Path) -> tuple[str, list[str]]:
    """The fingerprint of the only judge, and the remarks, where the user names these weights."""
    named = tuple(f"lenet-mnist@{weights}" for weights in classifiers)
    _, judges, remarks = judges_of(Options(runs=(str(run),), classifiers=named, device="cpu"))
    (scorer,) = judges.values()
    return scorer.classifier.fingerprint(), remarks


def _evolved_on(run: Path) -> str:
    with open_run(run) as opened:
        return opened.classifier_fingerprint


def test_a_run_is_judged_by_the_network_of_its_record_while_that_is_there(moved: tuple[Path, Path]) -> None:
    weights, run = moved
    other = _weights(weights.with_name("other.safetensors"), 3)
    assert _judged(run, other) == (_evolved_on(run), [])


def test_weights_that_have_moved_are_those_that_the_user_names(moved: tuple[Path, Path]) -> None:
    weights, run = moved
    found = weights.rename(weights.with_name("elsewhere.safetensors"))
    with pytest.raises(ConfigError, match=r"weights\.safetensors"):
        judges_of(Options(runs=(str(run),), device="cpu"))
    assert _judged(run, found) == (_evolved_on(run), [])


def test_of_several_networks_that_fit_by_name_the_runs_own_is_chosen(moved: tuple[Path, Path]) -> None:
    """Other weights now lie where the record says."""
    weights, run = moved
    found = weights.rename(weights.with_name("elsewhere.safetensors"))
    _weights(weights, 3)
    other = _weights(weights.with_name("other.safetensors"), 4)
    assert _judged(run, other, found) == (_evolved_on(run), [])
    fingerprint, remarks = _judged(run, other)
    assert fingerprint != _evolved_on(run)
    assert remarks == [f"judged by lenet-mnist, not by the network that {run.name} was evolved on"]
