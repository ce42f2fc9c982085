"""The pages on retraining and on the generative classifier: their verdicts, and that they are whole."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import write_mnist

from evo_fool.jsonable import to_json
from evo_fool.studies import generative_page, retraining_imagenet_page, retraining_page
from evo_fool.studies.context import Context
from evo_fool.studies.generative import Contest
from evo_fool.studies.mann_whitney import mann_whitney
from evo_fool.studies.retraining import Iteration, Loop
from evo_fool.studies.retraining_imagenet import HeadRetraining
from evo_fool.studies.section import Section


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    folder = tmp_path_factory.mktemp("pages")
    write_mnist(folder / "data" / "mnist", train=300, test=50)
    return Context(folder / "report", "smoke", folder / "data")


def iteration(number: int, median: float, recognised: float | None) -> Iteration:
    return Iteration(
        number=number,
        taught=1000 * (number - 1),
        test_error=0.01,
        false_alarms=0.002,
        probabilities=(median,) * 10,
        median=median,
        images=40_200,
        noise_median=0.1,
        cppn_median=0.5,
        recognised=recognised,
        turned_away=0.9,
        unseen=50,
    )


def outcome(*medians: float, recognised: float = 0.8) -> retraining_page.Outcome:
    found = [iteration(i, p, recognised if i > 1 else None) for i, p in enumerate(medians, 1)]
    return retraining_page.Outcome(Loop(), found, [np.zeros((10, 1, 28, 28), np.uint8)] * len(found))


@pytest.mark.parametrize(
    ("medians", "held"),
    [
        ((0.9999, 0.98, 0.975), True),
        ((0.9999, 0.98, 0.97), False),  # the paper's fourth and seventh are lower, but of the first three none is
        ((0.9999, 0.98, 0.99, 0.73), True),
        ((0.9999, 0.9), False),
        ((0.9999,), False),
    ],
)
def test_the_papers_claim_is_judged(medians: tuple[float, ...], held: bool) -> None:
    for recognised in (0.9, 0.1):  # the paper tells of that for ImageNet alone
        assert [holds for holds, _ in retraining_page.claims(outcome(*medians, recognised=recognised))] == [held]


def test_every_network_stands_beside_the_papers() -> None:
    rows = retraining_page.rows_of(outcome(0.9999, 0.98, 0.8), paper=True)
    assert [row.paper for row in rows] == ["99.99 %", "97.42 %", "99.83 %"] + [None] * 4
    assert rows[3].ours == "40 of 50" and "only of ImageNet: 45 of 70" in rows[3].note
    assert "40,200 images, of each control as many; one loop, one seed" in rows[0].note
    assert all(row.paper is None for row in retraining_page.rows_of(outcome(0.9999, 0.98), paper=False))


def head(after: float, recognised: float) -> HeadRetraining:
    before = np.linspace(0.2, 0.8, 1000)
    image = np.zeros((3, 8, 8), np.uint8)
    return HeadRetraining(
        network="small",
        photographs=(250, 250),
        taught=500,
        top1=(0.6, 0.59),
        false_alarms=0.02,
        recognised=recognised,
        unseen=1000,
        medians=(0.5, after),
        test=mann_whitney(before, before * after / 0.5),
        images=40_400,
        seeds=(1, 2, 3),
        shown=([(image, 0.9)], [(image, 0.2)]),
    )


def test_retraining_on_imagenet_is_judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for after, recognised, held in ((0.1, 0.7, [True, True]), (0.4, 0.7, [False, True]), (0.1, 0.6, [True, False])):
        assert [holds for holds, _ in retraining_imagenet_page.claims(head(after, recognised))] == held
    monkeypatch.setattr(retraining_imagenet_page, "retrain_imagenet", lambda _: head(0.1, 0.7))
    page = retraining_imagenet_page.section(Context(tmp_path, "smoke"))
    assert page.verdict == "reproduced" and [row.paper for row in page.rows] == ["88.1 %", "11.7 %", "45 of 70", None]
    json.loads(to_json(page.data))
    first, second = page.rows[:2]
    assert "2,000,400" in first.note and "2,000,400" not in second.note
    assert "seed 1;" in first.note and "seed 3;" in second.note and page.seeds == (1, 2, 3)


def check(page: Section) -> None:
    assert page.why and page.rows
    assert len({picture.name for picture in page.pictures}) == len(page.pictures) >= 2
    for picture in page.pictures:
        assert min(Image.open(io.BytesIO(picture.png)).size) > 50
    json.loads(to_json(page.data)), json.loads(to_json(page.settings))


def test_the_page_on_retraining(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"iterations": 2, "images": 20, "epochs": 2, "generations": 2, "batch": 10, "noise": 40}
    monkeypatch.setattr(retraining_page, "loops", lambda _: [Loop(arm, **small) for arm in ("class", "unsure")])
    page = retraining_page.section(context)
    check(page)
    assert page.key == "retraining" and len(page.rows) == 9 and page.seeds == (1, 101, 102)


def test_unseen_images_are_of_seeds_that_no_loop_teaches() -> None:
    assert retraining_page.unseen_seeds((1, 2, 3), [Loop(seed=1)]) == (1, 2, 3)
    assert retraining_page.unseen_seeds((1, 101, 3), [Loop(arm="class", seed=1), Loop(arm="unsure", seed=1)]) == (
        *(1, 3),
        106,
    )


def test_the_page_on_the_generative_classifier(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Contest(vae_epochs=30, lenet_epochs=2, generations=2, batch=10, control=40)
    monkeypatch.setattr(generative_page, "contest", lambda _: small)
    page = generative_page.section(context)
    check(page)
    assert page.verdict == "new" and len(page.rows) == 9 and len(page.pictures) == 4


def test_without_data_all_are_skipped(tmp_path: Path) -> None:
    for module in (retraining_page, generative_page, retraining_imagenet_page):
        page = module.section(Context(tmp_path, "smoke"))
        assert page.verdict == "skipped" and "--data" in page.why
