"""Attribution: maps that sum to what they distribute, linear networks whose maps are known, a planted quarter."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.errors import ConfigError
from evo_fool.runs import open_run
from evo_fool.sections import ClassifierConfig
from evo_fool.studies.attribution.measure import best_quarter, integrated_gradients, occlusion
from evo_fool.studies.attribution.study import Attribution, Case
from evo_fool.studies.context import Context
from evo_fool.studies.elites import ImageSet, elites_of

SIZE = 8
WEIGHTS = np.random.default_rng(3).normal(size=(SIZE, SIZE)).astype(np.float32)


class Weighs(torch.nn.Module):
    """Log-odds of the first of two classes: a weighted sum of the pixels."""

    def __init__(self, weights: np.ndarray) -> None:
        super().__init__()
        self.weights = torch.nn.Parameter(torch.from_numpy(weights.astype(np.float32)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        score = (images[:, 0] * self.weights).flatten(1).sum(dim=1)
        return torch.stack([score, torch.zeros_like(score)], dim=1)


def _linear(weights: np.ndarray) -> Classifier:
    return Classifier(Weighs(weights), classes=["yes", "no"], size=SIZE, channels=1, name="linear")


def _image() -> np.ndarray:
    """Bright pixels on a black background, which is therefore the baseline."""
    image = np.zeros((1, SIZE, SIZE), np.uint8)
    image[0, 1:4, 2:6] = np.random.default_rng(4).integers(200, 256, (3, 4), dtype=np.uint8)
    return image


def test_a_linear_network_is_explained_exactly() -> None:
    images = np.stack([_image(), _image()[:, ::-1]])
    found = integrated_gradients(_linear(WEIGHTS), images, np.array([0, 1]), steps=4)
    expected = WEIGHTS * images[:, 0] / 255
    np.testing.assert_allclose(found.maps[0], expected[0], atol=1e-5)
    np.testing.assert_allclose(found.maps[1], -expected[1], atol=1e-5)


def test_maps_sum_to_the_difference(pixels_run: Path) -> None:
    """Completeness, on a network that is anything but linear."""
    lenet = load_classifier(ClassifierConfig(), torch.device("cpu"))
    with open_run(pixels_run) as run:
        elites = elites_of(run)
        log_odds = [elite.log_odds for elite in run.elites]
    found = integrated_gradients(lenet, elites.images, elites.targets, steps=128)
    np.testing.assert_allclose(found.images, log_odds, rtol=1e-3, atol=1e-3)
    assert (np.abs(found.error) <= 0.05 * np.abs(found.images - found.baselines) + 0.05).all()


def test_occlusion_of_single_pixels_is_their_weight() -> None:
    image = _image()
    found = occlusion(_linear(WEIGHTS), image[None], np.array([0]), window=1)
    np.testing.assert_allclose(found[0], WEIGHTS * image[0] / 255, atol=1e-5)


def test_a_planted_quarter_carries_everything() -> None:
    weights = np.zeros((SIZE, SIZE), np.float32)
    weights[4:, :4] = 1.0
    image = np.zeros((1, SIZE, SIZE), np.uint8)
    image[0, 4:, :4] = 255  # a quarter of the image; three quarters are background
    scorer = Scorer(_linear(weights), batch=32, view="auto", device=torch.device("cpu"))
    found = best_quarter(scorer, image[None], np.array([0]))
    assert found.corner.tolist() == [[4, 0]]
    assert found.share[0] == pytest.approx(1.0)
    assert found.without[0] == pytest.approx(0.5)
    assert found.whole[0] == pytest.approx(1 / (1 + np.exp(-16)))


def test_bad_input() -> None:
    linear, image = _linear(WEIGHTS), _image()[None]
    with pytest.raises(ConfigError, match="own size"):
        integrated_gradients(linear, np.zeros((1, 1, 9, 9), np.uint8), np.array([0]))
    with pytest.raises(ConfigError, match="at least 2"):
        integrated_gradients(linear, image, np.array([0]), steps=1)
    with pytest.raises(ConfigError, match="give 1 to 8"):
        occlusion(linear, image, np.array([0]), window=9)


def test_every_image_that_the_network_judges_is_counted() -> None:
    """Counted by the network itself, and by who asks."""
    judged: list[int] = []
    told: list[int] = []
    linear, images = _linear(WEIGHTS), np.stack([_image()] * 3)
    linear.network.register_forward_pre_hook(lambda _, args: judged.append(len(args[0])))
    integrated_gradients(linear, images, np.array([0, 1, 0]), steps=4, count=told.append)
    occlusion(linear, images, np.array([0, 1, 0]), window=2, count=told.append)
    assert sum(told) == sum(judged) >= 3 * 4 + 2 * 3 + 3 * 49


class Planted(Attribution):
    """The study of a case that a test made."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.case = case

    def load(self, context: Context) -> list[Case]:
        return [self.case]


def _case(natural: np.ndarray, targets: list[int]) -> Case:
    weights = np.zeros((SIZE, SIZE), np.float32)
    weights[4:, :4] = 1.0
    elite = np.zeros((1, 1, SIZE, SIZE), np.uint8)
    elite[0, 0, 4:, :4] = 255
    classes = ("yes", "no")
    images = ImageSet("natural", natural, np.array(targets), classes)
    scorer = Scorer(_linear(weights), batch=32, view="auto", device=torch.device("cpu"))
    return Case("MNIST", scorer, ImageSet("elites", elite, np.array([0]), classes), (1, 9), images, 2)


def test_natural_images_that_are_not_recognised_are_left_out(tmp_path: Path) -> None:
    """The first is called "no" and is all that says "yes"; the last two say nothing and have one half."""
    natural = np.zeros((4, 1, SIZE, SIZE), np.uint8)
    natural[:2, 0, 5:, :4] = 255
    natural[3, 0, :4, :4] = 255
    study, context = Planted(_case(natural, [1, 0, 1, 1])), Context(tmp_path, "smoke")
    data = study.measure(context)
    entry = data["MNIST"]
    assert entry["sure"] == {"elites": [1, 9], "natural": [3, 4]} and entry["natural"]["images"] == 2
    (first, *_) = study.rows(data)
    assert "1 of 9 elites; control: 3 of 4 natural images (2 of them measured)" in first.note
    other = Planted(_case(natural[::-1].copy(), [1, 0, 1, 1])).measure(context)["MNIST"]
    assert other["sure"]["natural"] == [2, 4]  # as many images of the same name, yet not served from the cache


def test_the_sentence_has_the_medians(tmp_path: Path) -> None:
    natural = np.zeros((1, 1, SIZE, SIZE), np.uint8)
    natural[0, 0, 4:, :4] = 255
    study = Planted(_case(natural, [0]))
    verdict, why = study.conclude(study.measure(Context(tmp_path, "smoke")))
    assert verdict == "new"
    assert why == (
        "MNIST: the best quarter of an elite alone keeps > 99.9999 % of its confidence (median over 1), of a natural "
        "image > 99.9999 %."
    )


def test_no_sure_elite_is_said(tmp_path: Path) -> None:
    case = replace(_case(np.zeros((1, 1, SIZE, SIZE), np.uint8), [1]), elites=None, known=(0, 9))
    study, context = Planted(case), Context(tmp_path, "smoke")
    data = study.measure(context)
    assert study.conclude(data)[1] == "MNIST: not one of 9 elites has at least 50 %; evolve further."
    assert study.rows(data)[0].ours is None
    assert not study.pictures(context, data)
