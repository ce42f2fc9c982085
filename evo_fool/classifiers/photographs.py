"""Photographs as inputs, and a classifier's accuracy on them.

A folder of photographs has one folder per class, as torchvision's ``ImageFolder``, named by WordNet id or by any other
name of the class. Classes go by these names alone, never by the order of the folders.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from evo_fool.class_names import ClassNames
from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError, UnknownClassError
from evo_fool.sampling import evenly

SUFFIXES = {".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"}
"""What counts as a photograph; as for torchvision's ``ImageFolder``."""

_CHUNK = 64


@dataclass(slots=True)
class Accuracy:
    """A classifier's accuracy on photographs.

    Attributes:
        photos: photographs scored.
        first: of these, how many have their class as its best guess.
        five: how many have their class among its five best guesses.
        unreadable: files that cannot be decoded, relative to the folder.
        unknown: folders whose name means no class, or several.
    """

    photos: int = 0
    first: int = 0
    five: int = 0
    unreadable: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def top1(self) -> float:
        """Share of photographs whose class is the best guess, in [0, 1]."""
        return self.first / max(1, self.photos)

    @property
    def top5(self) -> float:
        """Share of photographs whose class is among the five best guesses, in [0, 1]."""
        return self.five / max(1, self.photos)

    def better_than_guessing(self, classes: int) -> bool:
        """Whether more are right than by guessing, by four standard deviations."""
        p = 1 / classes
        return self.first > self.photos * p + 4 * float(np.sqrt(self.photos * p * (1 - p)))


def measure_accuracy(scorer: Scorer, folder: Path) -> Accuracy:
    """A classifier's accuracy on the photographs below ``folder``.

    Args:
        scorer: of the classifier.
        folder: holds one folder per class.

    Raises:
        ConfigError: there is no such folder, or not one photograph of a known class.
        ClassifierError: the classifier fails.
    """
    accuracy, classifier = Accuracy(), scorer.classifier
    found = class_photographs(classifier, folder, accuracy)
    inputs = prepared_inputs(classifier, found, folder, accuracy)
    while chunk := list(islice(inputs, _CHUNK)):
        images, labels = zip(*chunk, strict=True)
        log_odds = scorer.score(np.stack(images))
        truth = log_odds[np.arange(len(labels)), labels]
        better = (log_odds >= truth[:, None]).sum(axis=1) - 1  # a tie is not right
        accuracy.photos += len(labels)
        accuracy.first += int((better < 1).sum())
        accuracy.five += int((better < 5).sum())
    if not accuracy.photos:
        why = f"{len(accuracy.unreadable)} file(s) do not load, {len(accuracy.unknown)} folder(s) name no class"
        raise ConfigError(
            f"{folder}: no photograph to show ({why}); expected folders named by WordNet id or class name"
        )
    return accuracy


def readable_photographs(
    classifier: Classifier, folder: Path, *, limit: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Photographs as inputs of a classifier, and the class of each.

    Args:
        classifier: its preparation, size and class names are used.
        folder: holds one folder per class.
        limit: most photographs read, spread evenly over the folder; None: all.

    Returns:
        Images uint8 ``(n, channels, height, width)`` and class indices int64 ``(n,)``; files that do not load are left
        out.

    Raises:
        ConfigError: there is no such folder, or not one photograph of a known class.
    """
    found = list(class_photographs(classifier, folder, Accuracy()))
    if limit is not None:
        found = [found[i] for i in evenly(len(found), limit)]
    inputs = list(prepared_inputs(classifier, found, folder, Accuracy()))
    if not inputs:
        raise ConfigError(f"{folder}: no photograph of a known class; expected folders named by WordNet id or class")
    images, labels = zip(*inputs, strict=True)
    return np.stack(images), np.array(labels, dtype=np.int64)


@contextmanager
def opened(file: Path | BinaryIO) -> Iterator[Image.Image]:
    """An image file for decoding; a decompression bomb is an error, and nothing else is warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(file) as photo:
            yield photo


def class_photographs(classifier: Classifier, folder: Path, accuracy: Accuracy) -> Iterator[tuple[Path, int]]:
    """The files below ``folder`` with the class of each; folders that name no class are noted in ``accuracy``."""
    names = ClassNames(classifier.classes, classifier.aliases)
    try:
        folders = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        raise ConfigError(
            f"{folder}: {error.strerror}; give a folder that holds one folder of photographs per class"
        ) from None
    for entry in folders:
        try:
            label = names.find(entry.name)
        except UnknownClassError:
            accuracy.unknown.append(entry.name)
            continue
        for path in sorted(entry.rglob("*")):
            if path.suffix.lower() in SUFFIXES and path.is_file():
                yield path, label


def prepared_inputs(
    classifier: Classifier, found: Iterable[tuple[Path, int]], folder: Path, accuracy: Accuracy
) -> Iterator[tuple[np.ndarray, int]]:
    """Prepared photographs with the class of each; files that cannot be decoded are noted in ``accuracy``."""
    for path, label in found:
        try:
            with opened(path) as photo:
                image = classifier.preparation(photo, classifier.shape[1:], classifier.channels)
        except Exception:  # decoders raise anything on damaged files
            accuracy.unreadable.append(path.relative_to(folder).as_posix())
            continue
        yield image, label
