"""The small tasks for which a network is reprogrammed (Elsayed et al. 2019): images with labels, in two halves.

The images of the first half guide the search; those of the second are held out, for what is reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from evo_fool.errors import ConfigError
from evo_fool.image import to_pillow
from evo_fool.randomness import stream
from evo_fool.scene_sections import TASKS
from evo_fool.scenes.task_files import Stored, stored_task

GRID, CELL = 4, 9
"""The task ``squares``: cells a side, and pixels a side of each."""


@dataclass(frozen=True, slots=True)
class TaskImages:
    """Images of a task.

    Attributes:
        images: uint8 ``(n, channels, side, side)``.
        labels: int64 ``(n,)``, each below the number of names.
    """

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True, slots=True)
class Task:
    """A task with two halves; no stored image is in both.

    Attributes:
        name: ``squares``, ``mnist``, ``cifar10``, or that of a folder or file.
        names: one a label.
        train: for the search.
        held_out: for the report.
    """

    name: str
    names: tuple[str, ...]
    train: TaskImages
    held_out: TaskImages


def load_task(
    task: str, *, data: str | None, count: int, held_out: int, inner: int | None, frame: tuple[int, int, int], seed: int
) -> Task:
    """The images of a task, all labels equally often where the data allow.

    Args:
        task: ``squares``, ``mnist``, ``cifar10``, or the path of a folder with one folder of images per label, or of a
            ``.npz`` file.
        data: where the images of ``mnist`` and ``cifar10`` are; None: below ``$EVO_FOOL_DATA``.
        count: images for the search, at least one per label.
        held_out: images for the report, at least one per label.
        inner: side in pixels to which images are resized (bilinear); None: their own.
        frame: channels, 1 or 3, height and width of what surrounds the images.
        seed: decides the images of ``squares``.

    Raises:
        ConfigError: no data, damaged data, fewer images than asked for, or images that leave no frame.
    """
    if frame[0] not in (1, 3):
        raise ConfigError(f"scene.kind = program: task images are grey or RGB, the classifier takes {frame[0]} planes")
    wanted = (count, held_out)
    drawn = zip(wanted, ("train", "held-out"), strict=True)
    sources = [squares(n, seed, part) for n, part in drawn] if task == "squares" else stored_task(task, data)
    names = sources[0].names
    for key, n in zip(("count", "held_out"), wanted, strict=True):
        if n < len(names):
            raise ConfigError(f"scene.{key} = {n}: the task has {len(names)} labels; give at least one image of each")
    if len(sources) == 1:
        rows = _parts(sources[0], wanted)
    else:
        rows = [_parts(source, (n,))[0] for source, n in zip(sources, wanted, strict=True)]
    train, rest = (
        TaskImages(_fitted(source, part, inner, frame), source.labels[part])
        for source, part in zip((sources[0], sources[-1]), rows, strict=True)
    )
    return Task(task if task in TASKS else Path(task).resolve().stem, names, train, rest)


def squares(n: int, seed: int, part: str) -> Stored:
    """Black images of 36 by 36 with 1 to 10 white squares of 9 pixels in a 4 by 4 grid; label i means i + 1 squares.

    The ten counts take turns. The parts come from different streams; that they share images cannot be avoided, as
    there are only 16 with one square.

    Args:
        n: images.
        seed: the run's.
        part: names the part.
    """
    labels = np.arange(n) % 10
    ranks = stream(seed, f"squares {part}").random((n, GRID * GRID)).argsort(axis=1).argsort(axis=1)
    cells = (ranks <= labels[:, None]).reshape(n, 1, GRID, GRID).astype(np.uint8) * 255
    images = cells.repeat(CELL, axis=2).repeat(CELL, axis=3)
    return Stored("squares", tuple(map(str, range(1, 11))), labels, lambda row: images[row])


def _parts(source: Stored, wanted: tuple[int, ...]) -> list[np.ndarray]:
    """Disjoint rows for each part; the labels take turns for as long as there are images of each.

    Raises:
        ConfigError: too few images, or none of some label.
    """
    turn = np.empty(len(source.labels), dtype=np.int64)
    for label in range(len(source.names)):
        rows = np.flatnonzero(source.labels == label)
        turn[rows] = np.arange(len(rows))
    order = np.lexsort((source.labels, turn))
    if len(order) < sum(wanted):
        raise ConfigError(
            f"{source.source}: {len(order)} images, {sum(wanted)} are needed; lower scene.count or scene.held_out"
        )
    parts = np.split(order, np.cumsum(wanted))[: len(wanted)]
    for part in parts:
        missing = set(range(len(source.names))) - set(source.labels[part].tolist())
        if missing:
            raise ConfigError(
                f"{source.source}: too few images of the label {source.names[min(missing)]!r}; add some, or take it out"
            )
    return parts


def _fitted(source: Stored, rows: np.ndarray, inner: int | None, frame: tuple[int, int, int]) -> np.ndarray:
    """Stored images as uint8 ``(n, channels, side, side)``.

    Raises:
        ConfigError: they leave no frame, or no side is given and they are not square or of several sizes.
    """
    channels, height, width = frame
    fitted: list[np.ndarray] = []
    for image in map(source.read, rows):
        side = inner or image.shape[2]
        if side >= min(height, width):
            raise ConfigError(
                f"{source.source}: images of {side}x{side} leave no frame of the {height}x{width} that the classifier "
                "takes; choose a smaller scene.inner"
            )
        if inner is None and (image.shape[1] != side or (fitted and fitted[0].shape[2] != side)):
            raise ConfigError(
                f"{source.source}: the images are not squares of one size; give scene.inner, their side in pixels"
            )
        if image.shape != (channels, side, side):
            photo = to_pillow(image).convert("L" if channels == 1 else "RGB")
            pixels = np.asarray(photo.resize((side, side), Image.Resampling.BILINEAR))
            image = pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)
        fitted.append(image)
    return np.stack(fitted)
