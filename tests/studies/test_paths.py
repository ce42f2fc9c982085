"""Paths: lines whose ends are the images, confidence along them that is known, dimensions that were planted."""

import numpy as np
import pytest
import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.studies.elites import ImageSet
from evo_fool.studies.paths import follow, intrinsic_dimension, line, pairs, see


class Grey(torch.nn.Module):
    """Log-odds of "bright" over "dark": twenty times the mean pixel's distance from the middle."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        score = 20 * (images.flatten(1).mean(dim=1) - 0.5)
        return torch.stack([score, torch.zeros_like(score)], dim=1)


@pytest.fixture
def grey() -> Scorer:
    classifier = Classifier(Grey(), classes=["bright", "dark"], size=4, channels=1, name="grey")
    return Scorer(classifier, batch=32, view="auto", device=torch.device("cpu"))


def _plain(*levels: int) -> np.ndarray:
    return np.stack([np.full((1, 4, 4), level, np.uint8) for level in levels])


def test_a_line_begins_and_ends_where_it_should() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (2, 3, 5, 5), dtype=np.uint8)
    way = line(a, b, 5)
    np.testing.assert_array_equal(way[0], a)
    np.testing.assert_array_equal(way[-1], b)
    np.testing.assert_allclose(way[2].astype(float), (a.astype(float) + b) / 2, atol=0.5)


def test_confidence_along_the_way_is_the_networks(grey: Scorer) -> None:
    """From white to black: log-odds of bright fall from 10 to -10 in equal steps."""
    names = ("bright", "dark")
    white, black = ImageSet("w", _plain(255), np.array([0]), names), ImageSet("b", _plain(0), np.array([1]), names)
    found = follow(grey, white, black, steps=11)
    levels = np.rint(255 * np.linspace(1, 0, 11)) / 255
    expected = 1 / (1 + np.exp(-20 * (levels - 0.5)))
    np.testing.assert_allclose(found.first[0], expected, atol=1e-6)
    np.testing.assert_allclose(found.second[0], 1 - expected, atol=1e-6)
    assert found.answers[0].tolist()[:5] == [0] * 5 and found.answers[0].tolist()[6:] == [1] * 5
    assert found.lowest[0] == pytest.approx(expected[-1]) and found.dip()[0] == pytest.approx(5 / 11, abs=0.1)


def test_what_random_pictures_look_like(grey: Scorer) -> None:
    sight = see(grey, _plain(255, 255, 255, 0))
    assert sight.reached == 2 and sight.commonest == (0, 0.75)
    np.testing.assert_allclose(sight.top, 1 / (1 + np.exp(-10)), rtol=1e-6)


def test_pairs_are_of_one_class() -> None:
    names = ("a", "b", "c")
    elites = ImageSet("elites", _plain(1, 2, 3), np.array([0, 1, 2]), names)
    natural = ImageSet("natural", _plain(10, 20, 30, 40), np.array([2, 0, 0, 2]), names)
    starts, ends = pairs(elites, natural)
    assert starts.targets.tolist() == ends.targets.tolist() == [0, 2]
    assert ends.images[:, 0, 0, 0].tolist() == [20, 10]
    with pytest.raises(ConfigError, match="no image of any class"):
        pairs(elites.pick([1]), natural)


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_planted_dimensions_are_found(dimension: int) -> None:
    """A flat sheet of few dimensions, turned any way in a space of fifty."""
    rng = np.random.default_rng(dimension)
    frame, _ = np.linalg.qr(rng.normal(size=(50, dimension)))
    points = rng.random((2000, dimension)) @ frame.T
    assert intrinsic_dimension(points) == pytest.approx(dimension, rel=0.12)


def test_repeated_points_count_once() -> None:
    points = np.random.default_rng(0).random((500, 2))
    assert intrinsic_dimension(np.concatenate([points, points])) == pytest.approx(intrinsic_dimension(points))


def test_bad_input(grey: Scorer) -> None:
    two = ImageSet("two", _plain(1, 2), np.array([0, 1]), ("bright", "dark"))
    with pytest.raises(ConfigError, match="as many of each"):
        follow(grey, two, two.pick([0]))
    with pytest.raises(ConfigError, match="same shape"):
        line(_plain(1)[0], np.zeros((1, 5, 5), np.uint8), 3)
    with pytest.raises(ConfigError, match="at least 2"):
        line(_plain(1)[0], _plain(2)[0], 1)
    with pytest.raises(ConfigError, match="at least 10"):
        intrinsic_dimension(np.zeros((50, 3)))
