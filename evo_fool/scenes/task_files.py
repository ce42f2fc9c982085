"""Labelled images of a task as they are stored: MNIST, CIFAR-10, a ``.npz`` file, or a folder per label.

Nothing is unpickled: of CIFAR-10 a ``.npz`` file or the binary version is read, never the version for Python.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from evo_fool.classifiers.mnist_data import load_mnist
from evo_fool.classifiers.photographs import SUFFIXES, opened
from evo_fool.errors import ConfigError
from evo_fool.scenes.arrays import npz_arrays

_CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
_CIFAR10_RECORD = 1 + 3 * 32 * 32
_CIFAR10_TRAIN = [f"data_batch_{i}.bin" for i in range(1, 6)]
_CIFAR10_TEST = ["test_batch.bin"]
_ARRAYS = ("images", "data", "offsets", "labels", "classes")
_LARGEST = 2**31
"""Bytes to which a ``.npz`` file may unpack."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Labelled images, read when they are asked for.

    Attributes:
        source: for messages.
        names: one a label.
        labels: int64 ``(n,)``, each below the number of names.
        read: one image, uint8 ``(channels, height, width)`` with 1 or 3 channels, by its row.
    """

    source: str
    names: tuple[str, ...]
    labels: np.ndarray
    read: Callable[[int], np.ndarray]


def stored_task(task: str, data: str | None) -> list[Stored]:
    """The images of a stored task: one collection, or two where its authors set the second apart for tests.

    Args:
        task: ``mnist``, ``cifar10``, or a folder or ``.npz`` file of any other.
        data: where the images of ``mnist`` and ``cifar10`` are; None: below ``$EVO_FOOL_DATA``.

    Raises:
        ConfigError: none there, damaged, or without labels.
    """
    if task == "mnist":
        names = tuple("0123456789")
        halves = load_mnist(_data(data, task))
        return [_arrays(task, names, half.images.numpy()[:, None], half.labels.numpy()) for half in halves]
    if task == "cifar10":
        path = _data(data, task)
        return _cifar10(path) if path.is_dir() else [_npz(path)]
    return [_folder(Path(task)) if Path(task).is_dir() else _npz(Path(task))]


def _data(given: str | None, task: str) -> Path:
    if given is not None:
        return Path(given)
    if root := os.environ.get("EVO_FOOL_DATA"):
        return Path(root) / task if (Path(root) / task).is_dir() else Path(root)
    raise ConfigError(f"scene.task = {task!r} needs data: give scene.data, or set EVO_FOOL_DATA")


def _arrays(source: str, names: tuple[str, ...], images: np.ndarray, labels: np.ndarray) -> Stored:
    """A collection in memory; ``images`` with channels first or last."""
    if images.dtype != np.uint8 or images.ndim != 4 or not {1, 3} & {images.shape[1], images.shape[3]}:
        raise ConfigError(
            f"{source}: images are {images.dtype} {images.shape}; expected uint8 (n, height, width, channels), 1 or 3"
        )
    if images.shape[3] in (1, 3):
        images = images.transpose(0, 3, 1, 2)
    return Stored(source, names, _checked(labels, len(images), names, source), lambda row: images[row])


def _checked(labels: np.ndarray, n: int, names: tuple[str, ...], source: str) -> np.ndarray:
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise ConfigError(f"{source}: labels are {labels.dtype} {labels.shape}; expected {n} whole numbers")
    if n and not 0 <= int(labels.min()) <= int(labels.max()) < len(names):
        raise ConfigError(f"{source}: labels lie in {labels.min()}..{labels.max()}; expected 0..{len(names) - 1}")
    return labels.astype(np.int64)


def _cifar10(folder: Path) -> list[Stored]:
    """The two halves of CIFAR-10's binary version, or the one ``.npz`` file of a folder."""
    for place in (folder, folder / "cifar-10-batches-bin"):
        if (place / _CIFAR10_TEST[0]).is_file():
            return [_binary(place, files) for files in (_CIFAR10_TRAIN, _CIFAR10_TEST)]
    files = sorted(folder.glob("*.npz"))
    if len(files) == 1:
        return [_npz(files[0])]
    found = ", ".join(file.name for file in files) or "neither CIFAR-10's binary version nor a .npz file"
    raise ConfigError(f"{folder}: holds {found}; name one .npz file by scene.data, or the binary version's folder")


def _binary(folder: Path, files: list[str]) -> Stored:
    try:
        bytes_ = np.concatenate([np.fromfile(folder / name, np.uint8) for name in files])
        records = bytes_.reshape(-1, _CIFAR10_RECORD)
    except OSError as error:
        raise ConfigError(f"{error.filename}: {error.strerror}; get CIFAR-10's binary version again") from None
    except ValueError:
        raise ConfigError(f"{folder}: {', '.join(files)} are damaged; get CIFAR-10's binary version again") from None
    return _arrays(str(folder), tuple(_CIFAR10), records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0])


def _npz(path: Path) -> Stored:
    """A ``.npz`` file: ``labels``, and ``images`` or encoded ones end to end in ``data`` with ``offsets``.

    ``classes`` names the labels; without it they go by their numbers.
    """
    arrays = npz_arrays(path, _ARRAYS, most=_LARGEST, remedy="give a .npz file with images and labels")
    if "labels" not in arrays or not ("images" in arrays or {"data", "offsets"} <= arrays.keys()):
        raise ConfigError(f"{path}: holds no labels with images, or with data and offsets")
    labels = arrays["labels"]
    top = int(labels.max()) + 1 if labels.size and labels.dtype.kind in "iu" and labels.max() < 2**16 else 0
    names = tuple(map(str, np.atleast_1d(arrays.get("classes", np.arange(top)))))
    if "images" in arrays:
        return _arrays(str(path), names, arrays["images"], labels)
    data, offsets = arrays["data"], arrays["offsets"]
    if (
        data.dtype != np.uint8
        or data.ndim != 1
        or offsets.shape != (labels.size + 1,)
        or offsets.dtype.kind not in "iu"
    ):
        raise ConfigError(f"{path}: expected data as bytes, and {labels.size + 1} whole numbers as offsets")

    def read(row: int) -> np.ndarray:
        return _decoded(io.BytesIO(data[int(offsets[row]) : int(offsets[row + 1])].tobytes()), f"{path}, image {row}")

    return Stored(str(path), names, _checked(labels, labels.size, names, str(path)), read)


def _folder(folder: Path) -> Stored:
    """A folder that holds one folder of images per label, in alphabetical order."""
    try:
        folders = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror}; give a folder with one folder of images per label") from None
    if len(folders) < 2:
        raise ConfigError(f"{folder}: {len(folders)} folder(s) of images; a task needs one per label, at least two")
    files = [
        (label, path)
        for label, entry in enumerate(folders)
        for path in sorted(entry.iterdir())
        if path.suffix.lower() in SUFFIXES and path.is_file()
    ]
    names, labels = tuple(entry.name for entry in folders), np.array([label for label, _ in files], dtype=np.int64)
    return Stored(str(folder), names, labels, lambda row: _decoded(files[row][1], str(files[row][1])))


def _decoded(file: Path | BinaryIO, name: str) -> np.ndarray:
    try:
        with opened(file) as image:
            pixels = np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))
    except Exception as error:  # decoders raise anything on damaged files
        raise ConfigError(f"{name}: cannot be read as an image ({type(error).__name__}); take it out") from None
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
