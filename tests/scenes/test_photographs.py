"""Photographs of a scene: where they come from, which are chosen, and what is refused in one line."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support import write_photographs
from torch import nn

from evo_fool.classifiers.base import Classifier
from evo_fool.errors import ConfigError
from evo_fool.scenes.photographs import read_photographs

SIZE = 8


def network(channels: int = 3) -> Classifier:
    body = nn.Sequential(nn.Flatten(), nn.Linear(channels * SIZE * SIZE, 3))
    return Classifier(body, classes=["cat", "dog", "hen"], size=SIZE, channels=channels, name="tiny")


def noise(seed: int, mode: str = "RGB", side: int = 12) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def folder_of_classes(root: Path, **counts: int) -> Path:
    for label, (name, n) in enumerate(counts.items()):
        (root / name).mkdir(parents=True)
        for i in range(n):
            noise(10 * label + i).save(root / name / f"{i}.png")
    return root


def test_folders_of_classes_are_sorted_by_class_index(tmp_path: Path) -> None:
    found = read_photographs(network(), folder_of_classes(tmp_path / "photos", hen=2, cat=1, dog=3))
    assert found.labels is not None
    assert found.labels.tolist() == [0, 1, 1, 1, 2, 2]
    assert found.names[0] == "cat/0.png"
    assert found.images.shape == (6, 3, SIZE, SIZE)


def test_a_flat_folder_and_a_file_have_no_labels(tmp_path: Path) -> None:
    for i in range(3):
        noise(i).save(tmp_path / f"{i}.png")
    (tmp_path / "notes.txt").write_text("no photograph")
    found = read_photographs(network(), tmp_path)
    assert (found.labels, found.names) == (None, ("0.png", "1.png", "2.png"))
    one = read_photographs(network(), tmp_path / "1.png")
    assert np.array_equal(one.images, found.images[1:2])


def test_count_is_spread_and_between_comes_first(tmp_path: Path) -> None:
    photos = folder_of_classes(tmp_path / "photos", cat=3, dog=3, hen=3)
    labels = [read_photographs(network(), photos, count=n).labels for n in (3, 9)]
    assert [found.tolist() for found in labels if found is not None] == [[0, 1, 2], [0, 0, 0, 1, 1, 1, 2, 2, 2]]
    found = read_photographs(network(), photos, between=(3, 9), count=2)
    assert found.names == ("dog/0.png", "hen/2.png")


@pytest.mark.parametrize("planes_first", [True, False])
def test_arrays_of_the_inputs_size_are_taken_as_they_are(tmp_path: Path, planes_first: bool) -> None:
    images = np.random.default_rng(1).integers(0, 256, (5, 3, SIZE, SIZE), dtype=np.uint8)
    given = images if planes_first else images.transpose(0, 2, 3, 1)
    np.savez(tmp_path / "p.npz", images=given, labels=[2, 0, 1, 0, 2])
    found = read_photographs(network(), tmp_path / "p.npz")
    assert np.array_equal(found.images, images[[1, 3, 2, 0, 4]])
    assert found.names[0] == "image 1"


def test_larger_arrays_are_prepared_as_files_are(tmp_path: Path) -> None:
    photo = noise(1)
    photo.save(tmp_path / "a.png")
    np.savez(tmp_path / "p.npz", images=np.asarray(photo)[None])
    one, other = (read_photographs(network(), tmp_path / name) for name in ("a.png", "p.npz"))
    assert one.digest == other.digest


def test_saved_photographs_read_back_the_same(tmp_path: Path) -> None:
    found = read_photographs(network(), folder_of_classes(tmp_path / "photos", cat=2, hen=3))
    found.save(tmp_path / "kept.npz")
    again = read_photographs(network(), tmp_path / "kept.npz")
    assert (again.digest, again.names) == (found.digest, found.names)
    assert np.array_equal(again.labels, found.labels)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1", "YCbCr", "RGBA"])
@pytest.mark.parametrize("channels", [1, 3])
def test_other_modes_are_converted(tmp_path: Path, mode: str, channels: int) -> None:
    photo = noise(1, mode)
    file = tmp_path / f"photo.{'jpg' if mode in ('CMYK', 'YCbCr') else 'png'}"
    photo.save(file)
    found = read_photographs(network(channels), file)
    assert found.images.shape == (1, channels, SIZE, SIZE)
    assert found.images.std() > 5


def _sixteen_bits(file: Path) -> None:
    Image.fromarray(np.arange(144, dtype=np.uint16).reshape(12, 12) * 400).save(file)


def _transparent(file: Path) -> None:
    photo = noise(1, "RGBA")
    photo.putalpha(100)
    photo.save(file)


def _palette_with_a_hole(file: Path) -> None:
    noise(1).quantize(8).save(file, transparency=0)


def _cut_off(file: Path) -> None:
    noise(1, side=40).save(file)
    file.write_bytes(file.read_bytes()[:300])


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (_sixteen_bits, "more than 8 bits a channel"),
        (_transparent, "transparent pixels"),
        (_palette_with_a_hole, "transparent pixels"),
        (_cut_off, "not readable as a photograph"),
        (lambda file: file.write_bytes(b""), "not readable as a photograph"),
        (lambda file: file.write_text("<svg/>"), "not readable as a photograph"),
        (lambda file: noise(1, side=7).save(file), "7x7 pixels are too few, tiny takes 8x8"),
    ],
)
def test_an_unusable_photograph_is_named_in_one_line(tmp_path: Path, write: object, said: str) -> None:
    noise(2).save(tmp_path / "good.png")
    write(tmp_path / "wrong.png")  # type: ignore[operator]
    with pytest.raises(ConfigError, match=said) as error:
        read_photographs(network(), tmp_path)
    assert "wrong.png" in str(error.value)
    assert "\n" not in str(error.value)


def test_places_without_photographs_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "folders" / "none").mkdir(parents=True)
    folder_of_classes(tmp_path / "unknown", zebra=1)
    for name, said in (
        ("empty", "no photograph in it"),
        ("folders", "no photograph in it"),
        ("unknown", "no class of tiny"),
        ("absent", "No such file"),
        ("absent.npz", "No such file"),
    ):
        with pytest.raises(ConfigError, match=said):
            read_photographs(network(), tmp_path / name)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"pictures": np.zeros((1, 3, 8, 8), np.uint8)}, "holds no array 'images'"),
        ({"images": np.zeros((1, 3, 8, 8))}, "images are float64"),
        ({"images": np.zeros((3, 8, 8), np.uint8)}, r"images are uint8 \(3, 8, 8\)"),
        ({"images": np.zeros((1, 2, 8, 8), np.uint8)}, "needs uint8"),
        ({"images": np.zeros((0, 3, 8, 8), np.uint8)}, "no photograph in it"),
        ({"images": np.zeros((2, 3, 8, 8), np.uint8), "labels": np.zeros(3, int)}, r"labels are int64 \(3,\)"),
        ({"images": np.zeros((2, 3, 8, 8), np.uint8), "labels": np.array([0, 3])}, "label 3 is none of the classes"),
        ({"images": np.zeros((2, 3, 8, 8), np.uint8), "labels": np.array([-1, 0])}, "label -1 is none of the classes"),
        ({"images": np.array([{"a": 1}], dtype=object)}, "not an npz file of plain arrays"),
    ],
)
def test_an_unusable_npz_file_takes_one_line(tmp_path: Path, arrays: dict[str, np.ndarray], said: str) -> None:
    np.savez(tmp_path / "p.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=said):
        read_photographs(network(), tmp_path / "p.npz")


def test_what_is_no_regular_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.npz")
    for path, said in ((tmp_path / "p.npz", "no regular file"), (Path("nul\0character"), "null byte")):
        with pytest.raises(ConfigError, match=said):
            read_photographs(network(), path)


def test_digests_tell_photographs_and_their_order_apart(tmp_path: Path) -> None:
    photos = write_photographs(tmp_path, 4)
    digits = Classifier(
        nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), classes=range(10), size=28, channels=1, name="d"
    )
    found = read_photographs(digits, photos)
    assert found.digest == read_photographs(digits, photos).digest
    assert found.digest != read_photographs(digits, photos, between=(1, 4)).digest
    assert torch.from_numpy(found.images).dtype == torch.uint8
