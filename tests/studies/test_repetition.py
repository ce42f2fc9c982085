"""Repetition: what was planted is found and removed, and what was not planted is not found."""

import numpy as np
import pytest
import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.studies.elites import ImageSet
from evo_fool.studies.repetition import ablate, background, find_period, find_repetition, tiled, without

BACK, FRONT = (30, 60, 200), (240, 220, 10)
PLACES = [(8, 8), (8, 40), (30, 24), (48, 6), (48, 44)]


def _triangle(size: int) -> np.ndarray:
    return np.tri(size, dtype=bool)


def planted(places: list[tuple[int, int]]) -> np.ndarray:
    """Triangles of 12 pixels on a plain background, RGB 64x64."""
    image = np.empty((3, 64, 64), np.uint8)
    image[:] = np.array(BACK, np.uint8)[:, None, None]
    for top, left in places:
        patch = image[:, top : top + 12, left : left + 12]
        patch[:, _triangle(12)] = np.array(FRONT, np.uint8)[:, None]
    return image


def test_planted_objects_are_found_and_all_but_one_removed() -> None:
    image = planted(PLACES)
    found = find_repetition(image)
    assert found is not None and (found.kind, found.count) == ("objects", 5)
    assert found.fill.tolist() == list(BACK)
    left = without(image, found.removed, found.fill)
    candidates = [planted([place]) for place in PLACES]
    assert any(np.array_equal(left, candidate) for candidate in candidates)
    np.testing.assert_array_equal(without(left, found.kept, found.fill), planted([]))


def test_another_shape_is_left_alone() -> None:
    image = planted(PLACES)
    image[:, 4:7, 20:60] = 255  # a bar, in the way of nothing
    found = find_repetition(image)
    assert found is not None and found.count == 5
    assert (without(image, found.removed, found.fill)[:, 4:7, 20:60] == 255).all()


@pytest.mark.parametrize(("down", "right"), [(0, 14), (11, 0), (8, 12)])
def test_a_planted_period_is_found(down: int, right: int) -> None:
    rows, columns = np.mgrid[:96, :96]
    phase = 2 * np.pi * (rows * down + columns * right) / (down**2 + right**2)
    image = (127 + 100 * np.sin(phase)).astype(np.uint8)[None]
    period = find_period(image)
    assert period is not None
    # Along a stripe everything repeats, so that only the part of the displacement across the stripes is determined.
    across = (period[0] * down + period[1] * right) / np.hypot(down, right)
    assert abs(across) == pytest.approx(np.hypot(down, right), abs=1.0)
    found = find_repetition(image)
    assert found is not None
    assert found.count == pytest.approx(96 * (down + right) / (down**2 + right**2), abs=2) or found.kind == "objects"


def test_nothing_is_found_where_nothing_repeats() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (3, 64, 64), dtype=np.uint8)
    shade = np.broadcast_to(np.linspace(0, 255, 64).astype(np.uint8), (1, 64, 64))
    flat = np.full((1, 64, 64), 7, np.uint8)
    for image in (noise, shade, flat, planted([(20, 20)])):
        assert find_repetition(np.ascontiguousarray(image)) is None


def test_background_is_the_commonest_colour() -> None:
    assert background(planted(PLACES)).tolist() == list(BACK)


def _counting_scorer(size: int) -> Scorer:
    """Its confidence in class "many" grows with the yellow in the picture."""

    class Yellow(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            yellow = (images[:, 0] > 0.8).flatten(1).sum(dim=1) / 78  # pixels of a triangle
            return torch.stack([yellow - 3, torch.zeros_like(yellow)], dim=1)

    classifier = Classifier(Yellow(), classes=["many", "few"], size=size, channels=3, name="yellow")
    return Scorer(classifier, batch=8, view="auto", device=torch.device("cpu"))


def test_ablation_scores_five_one_and_none() -> None:
    """Log-odds are the number of triangles less three: 5, 1 and 0 of them."""
    noise = np.random.default_rng(0).integers(0, 200, (3, 64, 64), dtype=np.uint8)
    images = ImageSet("planted", np.stack([planted(PLACES), noise]), np.array([0, 0]), ("many", "few"))
    result = ablate(images, _counting_scorer(64))
    assert result.rows.tolist() == [0] and result.of == 2
    expected = [1 / (1 + np.exp(3 - count)) for count in (5, 1, 0)]
    np.testing.assert_allclose([result.before[0], result.one[0], result.none[0]], expected, rtol=1e-5)


def test_tiling() -> None:
    image = planted(PLACES)
    np.testing.assert_array_equal(tiled(image, 1), image)
    four = tiled(image, 4)
    assert four.shape == image.shape and four.dtype == np.uint8
    for top in range(0, 64, 16):
        np.testing.assert_array_equal(four[:, top : top + 16, 16:32], four[:, :16, :16])
    period = find_period(four)
    assert period is not None and set(period) == {0, 16}
    assert tiled(image, 3).shape == image.shape
    with pytest.raises(ConfigError, match="1 to 64"):
        tiled(image, 65)
