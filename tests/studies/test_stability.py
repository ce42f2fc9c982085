"""Transformations against readable arithmetic; known networks whose answers move with the pixels; equal confidence."""

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.random_views import sampling_grid, similarity, warped
from evo_fool.classifiers.scoring import Scorer
from evo_fool.studies.context import Context
from evo_fool.studies.elites import ImageSet
from evo_fool.studies.stability.measure import Answers, beside, equal_confidence
from evo_fool.studies.stability.study import Stability
from evo_fool.studies.stability.transformations import (
    Print,
    blurred,
    compressed,
    lit,
    mirrored,
    resized,
    shifted,
    transformations,
)


@pytest.fixture
def images() -> np.ndarray:
    """Smooth and rough: uint8 ``(3, 3, 20, 14)``."""
    rng = np.random.default_rng(5)
    smooth = np.add.outer(np.arange(20) * 6, np.arange(14) * 8) + rng.integers(0, 12, (3, 3, 20, 14))
    smooth[2] = rng.integers(0, 256, (3, 20, 14))
    return smooth.astype(np.uint8)


def test_a_shift_repeats_the_edge(images: np.ndarray) -> None:
    found = shifted(images, down=4, right=-1)
    for y in range(20):
        for x in range(14):
            np.testing.assert_array_equal(found[..., y, x], images[..., max(y - 4, 0), min(x + 1, 13)])
    np.testing.assert_array_equal(mirrored(images)[..., 3], images[..., 10])


def test_jpeg_is_pillows(images: np.ndarray) -> None:
    for quality in (95, 50):
        buffer = io.BytesIO()
        Image.fromarray(images[1].transpose(1, 2, 0)).save(buffer, "JPEG", quality=quality)
        expected = np.asarray(Image.open(buffer)).transpose(2, 0, 1)
        np.testing.assert_array_equal(compressed(images, quality)[1], expected)
    grey = compressed(images[:, :1], 75)
    np.testing.assert_array_equal(compressed(images[:, :2], 75)[:, :1], grey)  # two planes: each by itself
    assert grey.shape == (3, 1, 20, 14)


@pytest.mark.parametrize(("factor", "there"), [(0.5, (7, 10)), (1.5, (21, 30))])
def test_resizing_is_pillows(images: np.ndarray, factor: float, there: tuple[int, int]) -> None:
    found = resized(images, factor)
    for image, ours in zip(images, found, strict=True):
        picture = Image.fromarray(image.transpose(1, 2, 0)).resize(there, Image.Resampling.BILINEAR)
        expected = np.asarray(picture.resize((14, 20), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
        np.testing.assert_allclose(ours.astype(int), expected.astype(int), atol=2)  # Pillow rounds twice as often


def test_blur_and_light_against_sums(images: np.ndarray) -> None:
    weights = np.exp(-0.5 * np.arange(-4, 5) ** 2)
    weights /= weights.sum()
    padded = np.pad(images.astype(float), ((0, 0), (0, 0), (4, 4), (4, 4)), mode="edge")
    expected = sum(weights[i] * weights[j] * padded[..., i : i + 20, j : j + 14] for i in range(9) for j in range(9))
    np.testing.assert_allclose(blurred(images, 1.0), expected, atol=0.51)
    np.testing.assert_array_equal(lit(np.array([[[[10, 200, 255]]]], np.uint8), 1.2).ravel(), [12, 240, 255])


def test_a_tilted_print_is_seen_where_the_homography_says() -> None:
    """Sampling a ramp gives coordinates back: a linear function is what bilinear sampling keeps exactly."""
    ramp = torch.arange(16, dtype=torch.float32).expand(1, 1, 12, 16) / 15
    matrix = similarity(0.1, 1.1, 1.5, -0.5) @ np.array([[1, 0, 0], [0, 1, 0], [0.01, -0.008, 1]])
    found = warped(ramp, sampling_grid(matrix[None], (12, 16)), np.ones(1, "f4"), np.zeros(1, "f4"))[0, 0, 0]
    for i in range(12):
        for j in range(16):
            x, _, w = matrix @ [j - 7.5, i - 5.5, 1]
            assert found[i, j] == pytest.approx(min(max((x / w + 7.5) / 15, 0), 1), abs=1e-5)


def test_every_transformation_is_the_same_for_an_image_alone_and_again(images: np.ndarray) -> None:
    one, other = transformations((3, 20, 14), 1), transformations((3, 20, 14), 1)
    assert [len(each) for each in one.values()] == [1, 4, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4]
    for name, each in one.items():
        for time, transform in enumerate(each):
            found = transform(images)
            assert (found.shape, found.dtype) == (images.shape, np.uint8)
            np.testing.assert_array_equal(found[1:2], other[name][time](images[1:2]))
            assert (found != images).any() == (name != "unchanged"), name
    differing = [Print((3, 20, 14), seed, number)(images) for seed, number in ((1, 0), (1, 1), (2, 0))]
    assert len({found.tobytes() for found in differing}) == 3


def test_a_print_of_a_flat_image_is_flat_but_for_light_noise_and_compression() -> None:
    printed = Print((1, 224, 224), 3, 0)
    found = printed(np.full((1, 1, 224, 224), 100, np.uint8))
    expected = (100 - 127.5) * printed.contrast[0] + 127.5 + 255 * printed.brightness[0]
    assert found.mean() == pytest.approx(expected, abs=0.5)
    assert found.std() == pytest.approx(printed.noise.std(), abs=1.5)


class Reads(torch.nn.Module):
    """Answers the brightness of each quarter of the image."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return 9 * torch.nn.functional.adaptive_avg_pool2d(images, 2).flatten(1)


def reader() -> Scorer:
    classifier = Classifier(Reads(), classes=list("abcd"), size=16, channels=1, name="reads")
    return Scorer(classifier, batch=8, view="auto", device=torch.device("cpu"))


def quarters(brightness: tuple[int, ...], name: str = "quarters") -> ImageSet:
    """An image for each class and brightness, that quarter bright."""
    targets = np.tile(np.arange(4), len(brightness))
    hot = np.eye(4, dtype=np.uint8)[targets].reshape(-1, 1, 2, 2).repeat(8, axis=2).repeat(8, axis=3)
    return ImageSet(
        name, hot * np.repeat(np.array(brightness, np.uint8), 4)[:, None, None, None], targets, tuple("abcd")
    )


def test_what_a_known_network_keeps() -> None:
    by_name = transformations((1, 16, 16), 1)
    found = Answers.of(reader(), quarters((255, 60)), by_name).summary()
    assert found["unchanged"]["reaching"] == {"0.9": 0.5, "0.99": 0.5}
    assert found["unchanged"]["kept"] == {"0.9": 1, "0.99": 1} and found["unchanged"]["class kept"] == 1
    # Left for right, each class is another; a shift by one of eight pixels leaves 99 % to the bright ones.
    assert found["mirrored"]["class kept"] == 0 and found["mirrored"]["kept"]["0.9"] == 0
    assert found["mirrored"]["reaching"]["0.9"] == 0
    assert found["shifted 1 px"]["kept"]["0.99"] == 1 and found["shifted 1 px"]["class kept"] == 1
    assert found["darker by a fifth"]["median"] < found["unchanged"]["median"]
    assert found["darker by a fifth"]["median log-odds"] < found["unchanged"]["median log-odds"]
    dark = Answers.of(reader(), quarters((60,)), by_name)
    assert dark.summary()["mirrored"]["kept"] == {"0.9": None, "0.99": None}


def test_images_are_compared_at_equal_confidence() -> None:
    by_name = transformations((1, 16, 16), 1)
    bright, mixed = (Answers.of(reader(), quarters(levels), by_name) for levels in ((250, 20), (248, 120)))
    found = beside(bright, mixed)
    assert found["pairs"] == 4
    assert found["ours"]["unchanged"]["median"] == pytest.approx(found["theirs"]["unchanged"]["median"], abs=0.01)
    assert beside(bright, Answers.of(reader(), quarters((120,)), by_name)) == {"pairs": 0}
    joined = Answers.joined([bright, mixed])
    np.testing.assert_array_equal(joined.confidence, np.concatenate([bright.confidence, mixed.confidence]))


@pytest.mark.parametrize("seed", range(20))
def test_there_are_as_many_pairs_as_can_be_had(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ours, control = rng.normal(3, 2, rng.integers(0, 12)), rng.normal(2, 2, rng.integers(1, 12))
    one, other = equal_confidence(ours, control)
    assert len(set(one.tolist())) == len(set(other.tolist())) == len(one)
    assert (np.abs(ours[one] - control[other]) <= 0.5).all()
    near = np.abs(np.subtract.outer(ours, control)) <= 0.5
    most = (maximum_bipartite_matching(csr_array(near)) >= 0).sum() if near.any() else 0
    assert len(one) == most


def _entry(kept: float | None, median: float = 0.95) -> dict[str, Any]:
    under = {"median": median, "median log-odds": 3.0, "class kept": 0.5}
    return under | {"reaching": {"0.9": 0.8, "0.99": 0.4}, "kept": {"0.9": kept, "0.99": None}}


def _set(name: str, setting: str, kind: str, kept: float | None) -> dict[str, Any]:
    under = {"unchanged": _entry(None if kept is None else 1.0), "mirrored": _entry(kept)}
    return {"name": name, "setting": setting, "network": "net", "kind": kind, "images": 10, "under": under}


def test_groups_of_runs_stand_beside_their_controls() -> None:
    """Three runs a group that do not overlap: the least p; photographs and random images are controls."""
    sets = [_set(f"a{i}", "plain", "map_elites", 0.1 * i) for i in (1, 2, 3)]
    sets += [_set(f"b{i}", "many", "map_elites", 0.5 + 0.1 * i) for i in (1, 2, 3)]
    sets += [_set("c", "random", "random", 0.3), _set("photographs", "photographs", "photographs", 0.9)]
    both = {key: sets[0]["under"] for key in ("ours", "theirs")}
    pair = {"name": "a1", "setting": "plain", "network": "net", "beside": "photographs", "pairs": 7} | both
    data = {"transformations": ["unchanged", "mirrored"], "sets": sets, "pairs": [pair]}
    study = Stability()
    rows = {row.what: row for row in study.rows(data)}
    row = rows["plain on net, mirrored: still at 90 %"]
    assert row.ours == "20.0 % (10.0 to 30.0)" and row.control == "30.0 % (random), 90.0 % (photographs)"
    assert "class kept 50.0 %" in row.note and "mean of 3 runs" in row.note
    assert rows["random on net, mirrored: still at 90 %"].control == "90.0 % (photographs)"
    assert rows["many on net, at 90 %"].ours == "80.0 % (80.0 to 80.0)"
    assert not any(what.startswith("photographs") for what in rows)
    beside_photographs, groups = study.tables(data)
    assert "7 pairs" in beside_photographs.title and beside_photographs.lines[1][0] == "mirrored"
    assert groups.lines == [("mirrored", "plain less many, on net", "-50.0 points", "0.1", "0.1")]
    assert "plain on net: 80.0 %" in study.conclude(data)[1]
    without = {
        "transformations": ["unchanged", "mirrored"],
        "sets": [_set("a", "plain", "map_elites", None)],
        "pairs": [],
    }
    assert [row.ours for row in study.rows(without)] == ["80.0 %", None]
    assert study.pictures(Context(None), without) == []


def test_the_report_asks_it_of_digits(small_reproduction: Context) -> None:
    section = Stability().section(small_reproduction)
    assert section.verdict == "new" and "random-2" in section.why
    assert {one["kind"] for one in section.data["sets"]} == {"map_elites", "random"}
    assert len(section.data["pairs"]) == 3 and [picture.name for picture in section.pictures] == ["stability"]
