"""Photographs as a classifier takes them, and how many of them it gets right: whether it is what it should be.

A folder of photographs has one folder a class, as torchvision's ``ImageFolder``, named by WordNet id or by any other
name of the class. Classes go by these names alone, never by the order of the folders.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from evo_fool.class_names import ClassNames
from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.preparation import Preparation
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.shape import Size

SUFFIXES = {".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"}
"""What counts as a photograph; as for torchvision's ``ImageFolder``."""

_CHUNK = 64


@dataclass(slots=True)
class Accuracy:
    """How a classifier did on photographs.

    Attributes:
        photos: how many it was shown.
        first: of these, how many it called by their class.
        five: how many had their class among its five best guesses.
        unreadable: files that do not load, below the folder.
        unknown: folders that are named like no class, or like several.
    """

    photos: int = 0
    first: int = 0
    five: int = 0
    unreadable: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def top1(self) -> float:
        """Share of photographs that it called by their class."""
        return self.first / max(1, self.photos)

    @property
    def top5(self) -> float:
        """Share of photographs that had their class among its five best guesses."""
        return self.five / max(1, self.photos)

    def better_than_guessing(self, classes: int) -> bool:
        """Whether guessing would hardly ever get as many right (four standard deviations)."""
        p = 1 / classes
        return self.first > self.photos * p + 4 * float(np.sqrt(self.photos * p * (1 - p)))


def measure_accuracy(scorer: Scorer, folder: Path) -> Accuracy:
    """Show the photographs below ``folder`` to a classifier.

    Args:
        scorer: the classifier at work.
        folder: one that holds a folder a class.

    Raises:
        ConfigError: there is no such folder, or not one photograph of a known class.
        ClassifierError: the classifier fails.
    """
    accuracy, classifier = Accuracy(), scorer.classifier
    labels: list[int] = []
    images: list[np.ndarray] = []
    for path, label in _photographs(folder, ClassNames(classifier.classes, classifier.aliases), accuracy):
        try:
            image = _read(path, classifier.preparation, classifier.shape[1:], classifier.channels)
        except Exception:  # a decoder that is fed garbage fails in any way it likes
            accuracy.unreadable.append(path.relative_to(folder).as_posix())
            continue
        labels.append(label)
        images.append(image)
        if len(images) == _CHUNK:
            _count(scorer, images, labels, accuracy)
    _count(scorer, images, labels, accuracy)
    if not accuracy.photos:
        why = f"{len(accuracy.unreadable)} file(s) do not load, {len(accuracy.unknown)} folder(s) name no class"
        raise ConfigError(
            f"{folder}: no photograph to show ({why}); expected folders named by WordNet id or class name"
        )
    return accuracy


def read_photographs(
    classifier: Classifier, folder: Path, *, limit: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Photographs as the classifier takes them, and the class that each shows.

    Args:
        classifier: says how a photograph is prepared, and which folders name a class.
        folder: one that holds a folder a class.
        limit: read at most so many, spread evenly over the folder; None: all.

    Returns:
        Images uint8 ``(n, channels, height, width)`` and class indices int64 ``(n,)``; files that do not load are left
        out.

    Raises:
        ConfigError: there is no such folder, or not one photograph of a known class.
    """
    found = list(_photographs(folder, ClassNames(classifier.classes, classifier.aliases), Accuracy()))
    if limit is not None and len(found) > limit:
        found = [found[i] for i in np.linspace(0, len(found) - 1, limit).round().astype(int)]
    images, labels = [], []
    for path, label in found:
        try:
            images.append(_read(path, classifier.preparation, classifier.shape[1:], classifier.channels))
        except Exception:  # a decoder that is fed garbage fails in any way it likes
            continue
        labels.append(label)
    if not images:
        raise ConfigError(f"{folder}: no photograph of a known class; expected folders named by WordNet id or class")
    return np.stack(images), np.array(labels, dtype=np.int64)


def _photographs(folder: Path, names: ClassNames, accuracy: Accuracy) -> Iterator[tuple[Path, int]]:
    try:
        folders = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        raise ConfigError(
            f"{folder}: {error.strerror}; give a folder that holds a folder of photographs a class"
        ) from None
    for entry in folders:
        try:
            label = names.find(entry.name)
        except KeyError:
            accuracy.unknown.append(entry.name)
            continue
        for path in sorted(entry.rglob("*")):
            if path.suffix.lower() in SUFFIXES and path.is_file():
                yield path, label


def _read(path: Path, prepare: Preparation, size: Size, channels: int) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path) as photo:
            return prepare(photo, size, channels)


def _count(scorer: Scorer, images: list[np.ndarray], labels: list[int], accuracy: Accuracy) -> None:
    """Score what was gathered, count it and let it go."""
    if not images:
        return
    log_odds = scorer.score(np.stack(images))
    truth = log_odds[np.arange(len(labels)), labels]
    better = (log_odds >= truth[:, None]).sum(axis=1) - 1  # who cannot decide has not decided right
    accuracy.photos += len(labels)
    accuracy.first += int((better < 1).sum())
    accuracy.five += int((better < 5).sum())
    images.clear()
    labels.clear()
