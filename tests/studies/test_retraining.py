"""Retraining: the images that a run contributes, the noise, both arms on digits that are easy, and going on."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from support import easy_digits, write_mnist

from evo_fool.classifiers.lenet import lenet_classifier
from evo_fool.classifiers.mnist_data import Digits
from evo_fool.classifiers.scoring import Scorer
from evo_fool.runs import open_run
from evo_fool.runs.individuals import image_of
from evo_fool.session import resume
from evo_fool.studies.baselines import best_of, random_cppns, random_pixels, training_noise
from evo_fool.studies.context import Context
from evo_fool.studies.retraining import Loop
from evo_fool.studies.retraining.measure import (
    fit_with_fooling,
    fooling_images,
    run_loop,
    train_network,
    turned_away,
)
from evo_fool.studies.training import mnist_of


@pytest.fixture(scope="module")
def easy_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_mnist(folder / "mnist", train=300, test=100)
    return folder


def test_a_run_contributes_its_first_generation_and_the_children_of_its_last(cppn_run: Path, tmp_path: Path) -> None:
    """What was stored of generation 0, and what the run breeds when it is resumed, are among the images."""
    with open_run(cppn_run) as run:
        images = fooling_images(run, 32)
        firsts = [int(c["id"]) for c in run.captures if c["generation"] == 0]
        evaluated = run.summary()["evaluations"]
        assert images.shape == (32, 1, 28, 28) and images.dtype == np.uint8
        kept = {row[0] for row in run.store.rows("SELECT id FROM blobs")}
        assert set(firsts) & kept
        for id in set(firsts) & kept:
            np.testing.assert_array_equal(images[id], image_of(run, id))
        many = fooling_images(run, 101)
        assert len(many) == 101 and len(np.unique(many.reshape(101, -1), axis=0)) > 60
        np.testing.assert_array_equal(many[:16], images[:16])
    shutil.copytree(cppn_run, tmp_path / "copy")
    with resume(tmp_path / "copy", generations=13) as longer:
        bred = [int(c["id"]) for c in longer.captures if c["generation"] == 13]
        for id in bred:
            np.testing.assert_array_equal(images[16 + id - evaluated], image_of(longer, id))
        assert bred


def test_training_noise_is_uniform_permuted_and_smooth() -> None:
    photos = easy_digits(40, 2)[0]
    noise = training_noise(photos, 400, seed=3)
    assert noise.shape == (400, 28, 28) and noise.dtype == np.uint8
    pixels = {np.sort(photo, axis=None).tobytes() for photo in photos}
    assert all(np.sort(image, axis=None).tobytes() in pixels for image in noise[0::4])  # permuted
    assert abs(noise[1::4].mean() - 127.5) < 1  # uniform
    rough = np.abs(np.diff(noise[1::4].astype(int), axis=2)).mean()
    smooth = noise[2::4], noise[3::4]
    assert all(s.min() == 0 and s.max() == 255 for part in smooth for s in part)
    assert all(np.abs(np.diff(part.astype(int), axis=2)).mean() < rough / 2 for part in smooth)
    np.testing.assert_array_equal(noise, training_noise(photos, 400, seed=3))


def test_turned_away_are_those_without_a_digit() -> None:
    log_odds = np.array([[3.0] + [-5.0] * 9 + [-3.0], [-4.0] * 10 + [4.0], [-2.0] * 11])
    assert turned_away(log_odds).tolist() == [False, True, True]
    assert turned_away(log_odds[:, :10]).tolist() == [False, True, True]


@pytest.mark.parametrize("arm", ["class", "unsure"])
def test_fooling_images_are_learned_and_digits_are_not_forgotten(arm: str) -> None:
    images, labels = easy_digits(300, 0)
    digits = Digits(torch.from_numpy(images), torch.from_numpy(labels.astype(np.int64)))
    strange = random_cppns(120, 28, 1, seed=1)
    loop = Loop(arm=arm, epochs=25, noise=60)  # type: ignore[arg-type]  # parametrised
    network, _ = fit_with_fooling(digits, strange[:60], loop, seed=0)
    scorer = Scorer(lenet_classifier(network), batch=64, view="auto", device=torch.device("cpu"))
    assert len(scorer.classifier.classes) == (11 if arm == "class" else 10)
    assert turned_away(scorer.score(strange[60:])).mean() > 0.9
    assert turned_away(scorer.score(random_pixels(50, 28, 1, seed=0))).mean() > 0.9 or arm == "class"
    fresh, truth = easy_digits(100, 7)
    answers = scorer.score(fresh[:, None])
    assert (answers.argmax(1) == truth).mean() > 0.95 and turned_away(answers).mean() < 0.05


def test_best_of_takes_the_best_image_of_every_class() -> None:
    class Told:
        def score(self, images: np.ndarray) -> np.ndarray:
            return np.array([[0.0, -np.inf, 9.0], [-1.0, 0.0, 9.0]])

    assert best_of(Told(), np.zeros(2), 2).tolist() == [0.5, 0.5]  # type: ignore[arg-type]


def test_the_loop_adds_images_and_goes_on_where_it_was(easy_data: Path, tmp_path: Path) -> None:
    loop = Loop(iterations=2, images=40, epochs=6, generations=3, batch=20, seed=4)
    unseen = random_cppns(30, 28, 1, seed=9)
    said: list[str] = []
    mnist = mnist_of(Context(None, "smoke", easy_data))

    def context() -> Context:
        return Context(tmp_path, "smoke", easy_data, said.append)

    found, elites = run_loop(context(), loop, mnist, unseen)
    assert [i["taught"] for i in found] == [0, 40] and found[0]["recognised"] is None
    assert all(i["test_error"] < 0.2 and 0 <= i["median"] <= 1 for i in found)
    assert found[1]["recognised"] is not None and found[1]["recognised"] > 0.5
    assert elites[1].shape == (10, 1, 28, 28)
    assert found[1]["median"] == pytest.approx(np.median(found[1]["probabilities"]))
    worked = [line for line in said if line.startswith(("computing", "evolving"))]
    assert len(worked) == 6
    again, same = run_loop(context(), loop, mnist, unseen)
    assert again == found and all(np.array_equal(a, b) for a, b in zip(elites, same, strict=True))
    assert [line for line in said if line.startswith(("computing", "evolving"))] == worked
    for path in (tmp_path / "weights").iterdir():  # the cache knows them, but they are gone
        path.unlink()
    assert run_loop(context(), loop, mnist, unseen)[0] == found
    with_fewer = context()
    one = run_loop(with_fewer, loop.model_copy(update={"iterations": 1}), mnist, unseen)[0]
    assert one == found[:1]
    # The run's own, the 100 test digits, the unseen, and as many random images of two kinds as the run's.
    assert one[0]["images"] == 80 and with_fewer.ledger.images == 80 + 100 + len(unseen) + 2 * 80


def test_other_images_are_another_question(easy_data: Path, tmp_path: Path) -> None:
    """A folder that has been worked in answers for what it was asked, not for as many other images."""
    loop = Loop(iterations=1, images=10, epochs=4, generations=1, batch=10)
    said: list[str] = []

    def computed(data: Path, unseen: np.ndarray) -> list[str]:
        said.clear()
        context = Context(tmp_path / "report", "smoke", data, said.append)
        run_loop(context, loop, mnist_of(context), unseen)
        return [line.split(",")[0] for line in said if line.startswith(("computing", "evolving"))]

    strange, flat = random_cppns(30, 28, 1, seed=9), np.zeros((30, 1, 28, 28), np.uint8)
    assert len(computed(easy_data, strange)) == 3
    assert computed(easy_data, flat) == ["computing retraining iteration 1"]
    assert computed(easy_data, strange) == []
    shutil.copytree(easy_data, tmp_path / "data")
    for half, first in (("t10k", []), ("train", ["computing retraining network 1", "evolving retraining-class-1"])):
        images = tmp_path / "data" / "mnist" / "MNIST" / "raw" / f"{half}-images-idx3-ubyte"
        images.write_bytes(images.read_bytes()[:16] + bytes(255 - byte for byte in images.read_bytes()[16:]))
        assert computed(tmp_path / "data", strange) == [*first, "computing retraining iteration 1"]


def test_networks_are_told_apart_by_the_images_they_were_taught(easy_data: Path, tmp_path: Path) -> None:
    context = Context(tmp_path, "smoke", easy_data)
    data = mnist_of(context)
    paths = [
        train_network(context, Loop(epochs=1), 2, data.train, random_cppns(20, 28, 1, seed=seed)) for seed in (1, 2, 1)
    ]
    assert paths[0] == paths[2] != paths[1]


@pytest.mark.parametrize("wrong", [{"iterations": 0}, {"iterations": 100}, {"images": 1}])
def test_bad_requests(wrong: dict[str, int]) -> None:
    """A hundred iterations would reach the seeds of the next loop; one image is no half."""
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Loop(**wrong)  # type: ignore[arg-type]  # parametrised
