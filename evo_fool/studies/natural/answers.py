"""What networks answer to photographs and to elites: over all classes, and over those that are kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from scipy.special import logsumexp

from evo_fool.class_names import ClassNames
from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.photographs import SUFFIXES, Accuracy, class_photographs, prepared_inputs
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.sources.description import listed
from evo_fool.errors import ConfigError, UnknownClassError

_CHUNK = 64


@dataclass(frozen=True, slots=True)
class Answers:
    """A network's answers to ``n`` images.

    Attributes:
        places: of the images among those that were to be shown, int64 ``(n,)``.
        labels: the class of each, int64 ``(n,)``; -1: none that the network knows.
        all: the likeliest of all classes, int64 ``(n,)``.
        log_p: the logarithm of its probability, float64 ``(n,)``.
        kept: the likeliest of the kept classes, int64 ``(n,)``, as an index of all.
        kept_log_p: the logarithm of its probability among the kept, float64 ``(n,)``.
        label_odds: log-odds of the image's own class, float64 ``(n,)``.
    """

    places: np.ndarray
    labels: np.ndarray
    all: np.ndarray
    log_p: np.ndarray
    kept: np.ndarray
    kept_log_p: np.ndarray
    label_odds: np.ndarray


def answers(
    scorer: Scorer, images: Iterable[tuple[np.ndarray, int]], labels: np.ndarray, keep: np.ndarray
) -> Answers | None:
    """Show images to a network; None where there are none.

    Probabilities among the kept classes are the softmax over their logits alone.

    Args:
        scorer: of the network.
        images: uint8 ``(channels, height, width)`` and the place of each.
        labels: by place, int64; -1 for none.
        keep: classes, int64 ``(k,)``.

    Raises:
        ClassifierError: the network fails.
    """
    images, parts = iter(images), []
    while chunk := list(islice(images, _CHUNK)):
        pixels, places = zip(*chunk, strict=True)
        log_odds, own = scorer.score(np.stack(pixels)), labels[list(places)]
        log_p = -np.logaddexp(0, -log_odds)
        kept_log_p = log_p[:, keep] - logsumexp(log_p[:, keep], axis=1, keepdims=True)
        found = (log_odds.argmax(1), log_p.max(1), keep[kept_log_p.argmax(1)], kept_log_p.max(1))
        parts.append((np.array(places), own, *found, log_odds[np.arange(len(own)), own]))
    return Answers(*(np.concatenate(each) for each in zip(*parts, strict=True))) if parts else None


@dataclass(frozen=True, slots=True)
class Files:
    """Photographs on disk.

    Attributes:
        folder: that holds them.
        paths: of the files.
        labels: the class of each, int64; -1: none.
    """

    folder: Path
    paths: list[Path]
    labels: np.ndarray

    def shown(self, scorer: Scorer, keep: np.ndarray) -> Answers:
        """:func:`answers` to those that load, as the network prepares them.

        Raises:
            ConfigError: none loads.
        """
        placed = [(path, place) for place, path in enumerate(self.paths)]
        found = answers(scorer, prepared_inputs(scorer.classifier, placed, self.folder, Accuracy()), self.labels, keep)
        if found is None:
            raise ConfigError(f"{self.folder}: none of its {len(self.paths)} photographs loads")
        return found

    def image(self, place: int, classifier: Classifier) -> np.ndarray:
        """One that loads, as the input of a classifier, uint8 ``(channels, height, width)``."""
        return next(prepared_inputs(classifier, [(self.paths[place], 0)], self.folder, Accuracy()))[0]


def class_files(classifier: Classifier, folder: Path, classes: str | None) -> tuple[Files, np.ndarray, list[str]]:
    """The photographs of the kept classes, these classes (int64, sorted), and the folders whose names mean no class.

    Args:
        classifier: whose classes they are.
        folder: holds one folder a class.
        classes: a file of the classes to keep; None: those that have photographs.

    Raises:
        ConfigError: nothing can be read, or the file names a class that the classifier does not know.
    """
    seen = Accuracy()
    found = list(class_photographs(classifier, folder, seen))
    keep = {label for _, label in found} if classes is None else _named(classifier, classes)
    paths = [path for path, label in found if label in keep]
    if not paths:
        raise ConfigError(f"{folder}: no photograph of a kept class; expected folders named by WordNet id or class")
    labels = np.array([label for _, label in found if label in keep], dtype=np.int64)
    return Files(folder, paths, labels), np.array(sorted(keep), dtype=np.int64), seen.unknown


def _named(classifier: Classifier, path: str) -> set[int]:
    names: Sequence[str] = listed(Path(path))
    if names and names[0].startswith("["):
        try:
            names = [str(entry["wnid"] if isinstance(entry, dict) else entry) for entry in json.loads("\n".join(names))]
        except (ValueError, KeyError, RecursionError):
            raise ConfigError(f"--classes {path}: expected a JSON list of names or of objects with a wnid") from None
    known = ClassNames(classifier.classes, classifier.aliases)
    found = set()
    for name in names:
        try:
            found.add(known.find(name))
        except UnknownClassError as error:
            try:  # as in the lists of ImageNet-A: the id, then words for people
                found.add(known.find(name.partition(" ")[0]))
            except UnknownClassError:
                raise ConfigError(f"--classes {path}: {error}") from None
    return found


def outside_files(folder: Path) -> Files:
    """Every photograph below ``folder``, of no class.

    Raises:
        ConfigError: there is none.
    """
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES and path.is_file()]
    if not paths:
        raise ConfigError(f"--outside {folder}: there is no photograph")
    return Files(folder, paths, np.full(len(paths), -1))
