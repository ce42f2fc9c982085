"""The check by foolbox: a linear network, whose best change is known, and MNIST's digits."""

import sys

import numpy as np
import pytest
import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.sections import ClassifierConfig
from evo_fool.studies.gradient_ascent.pgd import targeted_pgd


class Halves(torch.nn.Module):
    """Whether the left half is brighter than the right."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.stack([images[..., :2].flatten(1).sum(dim=1), images[..., 2:].flatten(1).sum(dim=1)], dim=1)


def test_a_linear_network_is_pushed_to_the_corner() -> None:
    """Every value moves by epsilon in the direction of its weight: that is the maximum."""
    pytest.importorskip("foolbox", reason="foolbox is an optional extra")
    classifier = Classifier(Halves(), classes=["left", "right"], size=4, channels=1, name="halves")
    grey = np.full((2, 1, 4, 4), 128, np.uint8)
    images, log_odds = targeted_pgd(classifier, grey, [0, 1], epsilon=0.2, steps=40)
    up, down = 128 + 51, 128 - 51
    assert images[0, 0, 0].tolist() == [up, up, down, down]
    assert images[1, 0, 0].tolist() == [down, down, up, up]
    np.testing.assert_allclose(np.diag(log_odds), 8 * (up - down) / 255, rtol=1e-5)


def test_digits_are_reached_from_noise() -> None:
    pytest.importorskip("foolbox", reason="foolbox is an optional extra")
    lenet = load_classifier(ClassifierConfig(), torch.device("cpu"))
    noise = np.random.default_rng(0).integers(0, 256, (10, 1, 28, 28), dtype=np.uint8)
    images, log_odds = targeted_pgd(lenet, noise, range(10), steps=50)
    assert log_odds.argmax(axis=1).tolist() == list(range(10)) and (np.diag(log_odds) > 5).all()
    assert (np.abs(images.astype(int) - noise) <= 77).all()


def test_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = Classifier(Halves(), classes=["left", "right"], size=4, channels=1, name="halves")
    grey = np.full((2, 1, 4, 4), 128, np.uint8)
    with pytest.raises(ConfigError, match="as many of each"):
        targeted_pgd(classifier, grey, [0])
    with pytest.raises(ConfigError, match="0 < epsilon"):
        targeted_pgd(classifier, grey, [0, 1], epsilon=2.0)
    monkeypatch.setitem(sys.modules, "foolbox", None)
    with pytest.raises(ClassifierError, match="pip install foolbox"):
        targeted_pgd(classifier, grey, [0, 1])
