"""The images of tasks: squares, MNIST, CIFAR-10, files and folders."""

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evo_fool.errors import ConfigError
from evo_fool.scenes.tasks import Task, load_task

RNG = np.random.default_rng(5)


def load(task: str, **changes: Any) -> Task:
    settings = {"data": None, "count": 20, "held_out": 10, "inner": None, "frame": (3, 99, 60), "seed": 1}
    return load_task(task, **settings | changes)


def test_squares_show_each_count_from_one_to_ten() -> None:
    task = load("squares", count=200, held_out=100)
    assert task.names == tuple(map(str, range(1, 11)))
    for half in (task.train, task.held_out):
        assert half.images.shape[1:] == (3, 36, 36)
        assert set(np.unique(half.images)) == {0, 255}
        corners = half.images[:, 0, ::9, ::9] // 255
        np.testing.assert_array_equal(half.images[:, 0], (corners * 255).repeat(9, axis=1).repeat(9, axis=2))
        np.testing.assert_array_equal(corners.sum(axis=(1, 2)), half.labels + 1)
        assert np.bincount(half.labels).tolist() == [len(half.labels) // 10] * 10


def test_squares_fill_all_cells_equally_often() -> None:
    images = load("squares", count=4000).train.images[:, 0, ::9, ::9] // 255
    np.testing.assert_allclose(images.mean(axis=0), 5.5 / 16, atol=0.03)


def test_squares_of_a_run_are_fixed_and_those_held_out_are_others() -> None:
    first, again, other = load("squares"), load("squares"), load("squares", seed=2)
    np.testing.assert_array_equal(first.train.images, again.train.images)
    assert not np.array_equal(first.train.images, other.train.images)
    assert not np.array_equal(first.train.images[:10], first.held_out.images)


def test_mnist(mnist_dir: Path) -> None:
    task = load("mnist", data=str(mnist_dir), frame=(1, 28, 28), inner=20)
    assert task.train.images.shape == (20, 1, 20, 20)
    assert task.train.labels.tolist() == [*range(10)] * 2
    assert len(task.held_out.images) == 10


def test_mnist_is_found_by_the_variable(mnist_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVO_FOOL_DATA", str(mnist_dir.parent))
    assert load("mnist").train.images.shape == (20, 3, 28, 28)
    monkeypatch.delenv("EVO_FOOL_DATA")
    with pytest.raises(ConfigError, match=r"scene\.task = 'mnist' needs data: give scene\.data, or set EVO_FOOL_DATA"):
        load("mnist")


def test_cifar10_binary_keeps_its_test_half_apart(tmp_path: Path) -> None:
    records = RNG.integers(0, 256, (60, 3073), dtype=np.uint8)
    records[:, 0] = np.arange(60) % 10
    for i in range(5):
        records[i * 10 : (i + 1) * 10].tofile(tmp_path / f"data_batch_{i + 1}.bin")
    records[50:].tofile(tmp_path / "test_batch.bin")
    task = load("cifar10", data=str(tmp_path))
    assert task.names[0] == "airplane"
    np.testing.assert_array_equal(task.train.images, records[:20, 1:].reshape(-1, 3, 32, 32))
    np.testing.assert_array_equal(task.held_out.images, records[50:, 1:].reshape(-1, 3, 32, 32))
    (tmp_path / "test_batch.bin").write_bytes(b"short")
    with pytest.raises(ConfigError, match=r"test_batch\.bin are damaged"):
        load("cifar10", data=str(tmp_path))


@pytest.mark.parametrize("last", [True, False])
def test_npz_with_images_in_either_order(tmp_path: Path, last: bool) -> None:
    images, labels = RNG.integers(0, 256, (40, 3, 8, 8), dtype=np.uint8), np.arange(40) % 4
    np.savez(tmp_path / "signs.npz", images=images.transpose(0, 2, 3, 1) if last else images, labels=labels)
    task = load(str(tmp_path / "signs.npz"))
    assert task.name == "signs"
    assert task.names == ("0", "1", "2", "3")
    np.testing.assert_array_equal(task.train.images, images[:20])
    np.testing.assert_array_equal(task.held_out.labels, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1])
    seen = {image.tobytes() for image in task.train.images}
    assert not seen & {image.tobytes() for image in task.held_out.images}


def test_where_a_label_has_few_images_the_others_fill_up(tmp_path: Path) -> None:
    images, labels = RNG.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8), np.arange(40) % 4 // 3
    np.savez(tmp_path / "few.npz", images=images, labels=labels)
    task = load(str(tmp_path / "few.npz"), count=12, held_out=28)
    assert np.bincount(task.train.labels).tolist() == [6, 6]
    assert np.bincount(task.held_out.labels).tolist() == [24, 4]


def test_npz_with_encoded_images(tmp_path: Path) -> None:
    images = RNG.integers(0, 256, (30, 8, 8, 3), dtype=np.uint8)
    files = [png(image) for image in images]
    offsets = np.cumsum([0, *map(len, files)])
    np.savez(
        tmp_path / "c.npz",
        data=np.frombuffer(b"".join(files), np.uint8),
        offsets=offsets,
        labels=np.arange(30) % 2,
        classes=["cat", "dog"],
    )
    task = load("cifar10", data=str(tmp_path))
    assert task.names == ("cat", "dog")
    np.testing.assert_array_equal(task.train.images, images[:20].transpose(0, 3, 1, 2))


def test_a_folder_of_folders(tmp_path: Path) -> None:
    for name in ("stop", "yield"):
        (tmp_path / name).mkdir()
        for i in range(5):
            pixels = RNG.integers(0, 256, (10 + i, 9, 3), dtype=np.uint8)
            (tmp_path / name / f"{i}.png").write_bytes(png(pixels))
    task = load(str(tmp_path), count=6, held_out=4, inner=7)
    assert task.names == ("stop", "yield")
    assert task.train.images.shape == (6, 3, 7, 7)
    assert task.held_out.labels.tolist() == [0, 1, 0, 1]
    with pytest.raises(ConfigError, match=r"not squares of one size; give scene\.inner"):
        load(str(tmp_path), count=6, held_out=4)
    with pytest.raises(ConfigError, match=r"10 images, 12 are needed; lower scene\.count"):
        load(str(tmp_path), count=6, held_out=6, inner=7)
    (tmp_path / "stop" / "0.png").write_bytes(b"no image")
    with pytest.raises(ConfigError, match=r"0\.png: cannot be read as an image"):
        load(str(tmp_path), count=6, held_out=4, inner=7)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": np.zeros((30, 8, 8, 3), np.uint8)}, "holds no labels with images"),
        ({"images": np.zeros((30, 8, 8, 3), np.uint8), "labels": np.zeros(29, int)}, "expected 30 whole numbers"),
        ({"images": np.zeros((30, 8, 8, 3)), "labels": np.zeros(30, int)}, "images are float64"),
        ({"images": np.zeros((30, 8, 8, 3), np.uint8), "labels": np.full(30, -1)}, r"labels lie in -1\.\.-1"),
        ({"images": np.zeros((30, 8, 8, 3), np.uint8), "labels": np.full(30, 1)}, r"too few images of the label '0'"),
        ({"images": np.array([{}], object), "labels": np.zeros(1, int)}, "not an npz file of plain arrays"),
        ({"data": np.zeros(9, np.uint8), "offsets": np.zeros(3, int), "labels": np.zeros(9, int)}, "10 whole numbers"),
        (
            {"data": np.zeros(9, np.uint8), "offsets": np.zeros(2, int), "labels": np.array(0)},
            "expected 1 whole numbers",
        ),
    ],
)
def test_files_that_are_no_task(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(ConfigError, match=message):
        load(str(tmp_path / "t.npz"))


@pytest.mark.parametrize(
    ("task", "changes", "message"),
    [
        ("squares", {"count": 9}, r"scene\.count = 9: the task has 10 labels"),
        ("squares", {"held_out": 3}, r"scene\.held_out = 3: the task has 10 labels"),
        ("squares", {"frame": (4, 99, 99)}, "the classifier takes 4 planes"),
        ("squares", {"inner": 60}, "squares: images of 60x60 leave no frame of the 99x60"),
        ("nowhere", {}, "nowhere: No such file"),
        ("cifar10", {"data": "/nowhere"}, "/nowhere: No such file"),
    ],
)
def test_what_cannot_be_loaded(task: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(task, **changes)


@pytest.mark.parametrize("member", [b"junk", b"\x93NUMPY\x01\x00\x04\x00(((("])
def test_a_damaged_npz_file_takes_one_line(tmp_path: Path, member: bytes) -> None:
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(tmp_path / "t.npz", "w", compression) as archive:
            archive.writestr("labels.npy", member)
            archive.writestr("images.npy", member)
        with pytest.raises(ConfigError, match="not an npz file of plain arrays; give"):
            load(str(tmp_path / "t.npz"))


def test_an_npz_file_that_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.npz")
    with pytest.raises(ConfigError, match="no regular file"):
        load(str(tmp_path / "t.npz"))


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"0 folder\(s\) of images"):
        load(str(tmp_path))
    with pytest.raises(ConfigError, match=r"holds neither CIFAR-10's binary version nor a \.npz file"):
        load("cifar10", data=str(tmp_path))
