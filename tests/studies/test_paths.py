"""Paths: lines whose ends are the images, confidence along them that is known, dimensions that were planted."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.studies.context import Context
from evo_fool.studies.elites import ImageSet, sure
from evo_fool.studies.ledger import Ledger
from evo_fool.studies.paths.measure import follow, intrinsic_dimension, line, natural_pairs, pair_rows, see
from evo_fool.studies.paths.study import Case, Paths


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
    # Half way, where neither is sure, is the lowest confidence in either; in one class alone it is that of the far end.
    np.testing.assert_allclose(found.either[0], np.maximum(expected, 1 - expected), atol=1e-6)
    assert found.lowest[0] == pytest.approx(0.5, abs=0.02) and found.first.min() == pytest.approx(expected[-1])
    same = follow(grey, white, ImageSet("b", _plain(0), np.array([0]), names), steps=11)
    assert same.lowest[0] == pytest.approx(expected[-1]) and same.dip()[0] == pytest.approx(5 / 11, abs=0.1)


def test_what_random_pictures_look_like(grey: Scorer) -> None:
    sight = see(grey, _plain(255, 255, 255, 0))
    assert sight.reached == 2 and sight.commonest == (0, 0.75)
    np.testing.assert_allclose(sight.top, 1 / (1 + np.exp(-10)), rtol=1e-6)


def test_pairs_are_of_one_class() -> None:
    names = ("a", "b", "c")
    elites = ImageSet("elites", _plain(1, 2, 3), np.array([0, 1, 2]), names)
    natural = ImageSet("natural", _plain(10, 20, 30, 40), np.array([2, 0, 0, 2]), names)
    starts, ends = pair_rows(elites, natural)
    assert elites.targets[starts].tolist() == natural.targets[ends].tolist() == [0, 2]
    assert natural.images[ends][:, 0, 0, 0].tolist() == [20, 10]
    assert not len(pair_rows(elites.pick([1]), natural)[0])


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


def test_only_sure_images_are_ends(grey: Scorer) -> None:
    images = ImageSet("some", _plain(255, 0, 200, 255), np.array([0, 0, 0, 1]), ("bright", "dark"))
    assert sure(grey, images).tolist() == [0, 2]
    assert sure(grey, images.pick([1, 3])).tolist() == []


def test_control_of_one_class_where_there_are_two_images() -> None:
    natural = ImageSet("natural", _plain(1, 2, 3, 4, 5), np.array([1, 0, 1, 0, 2]), ("a", "b", "c"))
    starts, ends, same = natural_pairs(natural, np.array([1, 0, 4]))
    assert same and starts.tolist() == [1, 0] and ends.tolist() == [3, 2]


def test_control_of_two_classes_where_there_is_one_image_a_class() -> None:
    natural = ImageSet("natural", _plain(1, 2, 3), np.array([2, 0, 1]), ("a", "b", "c"))
    starts, ends, same = natural_pairs(natural, np.array([1, 2, 0]))
    assert not same and (natural.targets[starts] != natural.targets[ends]).all()
    assert len({frozenset(pair) for pair in zip(starts.tolist(), ends.tolist(), strict=True)}) == 3
    assert not len(natural_pairs(natural, np.array([1]))[0])


class Planted(Paths):
    """The study of the grey network: three elites, of which the last is not what it should be."""

    def __init__(self, natural: ImageSet, last: int = 255, what: str = "MNIST") -> None:
        super().__init__()
        self.natural, self.last, self.what = natural, last, what

    def load(self, context: Context) -> list[Case]:
        judge = Classifier(Grey(), classes=["bright", "dark"], size=4, channels=1, name="grey")
        elites = ImageSet("elites", _plain(230, 20, self.last), np.array([0, 1, 1]), self.natural.classes)
        return [Case(self.what, context.scorer(judge), elites, self.natural, 100)]


def _measured(folder: Path, natural: ImageSet) -> tuple[Paths, dict[str, Any]]:
    context, study = Context(folder, "smoke"), Planted(natural)
    data = study.measure(context)
    scored = context.ledger.images
    context.ledger = Ledger()
    assert Planted(natural).measure(context) == data and context.ledger.images == scored > 100
    changed = Planted(natural, last=0).measure(context)["MNIST"]
    assert changed["sure"]["elites"] == [3, 3]  # as many images of the same name, yet not served from the cache
    return study, data


def _natural(tail: int) -> ImageSet:
    """Twelve bright and twelve dark pictures, every one different; the first of each is called the other."""
    rng = np.random.default_rng(tail)
    bright, dark = (rng.integers(low, low + 40, (11, 1, 4, 4), dtype=np.uint8) for low in (210, 0))
    images = np.concatenate([_plain(10), bright, _plain(250), dark])
    return ImageSet("natural", images, np.repeat([0, 1], 12), ("bright", "dark"))


def test_sure_images_are_followed_and_compared_within_a_class(tmp_path: Path) -> None:
    study, data = _measured(tmp_path, _natural(1))
    entry, rows = data["MNIST"], study.rows(data)
    assert entry["sure"] == {"elites": [2, 3], "natural": [22, 24]} and entry["points"] == 24
    assert entry["rows"] == {"elites": [0, 1], "natural": [1, 13]}
    assert entry["between natural"]["same class"] and entry["between natural"]["lowest"] > 0.9
    assert entry["to natural"]["never_below_half"] == 1.0
    assert all(row.control is not None for row in rows if "the same" in row.what)
    assert "2 of 3 elites" in " ".join(row.note for row in rows)
    verdict, why = study.conclude(data)
    assert verdict == "new"
    assert why.endswith(
        "On the straight line from an elite to a natural image of its class the confidence stays above one half all "
        "the way for 100.0 % of 2; between two natural images of one class, for 100.0 % of 2."
    )
    assert why.startswith("MNIST: 100 random pictures are called ")


def test_no_ways_have_a_reason(tmp_path: Path) -> None:
    natural = _natural(2)
    flipped = ImageSet("natural", natural.images, 1 - natural.targets, natural.classes)
    # Only "bright" is left as such.
    entry = _measured(tmp_path, flipped.pick([i for i in range(24) if i != 12]))[1]["MNIST"]
    assert entry["rows"] == {"elites": [1], "natural": [0]} and "between natural" not in entry
    study, data = _measured(tmp_path / "alone", flipped.pick([i for i in range(24) if i not in (0, 12)]))
    assert "to natural" not in data["MNIST"]
    assert study.table(data) is None and study.pictures(Context(None, "smoke"), data) == []
    why = study.conclude(data)[1]
    assert "No straight line was followed: 2 of 3 elites" in why and "0 of 22 natural images" in why


def test_few_natural_images_cost_the_dimension_only(tmp_path: Path) -> None:
    study, data = _measured(tmp_path, _natural(3).pick([1, 2, 13, 14]))
    assert data["MNIST"]["dimension"] == {"random": None, "natural": None}
    (row,) = [row for row in study.rows(data) if "local dimension" in row.what]
    assert row.ours is None and row.control is None
    assert data["MNIST"]["to natural"]["ways"] == 2


@pytest.mark.parametrize(
    ("what", "shown"), [("MNIST", ["MNIST lines", "MNIST ways"]), ("ImageNet", ["ImageNet lines"])]
)
def test_ways_are_drawn_and_photographs_are_not_shown(what: str, shown: list[str]) -> None:
    """Photographs have owners: of ImageNet only the curves are published."""
    study, context = Planted(_natural(4), what=what), Context(None, "smoke")
    data = study.measure(context)
    pictures = study.pictures(context, data)
    assert [picture.name for picture in pictures] == shown
    assert all(picture.png.startswith(b"\x89PNG") for picture in pictures)
    assert [picture.borrowed for picture in pictures] == [False, True][: len(shown)]
    assert "medians over 2 of them" in pictures[0].caption


def test_the_table_follows_the_way_step_by_step() -> None:
    study = Planted(_natural(5))
    data = study.measure(Context(None, "smoke"))
    table = study.table(data)
    assert table is not None
    assert [line[0] for line in table.lines] == [f"{i / 20:.2f}" for i in range(21)]


def test_imagenets_elites_are_those_that_have_photographs_to_go_to(stand_in: Any) -> None:
    digits, imagenet = Paths().load(stand_in)
    assert (digits.what, len(digits.elites), digits.natural) == ("MNIST", 10, None)
    assert (imagenet.what, imagenet.elites.names) == ("ImageNet", ["ant", "cat"])
    assert imagenet.natural.names == ["ant", "ant", "cat"]
    assert imagenet.random == 100


def test_without_photographs_all_of_imagenets_elites_are_taken(stand_in: Any) -> None:
    stand_in.data.folder = stand_in.data.folder / "imagenet"
    (stand_in.data.folder / "photos").rename(stand_in.data.folder / "elsewhere")
    imagenet = Paths().load(stand_in)[1]
    assert (imagenet.natural, imagenet.elites.names) == (None, ["ant", "bee", "cat"])
