"""Gradient ascent: the step gains what it predicts, the blur is scipy's, and MNIST's digits are all reached."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from evo_fool.classifiers.base import Classifier
from evo_fool.errors import ConfigError
from evo_fool.gradient.ascent import (
    SETTINGS,
    Setting,
    ascend,
    ascent,
    blurred,
    regularised,
    shortened,
    start_images,
)
from evo_fool.probability import probability


class Brightness(nn.Module):
    """Two classes, whose log-odds are proportional to the mean of what the network is given."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = gain

    def forward(self, images: Tensor) -> Tensor:
        score = self.gain * images.flatten(1).mean(dim=1)
        return torch.stack([score, torch.zeros_like(score)], dim=1)


@pytest.fixture
def bright() -> Classifier:
    return Classifier(Brightness(20.0), classes=["bright", "dark"], size=4, channels=1, mean=0.5, name="brightness")


def test_a_step_gains_what_it_predicts(bright: Classifier) -> None:
    """Where p is linear in the image, as it nearly is over one small step, p rises by ``early`` exactly."""
    climb = ascend(bright, [0, 1], Setting(decay=0.0, steps=6, early=0.01, late=0.5), start="zero")
    np.testing.assert_allclose(climb.curve[0], 0.5, atol=1e-6)
    np.testing.assert_allclose(np.diff(climb.curve, axis=0), 0.01, atol=2e-4)


def test_near_certainty_the_gain_is_a_share_of_what_is_missing(bright: Classifier) -> None:
    climb = ascend(bright, [0], Setting(decay=0.0, steps=200, early=0.02, late=0.1), start="zero")
    missing = 1 - climb.curve[:, 0]
    ratios = missing[1:] / missing[:-1]
    # 1 - p shrinks by a tenth a step to first order; p is concave up there, so a little less.
    late = ratios[(missing[:-1] < 0.05) & (missing[:-1] > 1e-3)]
    assert len(late) > 10
    assert ((late > 0.89) & (late < 0.92)).all()


def test_decay_pulls_to_the_mean() -> None:
    x = torch.tensor([[[[10.0, -20.0]]]])
    found = regularised(x, torch.ones_like(x), 0, Setting(decay=0.1, steps=1, early=0.02, late=0.1))
    assert found.flatten().tolist() == [9.0, -18.0]


def test_the_smallest_pixels_go_to_the_mean() -> None:
    """By norm over the channels, and by what their removal is predicted to change."""
    x = torch.arange(1.0, 11.0).view(1, 1, 2, 5).repeat(1, 3, 1, 1)
    norm = regularised(x, torch.ones_like(x), 0, Setting(0.0, 1, 0.02, 0.1, small_norm=20.0))
    assert (norm[0, 0].flatten() == 0).tolist() == [True, True] + [False] * 8
    slope = 1 / x.square()
    benefit = regularised(x, slope, 0, Setting(0.0, 1, 0.02, 0.1, small_benefit=20.0))
    assert (benefit[0, 2].flatten() == 0).tolist() == [False] * 8 + [True, True]


def test_blur_is_scipys() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 9, 7)).astype(np.float32)
    for sigma in (0.3, 0.4, 1.5):
        expected = gaussian_filter(x, (0, 0, sigma, sigma))
        np.testing.assert_allclose(blurred(torch.from_numpy(x), sigma).numpy(), expected, atol=1e-5)


def test_starts(bright: Classifier) -> None:
    assert (start_images(bright, 2, "zero", seed=1) == 0).all()
    mean = start_images(bright, 50, "mean", seed=1)
    assert abs(float(mean.mean())) < 0.2 and abs(float(mean.std()) - 1) < 0.1
    uniform = start_images(bright, 50, "uniform", seed=1)
    assert uniform.min() >= -127.5 and uniform.max() <= 127.5 and uniform.std() > 60
    np.testing.assert_array_equal(mean, start_images(bright, 50, "mean", seed=1))


def test_zeroed_pixels_lie_on_the_mean(lenet: Classifier) -> None:
    setting = Setting(decay=0.0, steps=3, early=0.02, late=0.1, small_norm=60.0)
    climb = ascend(lenet, [3], setting, mean=[0.5], start="mean")
    assert (climb.images == 128).mean() > 0.5  # 127.5 rounds to even


def test_every_digit_reaches_9999(lenet: Classifier) -> None:
    """The paper's Figure 13 on MNIST, without regularisation; until: a climb that is there need not go on."""
    climb = ascend(lenet, range(10), SETTINGS["none"], mean=[0.1307], until=0.99999)
    assert (probability(climb.log_odds) >= 0.9999).all()
    assert climb.predicted.all()
    assert climb.curve.shape == (500, 10) and (np.diff(climb.curve, axis=0) >= 0).all()
    assert climb.images.dtype == np.uint8 and (climb.steps < 500).all()


def test_batches_do_not_change_the_result(lenet: Classifier) -> None:
    setting = shortened(SETTINGS["l2-blur-pixels"], 5)
    whole = ascend(lenet, [1, 2, 3], setting, mean=[0.1307])
    parts = ascend(lenet, [1, 2, 3], setting, mean=[0.1307], batch=2)
    np.testing.assert_allclose(whole.curve, parts.curve, rtol=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"targets": [10]}, "classes from 0 to 9"),
        ({"targets": []}, "classes from 0 to 9"),
        ({"start": "photo"}, "choose one of mean"),
        ({"mean": [0.1, 0.2]}, "one a channel"),
    ],
)
def test_bad_input(lenet: Classifier, change: dict, message: str) -> None:
    arguments = {"targets": [1], "setting": SETTINGS["none"]} | change
    with pytest.raises(ConfigError, match=message):
        ascend(lenet, arguments.pop("targets"), arguments.pop("setting"), **arguments)


def test_as_a_method_it_yields_batches_of_classes(lenet: Classifier) -> None:
    settings = {"limit": 5, "steps": 3, "seed": 2}
    told: list[float] = []
    steps = list(ascent(lenet, **settings, batch=2, report=lambda done, total: told.append(done)))
    assert [len(step.pictures) for step in steps] == [2, 2, 1] and told == [0, 2, 4, 5]
    whole = ascend(lenet, [0, 2, 4, 7, 9], shortened(SETTINGS["none"], 3), seed=2, until=0.99999)
    assert np.abs(np.concatenate([step.pictures for step in steps]).astype(int) - whole.images).max() <= 1
    with pytest.raises(ConfigError, match="choose one of none"):
        next(ascent(lenet, setting="l3"))
