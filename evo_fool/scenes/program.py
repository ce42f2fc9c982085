"""Adversarial reprogramming: the picture surrounds a small task image, and the network's answers mean the task's labels
(Elsayed, Goodfellow & Sohl-Dickstein 2019).

One cell, named after the task. The paper minimises the mean of -log P(mapped class) over the task images; the cell's
log-odds are those of the geometric mean exp(mean log P), so that they grow as the paper's loss falls.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.probability import probability
from evo_fool.scenes.composite import Composite
from evo_fool.scenes.tasks import TaskImages, load_task

if TYPE_CHECKING:
    from evo_fool.scene_sections import ProgramConfig

BLANK = 128
"""Every value of the frame that stands for no program."""


class Program(Composite):
    """The picture is a frame of the classifier's size; the task image replaces its middle.

    Attributes:
        task: its images and labels.
        mapping: the class that stands for each label, int64 ``(labels,)``.

    Raises:
        ConfigError: no such task, task images as large as the frame, or more labels than classes.
    """

    config: ProgramConfig
    material = "task images"

    def __init__(self, config: ProgramConfig, scorer: Scorer, seed: int) -> None:
        self.task = load_task(
            config.task,
            data=config.data,
            count=config.count,
            held_out=config.held_out,
            inner=config.inner,
            frame=scorer.classifier.shape,
            seed=seed,
        )
        super().__init__(config, scorer, seed, len(self.task.train.labels))
        side, labels, classes = self.task.train.images.shape[2], len(self.task.names), len(scorer.classifier.classes)
        if labels > classes:
            raise ConfigError(f"scene.task = {config.task!r} has {labels} labels, the classifier {classes} classes")
        self._rows, self._columns = (
            slice((length - side) // 2, (length - side) // 2 + side) for length in self.shape[1:]
        )
        self._train = torch.from_numpy(self.task.train.images).to(scorer.device)
        self.cells = (self.task.name,)
        self.mapping = np.arange(labels) if config.mapping == "order" else self._greedy_mapping()

    def compose(self, pictures: Tensor, rows: np.ndarray) -> Tensor:
        """Task images inside pictures."""
        return self._framed(pictures, self._train[torch.from_numpy(rows).to(self.scorer.device)])

    def answers(self, log_odds: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Log-odds of the class that stands for the right label."""
        return log_odds[np.arange(len(rows)), self.mapping[self.task.train.labels[rows]], None]

    def summed(self, answers: np.ndarray) -> np.ndarray:
        """Sums ``(n, 1, 1)`` of log p."""
        return -np.logaddexp(0, -answers).sum(axis=1, keepdims=True)

    def added(self, sums: np.ndarray, more: np.ndarray) -> np.ndarray:
        """The sums over further inputs and those before."""
        return sums + more

    def score_of(self, sums: np.ndarray, seen: int) -> np.ndarray:
        """Log-odds ``(n, 1)`` of the geometric mean probability; a log-probability of -1e-300 counts as the largest."""
        mean = np.minimum(sums[:, 0] / seen, -1e-300)
        return np.asarray(mean - np.log(-np.expm1(mean)))

    def bounds(self, sums: np.ndarray, seen: int) -> tuple[np.ndarray, np.ndarray]:
        """No least score, and the score if all other answers were certain."""
        high = self.score_of(sums, self.k)
        return np.full_like(high, -np.inf), high

    def originals(self, rows: Sequence[int] | None = None) -> np.ndarray:
        """The task images in a grey frame: no program."""
        return self.shown(np.full(self.shape, BLANK, np.uint8), rows)

    def record(self) -> dict[str, Any]:
        """A digest of the task images and labels, and the classes that stand for the labels."""
        digest = hashlib.sha256()
        for half in (self.task.train, self.task.held_out):
            digest.update(
                repr(half.images.shape).encode() + half.images.tobytes() + half.labels.astype("<i8").tobytes()
            )
        classes = self.scorer.classifier.classes
        return {
            "task": self.task.name,
            "labels": list(self.task.names),
            "classes": [classes[index] for index in self.mapping],
            "sha256": digest.hexdigest(),
        }

    def report(self, picture: np.ndarray) -> dict[str, Any]:
        """Accuracy on the held-out task images, float32 scores; JSON-able.

        ``accuracy`` lets the mapped classes compete only with each other, as is usual; for ``accuracy_of_all_classes``
        the right one has to be the likeliest of all. ``confusion`` counts answers among the mapped classes: rows are
        labels, columns answers. ``chance`` is the share of the commonest label.
        """
        return self.accuracy(picture, self.task.held_out)

    def accuracy(self, picture: np.ndarray, part: TaskImages) -> dict[str, Any]:
        """As :meth:`report`, on any images of the task."""
        log_odds = self._answers(picture, part.images)
        answers, right = log_odds[:, self.mapping].argmax(axis=1), log_odds.argmax(axis=1) == self.mapping[part.labels]
        confusion = np.zeros((len(self.mapping), len(self.mapping)), dtype=int)
        np.add.at(confusion, (part.labels, answers), 1)
        return {
            "accuracy": float((answers == part.labels).mean()),
            "accuracy_of_all_classes": float(right.mean()),
            "chance": float(confusion.sum(axis=1).max() / len(part.labels)),
            "images": len(part.labels),
            "labels": list(self.task.names),
            "classes": [self.scorer.classifier.classes[index] for index in self.mapping],
            "confusion": confusion.tolist(),
        }

    def framed(self, picture: np.ndarray, images: np.ndarray) -> np.ndarray:
        """Task images, uint8 ``(n, channels, side, side)``, in one picture: uint8 ``(n, channels, height, width)``."""
        frame = self._there(picture[None]).expand(len(images), -1, -1, -1)
        return np.asarray(self._framed(frame, torch.from_numpy(images).to(self.scorer.device)).cpu())

    def _answers(self, picture: np.ndarray, images: np.ndarray) -> np.ndarray:
        """Log-odds of every class, float64 ``(n, classes)``, for task images inside one picture."""
        frame, parts = self._there(picture[None]), []
        for start in range(0, len(images), self.scorer.batch):
            some = torch.from_numpy(images[start : start + self.scorer.batch]).to(self.scorer.device)
            parts.append(self.scorer.score(self._framed(frame.expand(len(some), -1, -1, -1), some)))
        return np.concatenate(parts)

    def _framed(self, pictures: Tensor, images: Tensor) -> Tensor:
        inputs = pictures.clone()
        inputs[:, :, self._rows, self._columns] = images
        return inputs

    def _greedy_mapping(self) -> np.ndarray:
        """A class for each label, by a first pass over the task images without a program.

        The pair of label and class whose mean probability exceeds most that of the class over all labels comes first,
        then the next one of a label and a class that are free: one class per label, as in the frequency-based mapping
        of Chen et al. 2023 (Understanding and Improving Visual Prompting), with probabilities in place of counts.
        """
        part = self.task.train
        self.passes += self.inputs
        self.possible += self.inputs
        answers = probability(self._answers(np.full(self.shape, BLANK, np.uint8), part.images))
        means = np.stack([answers[part.labels == label].mean(axis=0) for label in range(len(self.task.names))])
        excess = (means - means.mean(axis=0)).round(6)  # rounded, so that another device finds the same
        mapping = np.zeros(len(excess), dtype=np.int64)
        for _ in mapping:
            label, best = np.unravel_index(excess.argmax(), excess.shape)
            mapping[label] = best
            excess[label], excess[:, best] = -np.inf, -np.inf
        return mapping

    @property
    def nbytes(self) -> int:
        """The task images, those of the search once more on the device."""
        return 2 * self.task.train.images.nbytes + self.task.held_out.images.nbytes
