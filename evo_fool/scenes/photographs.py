"""The photographs of a scene: read from a folder or an npz file, chosen, prepared, and identified by a digest.

Every photograph that is named has to be usable: a run's identity must not depend on which files failed to load.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from evo_fool.class_names import ClassNames
from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.photographs import SUFFIXES, opened
from evo_fool.errors import ConfigError, UnknownClassError
from evo_fool.sampling import evenly
from evo_fool.scenes.arrays import npz_arrays

_MOST = 1 << 33
"""Bytes that an npz file may unpack to."""

KEPT = 1 << 31
"""Bytes that a run's own copy may unpack to: it comes with the run, and holds at most half of this."""

_UNCONVERTED = ("I", "F")
"""How the names of Pillow's modes of more than eight bits a channel begin."""


@dataclass(frozen=True, slots=True)
class Photographs:
    """Photographs as inputs of a classifier.

    Attributes:
        images: uint8 ``(k, channels, height, width)``.
        labels: class indices, int64 ``(k,)``; None where nothing says them.
        names: of the files, or "image 7" of an npz file.
    """

    images: np.ndarray
    labels: np.ndarray | None
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    def pick(self, rows: np.ndarray) -> Photographs:
        """Some of them, in that order; ``rows``: int64 ``(n,)``."""
        labels = None if self.labels is None else self.labels[rows]
        return Photographs(self.images[rows], labels, tuple(self.names[i] for i in rows.tolist()))

    @property
    def digest(self) -> str:
        """SHA-256, hex, of the images in their order."""
        head = json.dumps(list(self.images.shape)).encode()
        return hashlib.sha256(head + np.ascontiguousarray(self.images).tobytes()).hexdigest()

    def save(self, path: Path) -> None:
        """Write them as an npz file that :func:`read_photographs` reads back; it holds no Python objects."""
        labels = {} if self.labels is None else {"labels": self.labels}
        np.savez_compressed(path, images=self.images, names=np.array(self.names), **labels)  # type: ignore[arg-type]


def read_photographs(
    classifier: Classifier,
    path: Path,
    *,
    count: int | None = None,
    between: tuple[int, int] | None = None,
    most: int = _MOST,
) -> Photographs:
    """Photographs from a folder (flat, or one folder a class as ``ImageFolder``), one file, or an npz file.

    An npz file holds ``images``, uint8 ``(n, channels, h, w)`` or ``(n, h, w, channels)``, and perhaps ``labels``. They
    are sorted by class index where classes are known; a flat folder is sorted by name.

    Args:
        classifier: its preparation, size and class names are used.
        path: where they are.
        count: how many, evenly spread over that order; None: all.
        between: only those from the first of these places to before the second, chosen before ``count``.
        most: bytes that an npz file may unpack to.

    Raises:
        ConfigError: nothing to read, a photograph that cannot be used, or fewer than asked for.
    """
    source = _Archive(classifier, path, most) if path.suffix.lower() == ".npz" else _Files(classifier, path)
    order = np.arange(len(source))
    if source.labels is not None:
        order = np.argsort(source.labels, kind="stable")
    if between is not None:
        if between[1] > len(order):
            raise ConfigError(f"scene.between = {list(between)}: {path} has {len(order)} photographs; choose fewer")
        order = order[slice(*between)]
    if count is not None:
        if count > len(order):
            raise ConfigError(f"scene.count = {count}: there are {len(order)} photographs in {path}; ask for fewer")
        order = order[evenly(len(order), count)]
    images = np.stack([source.image(int(i)) for i in order])
    return Photographs(
        images, None if source.labels is None else source.labels[order], tuple(source.names[i] for i in order)
    )


class _Files:
    """Photographs in files."""

    def __init__(self, classifier: Classifier, path: Path) -> None:
        self.classifier = classifier
        try:
            self.files, self.labels = ([path], None) if path.is_file() else _listed(classifier, path)
        except (OSError, ValueError) as error:  # ValueError: a null byte in the path
            if isinstance(error, ConfigError):
                raise
            reason = getattr(error, "strerror", None) or error
            raise ConfigError(f"{path}: {reason}; give a folder of photographs: -S scene.photos=DIR") from None
        if not self.files:
            raise ConfigError(f"{path}: no photograph in it; its files must end in {', '.join(sorted(SUFFIXES))}")
        self.names = [file.name if path.is_file() else file.relative_to(path).as_posix() for file in self.files]

    def __len__(self) -> int:
        return len(self.files)

    def image(self, i: int) -> np.ndarray:
        file = self.files[i]
        try:
            with opened(file) as photo:
                photo.load()
                return prepared(photo, self.classifier, str(file))
        except ConfigError:
            raise
        except Exception as error:  # decoders raise anything on damaged files
            raise ConfigError(f"{file}: not readable as a photograph ({type(error).__name__}); remove it") from None


class _Archive:
    """Photographs in an npz file."""

    def __init__(self, classifier: Classifier, path: Path, most: int) -> None:
        self.classifier, self.path = classifier, path
        remedy = "write one with np.savez(path, images=…, labels=…)"
        arrays = npz_arrays(path, ("images", "labels", "names"), most=most, remedy=remedy)
        if "images" not in arrays:
            raise ConfigError(f"{path}: holds no array 'images'; save it with np.savez(path, images=…)")
        images, labels, names = arrays["images"], arrays.get("labels"), arrays.get("names")
        channels = classifier.channels
        if images.dtype != np.uint8 or images.ndim != 4 or channels not in (images.shape[1], images.shape[3]):
            raise ConfigError(
                f"{path}: images are {images.dtype} {images.shape}; {classifier.name} needs uint8 "
                f"(n, {channels}, height, width) or (n, height, width, {channels})"
            )
        self.images = images if images.shape[1] == channels else images.transpose(0, 3, 1, 2)
        n = len(images)
        if not n:
            raise ConfigError(f"{path}: no photograph in it")
        self.labels = None if labels is None else self._labels(labels, n)
        named = names is not None and names.shape == (n,) and names.dtype.kind == "U"
        self.names = names.tolist() if named and names is not None else [f"image {i}" for i in range(n)]

    def __len__(self) -> int:
        return len(self.images)

    def image(self, i: int) -> np.ndarray:
        image = self.images[i]
        if image.shape == self.classifier.shape:
            return np.ascontiguousarray(image)
        if len(image) not in (1, 3):
            raise ConfigError(
                f"{self.path}: images of {len(image)} channels are not resized; save them as {self._size}"
            )
        photo = Image.fromarray(np.ascontiguousarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)))
        return prepared(photo, self.classifier, f"{self.path}, {self.names[i]}")

    @property
    def _size(self) -> str:
        return "x".join(map(str, self.classifier.shape[1:]))

    def _labels(self, labels: np.ndarray, n: int) -> np.ndarray:
        classes = len(self.classifier.classes)
        if labels.shape != (n,) or labels.dtype.kind not in "iu":
            raise ConfigError(f"{self.path}: labels are {labels.dtype} {labels.shape}; expected integers ({n},)")
        labels = labels.astype(np.int64)
        if labels.min() < 0 or labels.max() >= classes:
            wrong = labels[(labels < 0) | (labels >= classes)][0]
            raise ConfigError(f"{self.path}: label {wrong} is none of the classes 0 to {classes - 1}; correct it")
        return labels


def prepared(photo: Image.Image, classifier: Classifier, name: str) -> np.ndarray:
    """A photograph as an input of ``classifier``, uint8 ``(channels, height, width)``.

    Palettes, CMYK and opaque alpha are converted.

    Raises:
        ConfigError: more than eight bits a channel, transparent pixels, or fewer pixels than the input.
    """
    height, width = classifier.shape[1:]
    if photo.mode.startswith(_UNCONVERTED):
        raise ConfigError(f"{name}: mode {photo.mode}, more than 8 bits a channel; save it with 8")
    if photo.has_transparency_data:
        photo = photo.convert("RGBA")
        if photo.getchannel("A").getextrema() != (255, 255):
            raise ConfigError(f"{name}: has transparent pixels; save it without transparency")
    if photo.width < width or photo.height < height:
        raise ConfigError(
            f"{name}: {photo.width}x{photo.height} pixels are too few, {classifier.name} takes {width}x{height}; "
            "enlarge it yourself, or leave it out"
        )
    if classifier.channels not in (1, 3):
        raise ConfigError(
            f"{classifier.name} takes {classifier.channels} channels; give the photographs as an npz file"
        )
    return classifier.preparation(photo, (height, width), classifier.channels)


def _listed(classifier: Classifier, folder: Path) -> tuple[list[Path], np.ndarray | None]:
    """The photographs of a folder in order, with class indices where its folders are named after classes."""
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    flat = [entry for entry in entries if entry.suffix.lower() in SUFFIXES and entry.is_file()]
    if flat:
        return flat, None
    names = ClassNames(classifier.classes, classifier.aliases)
    files: list[Path] = []
    labels: list[int] = []
    for entry in (entry for entry in entries if entry.is_dir()):
        found = [file for file in sorted(entry.rglob("*")) if file.suffix.lower() in SUFFIXES and file.is_file()]
        if not found:
            continue
        try:
            label = names.find(entry.name)
        except UnknownClassError:
            raise ConfigError(
                f"{entry}: the folder's name is no class of {classifier.name}; rename it, or put all photographs "
                "into one folder"
            ) from None
        files += found
        labels += [label] * len(found)
    return files, np.array(labels, dtype=np.int64)
