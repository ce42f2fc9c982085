"""Repetition: what was planted is found and removed, and what was not planted is not found."""

import numpy as np
import pytest
import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.randomness import stream
from evo_fool.studies.context import Context
from evo_fool.studies.elites import ImageSet
from evo_fool.studies.repetition.measure import (
    _lattice,
    ablate,
    background,
    elsewhere,
    find_period,
    find_repetition,
    random_places,
    tiled,
    without,
)
from evo_fool.studies.repetition.study import Repetitions

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


def test_like_shapes_of_another_colour_are_another_element() -> None:
    image = planted(PLACES)
    for top, left in PLACES[:2]:
        patch = image[:, top : top + 12, left : left + 12]
        patch[:, _triangle(12)] = np.array([250, 20, 220], np.uint8)[:, None]
    found = find_repetition(image)
    assert found is not None and found.count == 3
    others = without(planted(PLACES[:2]), found.removed | found.kept, found.fill)
    np.testing.assert_array_equal(others, planted(PLACES[:2]))


def _stripes(down: int, right: int) -> np.ndarray:
    rows, columns = np.mgrid[:96, :96]
    phase = 2 * np.pi * (rows * down + columns * right) / (down**2 + right**2)
    return (127 + 100 * np.sin(phase)).astype(np.uint8)[None]


STRIPES = [(0, 14), (11, 0), (8, 12)]


@pytest.mark.parametrize(("down", "right"), STRIPES)
def test_a_planted_period_is_found(down: int, right: int) -> None:
    period = find_period(_stripes(down, right))
    assert period is not None
    # Along a stripe everything repeats, so that only the part of the displacement across the stripes is determined.
    across = (period[0] * down + period[1] * right) / np.hypot(down, right)
    assert abs(across) == pytest.approx(np.hypot(down, right), abs=1.0)


@pytest.mark.parametrize(("down", "right"), STRIPES)
def test_bright_and_dark_stripes_are_not_one_element(down: int, right: int) -> None:
    image = _stripes(down, right)
    found = find_repetition(image)
    assert found is not None and found.kind == "objects"
    # Oblique stripes are cut short in the corners, where they are of another shape.
    stripes = 96 * (down + right) / (down**2 + right**2)
    assert stripes - (1 if 0 in (down, right) else 4) < found.count < stripes + 1
    removed = image[0][found.removed].astype(int) - int(found.fill[0])
    clearly = removed[np.abs(removed) >= 48]
    assert len(clearly) and len(set(np.sign(clearly))) == 1


@pytest.mark.parametrize(("down", "right"), STRIPES)
def test_one_period_of_a_lattice_stays(down: int, right: int) -> None:
    image = _stripes(down, right)
    found = _lattice(image, background(image))
    assert found is not None and found.kind == "lattice"
    step = np.array(find_period(image), dtype=float)
    length = np.hypot(*step)
    # The image's extent along the period, in periods; at both ends there may be a part of one.
    periods = 96 * np.abs(step).sum() / length**2
    assert periods - 1 <= found.count <= periods + 2
    np.testing.assert_array_equal(found.removed, ~found.kept)
    places = np.argwhere(found.kept) @ step / length
    assert places.max() - places.min() == pytest.approx(length, abs=1.5)
    assert found.kept[47:49, 47:49].all()
    # One period holds as much bright as dark: the whole of the element, whatever it begins with.
    assert image[0][found.kept].mean() == pytest.approx(127, abs=6)


def test_an_image_without_a_period_has_no_lattice() -> None:
    assert _lattice(planted([(20, 20)]), np.array(BACK, np.uint8)) is None


@pytest.mark.parametrize("pixels", [0, 1, 100, 1500, 24 * 64])
def test_random_places_cover_exactly_as_much(pixels: int) -> None:
    covered = random_places((24, 64), pixels, 7, stream(1, "test"))
    assert covered.shape == (24, 64) and covered.sum() == pixels
    np.testing.assert_array_equal(covered, random_places((24, 64), pixels, 7, stream(1, "test")))
    if pixels == 100:
        assert (covered != random_places((24, 64), pixels, 7, stream(2, "test"))).any()
        assert covered.any(axis=1).sum() < 24  # squares, not dust


def test_control_paints_as_many_pixels_as_the_removal() -> None:
    noise = np.random.default_rng(0).integers(100, 256, (3, 64, 64), dtype=np.uint8)
    found = find_repetition(planted(PLACES))
    assert found is not None
    painted = elsewhere(noise, found, stream(1, "test"))
    changed = (painted != noise).any(axis=0)
    assert changed.sum() == pytest.approx(found.removed.sum(), abs=3) and (changed & ~found.removed).any()
    assert (painted[:, changed] == found.fill[:, None]).all()


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
    assert result["rows"] == [0] and result["searched"] == 2 and result["names"] == ["many"]
    expected = [1 / (1 + np.exp(3 - count)) for count in (5, 1, 0)]
    np.testing.assert_allclose([result[key][0] for key in ("before", "one", "none")], expected, rtol=1e-5)
    np.testing.assert_allclose(result["drop"], [expected[0] - expected[1]] * 3, rtol=1e-5)
    # At random places there is less yellow to paint over than in the triangles.
    assert expected[1] < result["elsewhere"][0] <= expected[0]
    ((one, control),) = result["changed"]
    assert one == pytest.approx(4 * 78 / 64**2) and control < one
    again = ablate(images, _counting_scorer(64), seed=2)
    assert again["one"][0] == result["one"][0] and again["changed"][0][1] != control


class Planted(Repetitions):
    """The study of images that a test made."""

    def __init__(self, *images: np.ndarray) -> None:
        super().__init__()
        self.images = ImageSet("planted", np.stack(images), np.zeros(len(images), dtype=np.int64), ("many", "few"))

    def load(self, context: Context) -> tuple[ImageSet, Scorer]:
        return self.images, _counting_scorer(64)


def test_nothing_repeats() -> None:
    noise = np.random.default_rng(0).integers(0, 200, (3, 64, 64), dtype=np.uint8)
    study, context = Planted(noise), Context(None)
    data = study.measure(context)
    assert data["rows"] == data["before"] == [] and data["drop"] is None
    assert study.conclude(data) == ("skipped", "Of 1 elites not one has repeated elements.")
    first, *tiled_rows = study.rows(data)
    assert first.ours == "0 of 1" and len(tiled_rows) == 3
    assert study.table(data) is None and not study.pictures(context, data)


def test_below_90_percent_nothing_is_concluded() -> None:
    """Five triangles have 88 %, one has 12 %."""
    study, context = Planted(planted(PLACES), planted([])), Context(None)
    data = study.measure(context)
    verdict, why = study.conclude(data)
    assert verdict == "skipped" and "Not one of 1 elites" in why and "Under review" in why
    rows = {row.what: row for row in study.rows(data)}
    assert rows["all of them: median confidence before → with one element"].ours == "88.0 % → 11.9 %"
    assert rows["all of them: what removing the repeats costs, median"].ours == "76.16 points"
    table = study.table(data)
    assert table is not None and table.lines[0][:5] == ("many", "objects", "5", "88.0 %", "11.9 %")
    assert study.document(data)["one"] == pytest.approx([0.1192] * 3, abs=1e-4)
    assert [picture.name for picture in study.pictures(context, data)] == ["removal", "confidence"]


def _verdict(before: np.ndarray, one: np.ndarray, none: np.ndarray) -> tuple[str, str]:
    scored = {"before": before, "one": one, "none": none, "elsewhere": none}
    return Repetitions().conclude(scored | {"rows": list(range(len(before))), "repeating": len(before)})


@pytest.mark.parametrize(
    ("one", "none", "verdict", "words"),
    [
        (0.985, 0.2, "reproduced", "with none 20"),
        (0.9899, 0.9899, "not reproduced", "hardly what the network goes by"),
        (0.98, 0.95, "not reproduced", "hardly what the network goes by"),
        (0.6, 0.1, "not reproduced", "the repeats are needed."),
        (0.05, 0.01, "not reproduced", "the repeats are needed."),
    ],
)
def test_verdict(one: float, none: float, verdict: str, words: str) -> None:
    """The same for every sure elite; two that are not sure would turn it over if they counted."""
    before = np.array([0.99, 0.99, 0.99, 0.3, 0.3])
    with_one = np.array([one, one, one, 0.3, 0.0])
    found = _verdict(before, with_one, np.array([none, none, none, 0.0, 0.3]))
    assert found[0] == verdict and words in found[1] and "3 elites" in found[1]
    assert ("hardly" in found[1]) == ("hardly" in words)


def test_no_verdict_without_sure_elites() -> None:
    verdict, why = _verdict(np.array([0.89, 0.5]), np.array([0.89, 0.5]), np.zeros(2))
    assert verdict == "skipped" and "evolve further" in why and "2 elites" in why


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
