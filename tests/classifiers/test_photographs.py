"""Photographs: prepared as torchvision does it, matched to classes by name, counted one by one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.photographs import Accuracy, measure_accuracy, readable_photographs
from evo_fool.classifiers.preparation import Preparation
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.sources.torchvision_cpu import import_torchvision
from evo_fool.errors import ConfigError

CPU = torch.device("cpu")
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


class Brightest(nn.Module):
    """Each channel is a class."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean(dim=(2, 3))


@pytest.fixture
def scorer() -> Scorer:
    aliases = [["n3", "scarlet"], ["n2"], ["n1"]]
    classifier = Classifier(Brightest(), classes=list(COLOURS), size=8, channels=3, name="eye", aliases=aliases)
    return Scorer(classifier, batch=4, view="auto", device=CPU)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photographs a class, in folders whose order is not that of the classes."""
    for name, colour in zip(("n3", "n2", "n1"), COLOURS.values(), strict=True):
        (tmp_path / name).mkdir()
        for i in range(2):
            Image.new("RGB", (20, 10), colour).save(tmp_path / name / f"{i}.png")
    return tmp_path


@pytest.mark.parametrize("size", [(400, 300), (300, 401), (256, 256), (224, 500), (97, 61)])
@pytest.mark.parametrize(("resize", "way"), [(256, "bilinear"), (232, "bicubic"), (224, "bilinear")])
def test_prepared_as_by_torchvision(size: tuple[int, int], resize: int, way: str) -> None:
    import_torchvision()
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.functional import center_crop, pil_to_tensor
    from torchvision.transforms.functional import resize as torchvision_resize

    width, height = size
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    photo = Image.fromarray(pixels)
    expected = pil_to_tensor(center_crop(torchvision_resize(photo, [resize], InterpolationMode(way)), [224]))
    assert np.array_equal(Preparation(resize, way)(photo, 224, 3), expected.numpy())


def test_prepared_for_a_grey_network() -> None:
    photo = Image.new("RGB", (30, 20), (200, 200, 200))
    assert (Preparation(8)(photo, 8, 1) == np.full((1, 8, 8), 200)).all()


def test_a_preparation_that_leaves_too_little_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"preparation\.resize = 7 leaves less than size = 8"):
        Classifier(Brightest(), classes=["a", "b", "c"], size=8, channels=3, name="eye", preparation=Preparation(7))


def test_classes_go_by_name_not_by_the_order_of_folders(scorer: Scorer, folder: Path) -> None:
    accuracy = measure_accuracy(scorer, folder)
    assert (accuracy.photos, accuracy.first, accuracy.five) == (6, 6, 6)
    (folder / "n3").rename(folder / "scarlet")
    (folder / "n2").rename(folder / "Green")
    (folder / "n1").rename(folder / "2")
    assert measure_accuracy(scorer, folder).top1 == 1


def test_mistakes_are_counted(scorer: Scorer, folder: Path) -> None:
    Image.new("RGB", (9, 9), COLOURS["blue"]).save(folder / "n3" / "wrong.png")
    accuracy = measure_accuracy(scorer, folder)
    assert (accuracy.photos, accuracy.first, accuracy.five, accuracy.top5) == (7, 6, 7, 1.0)


def test_who_cannot_decide_is_not_right(folder: Path) -> None:
    class Dull(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.zeros(len(images), 7)

    names = ["n1", "n2", "n3", *"abcd"]
    dull = Classifier(Dull(), classes=names, size=8, channels=3, name="dull")
    accuracy = measure_accuracy(Scorer(dull, batch=4, view="auto", device=CPU), folder)
    assert (accuracy.photos, accuracy.first, accuracy.five) == (6, 0, 0)


def test_what_does_not_load_is_named_and_the_rest_counted(scorer: Scorer, folder: Path) -> None:
    (folder / "n1" / "damaged.jpg").write_bytes(b"\xff\xd8\xff\xe0 no photograph")
    whole = (folder / "n1" / "0.png").read_bytes()
    (folder / "n1" / "short.png").write_bytes(whole[: len(whole) // 2])
    (folder / "n1" / "notes.txt").write_text("not looked at")
    (folder / "n1" / "gone.png").symlink_to(folder / "nowhere.png")
    (folder / "n9").mkdir()
    (folder / ".cache").mkdir()
    (folder / "list.csv").write_text("not looked at")
    accuracy = measure_accuracy(scorer, folder)
    assert (accuracy.photos, accuracy.top1) == (6, 1.0)
    assert accuracy.unreadable == ["n1/damaged.jpg", "n1/short.png"]
    assert accuracy.unknown == ["n9"]


def test_a_picture_that_would_fill_the_memory_is_left_out(
    scorer: Scorer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300)
    Image.new("RGB", (40, 10)).save(folder / "n1" / "large.png")  # a warning of pillow's
    Image.new("RGB", (400, 10)).save(folder / "n1" / "huge.png")  # an error of pillow's
    assert measure_accuracy(scorer, folder).unreadable == ["n1/huge.png", "n1/large.png"]


def test_many_photographs_pass_in_parts(scorer: Scorer, tmp_path: Path) -> None:
    (tmp_path / "red" / "deeper").mkdir(parents=True)
    for i in range(70):
        Image.new("RGB", (8, 8), COLOURS["red"]).save(tmp_path / "red" / "deeper" / f"{i}.bmp")
    assert measure_accuracy(scorer, tmp_path).photos == 70


@pytest.mark.parametrize("spoil", [lambda f: f / "nowhere", lambda f: f / "n1" / "0.png", lambda f: f / "n1"])
def test_a_folder_without_photographs_is_one_line(spoil: Callable[[Path], Path], scorer: Scorer, folder: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        measure_accuracy(scorer, spoil(folder))
    assert "\n" not in str(caught.value)


def test_better_than_guessing() -> None:
    assert Accuracy(photos=500, first=20).better_than_guessing(1000)
    assert not Accuracy(photos=500, first=1).better_than_guessing(1000)
    assert not Accuracy(photos=100, first=20).better_than_guessing(10)
    assert Accuracy(photos=100, first=30).better_than_guessing(10)


def test_photographs_are_read_with_their_classes(scorer: Scorer, folder: Path) -> None:
    (folder / "n3" / "damaged.png").write_bytes(b"no picture")
    images, labels = readable_photographs(scorer.classifier, folder)
    assert images.shape == (6, 3, 8, 8)
    assert sorted(labels.tolist()) == [0, 0, 1, 1, 2, 2]
    assert np.array_equal(scorer.score(images).argmax(axis=1), labels)


def test_fewer_photographs_are_spread_over_the_classes(scorer: Scorer, folder: Path) -> None:
    _, labels = readable_photographs(scorer.classifier, folder, limit=3)
    assert sorted(labels.tolist()) == [0, 1, 2]
    with pytest.raises(ConfigError, match=r"no photograph of a known class"):
        (folder / "empty").mkdir()
        readable_photographs(scorer.classifier, folder / "empty")
