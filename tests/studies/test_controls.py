"""Noise is what it says it is, the best of it is kept for each class, and permuted images keep their pixels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.jsonable import plain
from evo_fool.probability import probability
from evo_fool.randomness import stream
from evo_fool.studies import study_of
from evo_fool.studies.context import Context
from evo_fool.studies.controls.measure import imagenet_arms
from evo_fool.studies.noise import KINDS
from evo_fool.studies.noise.measure import arm, harvest, noise_harvest, random_images

SHAPE = (3, 16, 16)


def made(kind: str, n: int = 200, natural: np.ndarray | None = None) -> np.ndarray:
    return random_images(kind, n, SHAPE, stream(1, kind), natural)


@pytest.fixture
def natural() -> np.ndarray:
    return stream(1, "natural").integers(0, 256, (5, *SHAPE), dtype=np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_noise_is_bytes_and_repeats(kind: str, natural: np.ndarray) -> None:
    images = made(kind, natural=natural)
    assert images.shape == (200, *SHAPE)
    assert images.dtype == np.uint8
    assert np.array_equal(images, made(kind, natural=natural))
    assert len(np.unique(images.reshape(200, -1), axis=0)) > 190


def test_distributions() -> None:
    uniform = made("uniform").astype(float)
    assert uniform.mean() == pytest.approx(127.5, abs=1)
    assert uniform.std() == pytest.approx(73.9, abs=1)
    gaussian = made("gaussian").astype(float)
    assert gaussian.mean() == pytest.approx(127, abs=1)
    assert 58 < gaussian.std() < 64  # 64, but for what is clipped
    constant = made("constant")
    assert np.all(constant == constant[:, :, :1, :1])
    smooth = made("low-frequency").astype(float)
    assert np.abs(np.diff(smooth, axis=3)).mean() < np.abs(np.diff(uniform, axis=3)).mean() / 3
    assert np.all(smooth.min((2, 3)) == 0)
    assert np.all(smooth.max((2, 3)) >= 254)


def test_permuted_images_have_the_pixels_of_natural_ones(natural: np.ndarray) -> None:
    for image in made("permuted", 20, natural):
        pixels = image.reshape(3, -1).T
        ordered = pixels[np.lexsort(pixels.T)]  # whole pixels, so that colours stay together
        originals = [n.reshape(3, -1).T for n in natural]
        assert any(np.array_equal(ordered, original[np.lexsort(original.T)]) for original in originals)


def test_what_cannot_be_made_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'pink' is unknown; choose one of uniform"):
        made("pink")
    with pytest.raises(ConfigError, match=r"permuted images need natural ones"):
        made("permuted")


class Channels(nn.Module):
    """Each channel's mean is a logit."""

    def forward(self, images: Tensor) -> Tensor:
        return 8 * images.mean(dim=(2, 3))


@pytest.fixture
def scorer() -> Scorer:
    classifier = Classifier(Channels(), classes=["red", "green", "blue"], size=16, channels=3, name="eye")
    return Scorer(classifier, batch=64, view="auto", device=torch.device("cpu"))


def test_the_harvest_is_the_best_of_everything(scorer: Scorer) -> None:
    images = made("constant", 100)
    p = probability(scorer.score(images))
    found = harvest(scorer, iter(np.split(images, 4)))
    assert found["n"] == 100
    assert np.allclose(found["best"], p.max(axis=0))
    assert found["called"].tolist() == np.bincount(p.argmax(axis=1), minlength=3).tolist()
    assert found["mean_top"] == pytest.approx(p.max(axis=1).mean())
    assert found["sure"] == pytest.approx((p.max(axis=1) >= 0.99).mean())
    assert found["steps"] == [25, 50, 75, 100]
    assert found["medians"][0] == pytest.approx(np.median(p[:25].max(axis=0)))
    listed = arm("constant colour", plain(found))
    assert (listed["label"], listed["n"], listed["called"]) == ("constant colour", 100, 3)
    assert listed["median"] == np.median(found["best"])
    assert listed["at_least"] == [int((p.max(axis=0) >= least).sum()) for least in (0.9, 0.99, 0.9999)]


def test_more_noise_begins_with_the_same(scorer: Scorer) -> None:
    few, many = (noise_harvest(Context(None), scorer.classifier, "constant", n, seed=1) for n in (512, 1024))
    assert many["medians"][0] == few["medians"][0]
    assert many["steps"] == [512, 1024]


def test_evolution_and_noise_on_imagenet_are_compared_at_equal_images(stand_in: Any) -> None:
    arms = {arm["label"]: arm for arm in imagenet_arms(stand_in, "squeezenet1_1", Path("weights.pt"))}
    evolved = ["evolved pixels", "evolved CPPNs", "random pixel genomes", "random CPPN genomes"]
    noise = ["uniform", "gaussian", "natural images, pixels permuted", "constant colour", "low-frequency"]
    assert list(arms) == evolved + [name if " " in name else f"{name} noise" for name in noise]
    assert {arm["n"] for arm in arms.values()} == {64}  # though each run went on to 128
    assert [arms[name]["steps"] for name in evolved] == [[32, 64]] * 4
    assert all(arms[name]["called"] is None for name in evolved)
    assert all(arm["medians"][-1] == arm["median"] for arm in arms.values())
    assert [preset for preset, _ in stand_in.asked] == ["imagenet-pixels", "imagenet-cppn"] + ["imagenet-random"] * 2
    kinds = [settings.get("encoding.kind") for _, settings in stand_in.asked]
    assert kinds == [None, None, "pixels", None]


def test_without_photographs_nothing_is_permuted(stand_in: Any) -> None:
    stand_in.data.folder = None
    labels = [arm["label"] for arm in imagenet_arms(stand_in, "squeezenet1_1", Path("weights.pt"))]
    assert len(labels) == 8 and not any("permuted" in label for label in labels)


def test_the_page(small_reproduction: Context) -> None:
    page = study_of("controls").section(small_reproduction)
    assert page.verdict == "new"
    rows = {row.what: row for row in page.rows}
    assert rows["MNIST: uniform noise, best of 4,200 for each class, median"].control is not None
    assert rows["MNIST: evolved CPPNs, best of 4,200 for each class, median"].ours is not None
    assert "ImageNet is left out" in page.why
    assert not any("permuted" in what for what in rows)  # there is no data here
