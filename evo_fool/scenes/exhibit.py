"""Inputs of a scene to look at, each without the picture and with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evo_fool.sampling import evenly
from evo_fool.scenes.base import Scene
from evo_fool.scenes.perturbation import OnPhotographs
from evo_fool.scenes.program import BLANK, Program


@dataclass(frozen=True, slots=True)
class Exhibit:
    """Pairs of inputs.

    Attributes:
        names: of the photographs or task images.
        labels: their classes, or of task images their labels; None where unknown.
        before: without the picture, uint8 ``(k, channels, height, width)``.
        after: with it, of the same shape.
        aims: the class that the picture is to bring about in each; None where that is any but the clean prediction.
    """

    names: tuple[str, ...]
    labels: tuple[str | None, ...]
    before: np.ndarray
    after: np.ndarray
    aims: tuple[int | None, ...]


def exhibit(scene: Scene, picture: np.ndarray, *, most: int | None = None, cell: int | None = None) -> Exhibit:
    """Pairs of one picture, uint8 ``(channels, height, width)``.

    Args:
        scene: of photographs, which are evenly spread and shown at the first of their places, or a program, whose
            first held-out task images are shown.
        picture: the picture.
        most: pairs, at most; None: all.
        cell: the cell that the picture is to hold.

    Raises:
        TypeError: another scene.
    """
    if isinstance(scene, OnPhotographs):
        photographs = scene.photographs
        rows = evenly(len(photographs), most or len(photographs))
        aim = int(scene.targets[cell]) if cell is not None and cell < len(scene.targets) else None
        classes, known = scene.scorer.classifier.classes, photographs.labels
        return Exhibit(
            tuple(photographs.names[row] for row in rows),
            (None,) * len(rows) if known is None else tuple(classes[label] for label in known[rows]),
            scene.originals(rows.tolist()),
            scene.shown(picture, rows.tolist()),
            (aim,) * len(rows),
        )
    if not isinstance(scene, Program):
        raise TypeError(f"{type(scene).__name__}: no scene of photographs or task images")
    part = scene.task.held_out
    images, labels = part.images[:most], part.labels[:most]
    return Exhibit(
        tuple(f"task image {row}" for row in range(len(images))),
        tuple(scene.task.names[label] for label in labels),
        scene.framed(np.full(scene.shape, BLANK, np.uint8), images),
        scene.framed(picture, images),
        tuple(scene.mapping[labels].tolist()),
    )
