"""Random views against pixel-by-pixel arithmetic; that they are the same for every image, batch and start; scores."""

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.random_views import (
    BRIGHTNESS,
    CONTRAST,
    SCALE,
    SHIFT,
    TURN,
    random_views,
    sampling_grid,
    similarity,
    warped,
)
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.experiment import Experiment
from evo_fool.randomness import stream

CPU = torch.device("cpu")


def images_of(n: int, channels: int, height: int, width: int) -> torch.Tensor:
    return torch.rand(n, channels, height, width, generator=torch.Generator().manual_seed(3))


def reference(image: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """One view of a plane ``(h, w)``, pixel by pixel; ``drawn``: six numbers from -1 to 1."""
    height, width = image.shape
    down, right, turn, scale, brightness, contrast = drawn.tolist()
    cos, sin = np.cos(np.deg2rad(TURN * turn)), np.sin(np.deg2rad(TURN * turn))
    found = np.empty_like(image)
    for i in range(height):
        for j in range(width):
            x = j - (width - 1) / 2 - SHIFT * width * right
            y = i - (height - 1) / 2 - SHIFT * height * down
            x, y = (cos * x + sin * y) / SCALE**scale, (-sin * x + cos * y) / SCALE**scale
            x = min(max(x + (width - 1) / 2, 0), width - 1)
            y = min(max(y + (height - 1) / 2, 0), height - 1)
            left, top = int(x), int(y)
            a, b = x - left, y - top
            after, below = min(left + 1, width - 1), min(top + 1, height - 1)
            value = (1 - b) * ((1 - a) * image[top, left] + a * image[top, after]) + b * (
                (1 - a) * image[below, left] + a * image[below, after]
            )
            found[i, j] = min(max((value - 0.5) * CONTRAST**contrast + 0.5 + BRIGHTNESS * brightness, 0), 1)
    return found


def test_each_view_is_what_slow_arithmetic_gives() -> None:
    images = images_of(2, 3, 9, 14)
    views = random_views(images, 4, 7).view(2, 4, 3, 9, 14)
    drawn = stream(7, "random views").uniform(-1, 1, (4, 6))
    for i, image in enumerate(images):
        for k, row in enumerate(drawn):
            for c, plane in enumerate(image.double().numpy()):
                np.testing.assert_allclose(views[i, k, c], reference(plane, row), atol=2e-5)


def test_whole_pixels_and_quarter_turns_move_values_as_they_are() -> None:
    images = images_of(1, 1, 6, 6)
    matrices = np.stack([similarity(0, 1, 0, 0), similarity(0, 1, 2, -1), similarity(np.pi / 2, 1, 0, 0)])
    same, moved, turned = warped(images, sampling_grid(matrices, (6, 6)), np.ones(3, "f4"), np.zeros(3, "f4"))[0, :, 0]
    plane = images[0, 0]
    np.testing.assert_allclose(same, plane, atol=1e-6)
    np.testing.assert_allclose(moved[:-1, 2:], plane[1:, :-2], atol=1e-6)  # to the right and up
    np.testing.assert_allclose(moved[:, 0], moved[:, 2], atol=1e-6)  # the edge goes on
    np.testing.assert_allclose(turned, plane.rot90(-1), atol=1e-5)  # the way that an angle grows where y points down


def test_they_depend_on_the_seed_alone() -> None:
    images = images_of(5, 3, 12, 10)
    views = random_views(images, 6, 1).view(5, 6, 3, 12, 10)
    for i in range(5):
        assert torch.equal(random_views(images[i : i + 1], 6, 1), views[i])
    assert torch.equal(random_views(images, 2, 1).view(5, 2, 3, 12, 10), views[:, :2])
    assert not torch.equal(random_views(images, 6, 2).view(5, 6, 3, 12, 10), views)
    assert views.min() >= 0 and views.max() <= 1


def test_a_score_is_the_mean_probability_over_the_views(linear: Callable[..., Classifier]) -> None:
    classifier = linear(size=6, channels=3, classes=4)
    images = np.random.default_rng(1).integers(0, 256, (3, 3, 9, 11), dtype=np.uint8)  # resized first
    scorer = Scorer(classifier, batch=7, view="random-5", device=CPU, seed=4)
    small = Scorer(classifier, batch=1, view="auto", device=CPU).views(images)
    shown = random_views(torch.cat(small), 5, 4)
    with torch.no_grad():
        logits = classifier(shown).double().view(3, 5, 4).tolist()
    for odds, views in zip(scorer.score(images), logits, strict=True):
        softmaxes = [[mpmath.exp(v) / mpmath.fsum(map(mpmath.exp, view)) for v in view] for view in views]
        means = [mpmath.fsum(column) / 5 for column in zip(*softmaxes, strict=True)]
        np.testing.assert_allclose(odds, [float(mpmath.log(p / (1 - p))) for p in means], rtol=1e-4, atol=1e-4)
    assert np.isfinite(Scorer(linear(gain=60.0), batch=9, view="random-3", device=CPU).score(images)).all()
    one = Scorer(classifier, batch=7, view="random-1", device=CPU, seed=4).score(images)
    assert not np.allclose(one, scorer.score(images))


@pytest.mark.parametrize("view", ["random-0", "random-100", "random", "random-8.0", "random--1", "random-08"])
def test_other_numbers_are_refused_in_a_line(view: str, linear: Callable[..., Classifier]) -> None:
    with pytest.raises(ConfigError, match=r"scoring\.view = 'random"):
        Experiment().replace(**{"scoring.view": view})
    with pytest.raises(ConfigError, match="N from 1 to 99"):
        Scorer(linear(), batch=1, view=view, device=CPU)


def test_methods_that_follow_the_plain_gradient_refuse_them() -> None:
    with pytest.raises(ConfigError, match="random-8: gradient methods see no random views"):
        Experiment.from_mapping(
            {"scoring": {"view": "random-8"}, "search": {"kind": "gradient", "method": "ascent"}},
        )
