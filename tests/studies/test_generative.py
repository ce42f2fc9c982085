"""The generative study: judges trained alike, calibration that changes no answer, attacks and their measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support import easy_digits, write_mnist

from evo_fool.classifiers.lenet import lenet_classifier
from evo_fool.classifiers.mnist_data import Digits
from evo_fool.classifiers.scoring import Scorer
from evo_fool.studies.context import Context
from evo_fool.studies.data_folder import MnistData
from evo_fool.studies.digit_runs import EVOLVED
from evo_fool.studies.generative import Contest
from evo_fool.studies.generative.measure import (
    BAYES,
    FLOOR,
    LENET,
    attack,
    likelihoods,
    train_judges,
    with_temperature,
    worth,
)
from evo_fool.studies.generative.study import Generative
from evo_fool.studies.section import Row
from evo_fool.studies.study import Skipped
from evo_fool.training.calibration import calibration_error
from evo_fool.training.lenet import fit
from evo_fool.training.vae import pixels

CONTEST = Contest(vae_epochs=60, lenet_epochs=6, generations=4, batch=20, control=100)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    folder = tmp_path_factory.mktemp("generative")
    write_mnist(folder / "data" / "mnist", train=1000, test=100)
    return Context(folder / "report", "smoke", folder / "data")


def test_judges_know_digits_and_only_the_floor_doubts_noise(context: Context) -> None:
    judges = train_judges(context, CONTEST)
    assert [judge.name for judge in judges] == [LENET, BAYES, FLOOR]
    data = context.data.mnist()
    assert data is not None
    found = {
        judge.name: worth(context.scorer(context.classifier(judge.spec, judge.weights)), data.test, CONTEST.control)
        for judge in judges
    }
    assert all(w["test_error"] <= 0.02 for w in found.values())
    assert found[FLOOR]["noise"] < 0.12 and found[FLOOR]["random_pixels"] < 0.12 and found[BAYES]["noise"] > 0.9
    again = train_judges(Context(context.folder, "smoke", context.data.folder), CONTEST)
    assert [judge.weights.read_bytes() for judge in again] == [judge.weights.read_bytes() for judge in judges]


def test_judges_of_other_digits_are_others(context: Context, tmp_path: Path) -> None:
    """One label changed: nothing that was learnt from the old ones is taken for it, where it went wrong or well."""
    contest = CONTEST.model_copy(update={"vae_epochs": 1, "lenet_epochs": 1})
    data = context.data.mnist()
    assert data is not None
    labels = data.train.labels.clone()
    labels[0] = (labels[0] + 1) % 10
    here, other = (Context(tmp_path, "smoke", context.data.folder) for _ in range(2))
    other.data.mnist = lambda: MnistData(Digits(data.train.images, labels), data.test)  # type: ignore[method-assign]
    paths = [[judge.weights for judge in train_judges(place, contest)] for place in (here, other)]
    assert not set(paths[0]) & set(paths[1])
    before = other.ledger.images
    likelihoods(other, paths[1][2], data.test.images[:7, None].numpy(), np.zeros(7, int))
    assert other.ledger.images == before + 7


def _rows(settings: Contest) -> list[Row]:
    measured = ("test_error", "calibration_error", "sure", "noise", "random_pixels", "random_cppns")
    medians = np.linspace(0, 0.8, settings.generations + 1).tolist()
    attacks: list[dict[str, Any]] = [
        {"judge": LENET, "encoding": kind, "seed": 1, "medians": medians, "p": [0.8] * 10} for kind in EVOLVED
    ]
    data = {
        "contest": settings.model_dump(),
        "worth": {LENET: dict.fromkeys(measured, 0.5)},
        "attacks": attacks,
        "median_nats": {f"{LENET}, {kind}": 1.0 for kind in EVOLVED},
        "test_digits_nats": {"0.5": 2.0},
    }
    return Generative().rows(data)


def test_the_paper_is_quoted_where_the_run_is_as_long() -> None:
    """And says that its network was not calibrated; random images are counted beside those of the attack."""
    quoted = [row for row in _rows(Contest()) if row.paper is not None]
    assert [row.paper for row in quoted] == ["≥ 99.99 %"] * 2
    assert all("not calibrated" in row.note and "4,000" in row.note and "40,200" in row.note for row in quoted)
    for settings in (Contest(generations=10), Contest(batch=100), Contest(generations=1000)):
        assert all(row.paper is None and "paper" not in row.note for row in _rows(settings))


def test_an_attack_is_a_run_against_the_judge(context: Context) -> None:
    for judge in train_judges(context, CONTEST):
        for encoding in ("cppn", "pixels"):
            found, images = attack(context, judge, encoding, CONTEST, seed=1)
            assert len(found["medians"]) == 5 and images.shape == (10, 1, 28, 28)
            assert found["medians"][-1] == pytest.approx(np.median(found["p"]))
            scorer = context.scorer(context.classifier(judge.spec, judge.weights))
            p = 1 / (1 + np.exp(-scorer.score(images)[np.arange(10), np.arange(10)]))
            np.testing.assert_allclose(p, found["p"], atol=1e-4)


def test_digits_are_likelier_than_noise(context: Context) -> None:
    judge = train_judges(context, CONTEST)[2].weights
    images, labels = easy_digits(50, 3)
    own = likelihoods(context, judge, images[:, None], labels.astype(int))
    other = likelihoods(context, judge, images[:, None], (labels.astype(int) + 1) % 10)
    noise = np.random.default_rng(0).integers(0, 256, (50, 1, 28, 28), dtype=np.uint8)
    assert (own > other).all() and own.min() > likelihoods(context, judge, noise, labels.astype(int)).max()


def test_temperature_changes_how_sure_it_is_and_no_answer() -> None:
    images, labels = (torch.from_numpy(a) for a in easy_digits(300, 0))
    digits = Digits(images, labels.long())
    network, _ = fit(digits, seed=0, epochs=12, report=lambda line: None)
    # Labels of which every eleventh is wrong: no confidence above ten in eleven is right.
    wrong = labels.long().clone()
    wrong[::11] = (wrong[::11] + 1) % 10
    held_out = Digits(images, wrong)
    tempered, scale = with_temperature(network, held_out)
    before, after = (lenet_classifier(n)(pixels(images)) for n in (network, tempered))
    torch.testing.assert_close(after, scale * before, rtol=1e-4, atol=1e-4)
    assert torch.equal(before.argmax(1), after.argmax(1))
    assert scale < 1 and calibration_error(after.softmax(1), wrong) < calibration_error(before.softmax(1), wrong)


def test_worth_by_hand(fixed_judge: Scorer) -> None:
    """Three images: sure and right, unsure and right, sure and wrong."""
    images = torch.zeros(3, 28, 28, dtype=torch.uint8)
    images[:, 0, 0] = torch.tensor([0, 1, 2])
    found = worth(fixed_judge, Digits(images, torch.tensor([0, 0, 0])), 10)
    assert found["test_error"] == pytest.approx(1 / 3)
    assert found["sure"] == pytest.approx(2 / 3)
    logits = fixed_judge.classifier.network.get_buffer("table").double()
    expected = torch.nn.functional.cross_entropy(logits[:3], torch.tensor([0, 0, 0]))
    assert found["cross_entropy"] == pytest.approx(float(expected), rel=1e-6)


@pytest.fixture
def fixed_judge() -> Scorer:
    from evo_fool.classifiers.base import Classifier

    class Table(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            table = torch.zeros(256, 10)
            table[0, 0], table[1, 0], table[2, 5] = 9.0, 2.0, 9.0
            self.register_buffer("table", table)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.get_buffer("table")[(images[:, 0, 0, 0] * 255).round().long()]

    classifier = Classifier(Table(), classes=list("abcdefghij"), size=28, channels=1, name="table")
    return Scorer(classifier, batch=64, view="auto", device=torch.device("cpu"))


def test_without_mnist_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(Skipped, match="trains on MNIST"):
        train_judges(Context(tmp_path, "smoke"), CONTEST)
