"""A run's picture applied to photographs that it may never have met, as PNGs whose bytes are what is scored."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from evo_fool.atomic_write import whole_folder
from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.errors import ConfigError
from evo_fool.evaluation.assembly import build_scorer, trusted_classifier
from evo_fool.evaluation.environment import choose_device
from evo_fool.exchange.export import refuse_overwriting
from evo_fool.image import png_bytes
from evo_fool.jsonable import plain
from evo_fool.probability import probability
from evo_fool.runs.run import Elite, Run
from evo_fool.runs.scenes import scene_of
from evo_fool.scene_sections import PatchConfig, PhotographsConfig, ProgramConfig
from evo_fool.scenes import Scene, build_scene
from evo_fool.scenes.exhibit import exhibit
from evo_fool.scenes.perturbation import OTHER
from evo_fool.scenes.photographs import Photographs, read_photographs

_TOP = 5
_STEM = 60
"""Characters of a photograph's name in a file's."""


class UnusableError(ConfigError):
    """Photographs that cannot be used; ``reasons`` has a line for each."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = tuple(reasons)


@dataclass(frozen=True, slots=True)
class Guess:
    """A class that the classifier answers, with its probability in [0, 1]."""

    name: str
    p: float


@dataclass(frozen=True, slots=True)
class Pair:
    """One photograph, without the picture and with it.

    Attributes:
        name: of the photograph, or of the task image.
        label: its class, or of a task image its label; None where unknown.
        before: the PNG without the picture.
        after: the PNG with it.
        top5_before: what the classifier answers to the bytes of ``before``, the likeliest first.
        top5_after: the same for ``after``.
        fooled: whether the likeliest class differs.
    """

    name: str
    label: str | None
    before: Path
    after: Path
    top5_before: tuple[Guess, ...]
    top5_after: tuple[Guess, ...]
    fooled: bool


@dataclass(frozen=True, slots=True)
class Applied:
    """The outcome of :func:`apply`.

    Attributes:
        cell: whose elite the picture is.
        individual: its id.
        classifier: name of what scored.
        own: whether that is the run's classifier, by its weights.
        pairs: one a photograph.
    """

    cell: str
    individual: int
    classifier: str
    own: bool
    pairs: tuple[Pair, ...]

    def to_json(self) -> dict[str, Any]:
        """The outcome as plain data."""
        return dict(plain(asdict(self)))


def apply(
    run: Run,
    photos: Sequence[Path],
    to: Path,
    *,
    cell: str | None = None,
    classifier: str | None = None,
    weights: str | None = None,
    device: str = "auto",
    force: bool = False,
) -> Applied:
    """Write photographs without and with a picture of a run, and score the written bytes.

    A perturbation is added to each photograph. A patch is put at one place of each, drawn from the run's seed. A
    program frames one held-out image of each label of its task. All files appear together, or none does.

    Args:
        run: a run whose scene is not ``alone``.
        photos: photographs, folders or npz files of them, see :func:`.read_photographs`; of a program none.
        to: a folder; made if missing.
        cell: whose elite; None: that of the only occupied cell, or else of "anything else".
        classifier: what scores, in place of the run's classifier; needed where its record names code to execute.
        weights: where its weights are.
        device: where to score.
        force: replace files that are there.

    Raises:
        UnusableError: photographs cannot be used.
        ConfigError: the run is ``alone``, the cell is not clear, or files are in the way.
        UnknownClassError, EmptyCellError: there is no such cell, or no picture holds it.
        ClassifierError: the classifier cannot be loaded.
    """
    scene_config = run.experiment.scene
    if not isinstance(scene_config, PhotographsConfig | ProgramConfig):
        raise ConfigError(f"{run.path}: scene.kind = alone: there is nothing to apply its pictures to")
    elite = _chosen(run, cell)
    picture = run.image(elite.class_index)
    most = None
    if isinstance(scene_config, ProgramConfig):
        if photos:
            raise ConfigError(f"{photos[0]}: a program frames the images of its own task; leave PHOTO out")
        scene = scene_of(run, classifier=classifier, weights=weights, device=device)
        most = len(scene.record()["labels"])
    else:
        if not photos:
            raise ConfigError("no photograph to apply the picture to; name files or folders: PHOTO…")
        scene = _scene_on(run, photos, classifier, weights, device)
    scene.check_picture((picture.shape[0], picture.shape[1], picture.shape[2]))
    shown = exhibit(scene, picture, most=most)
    scorer = scene.scorer
    if scorer.classifier.channels not in (1, 3):
        raise ConfigError(f"{scorer.classifier.name} takes {scorer.classifier.channels} channels, a PNG has 1 or 3")
    stems = _stems(shown.names)
    names = [f"{stem}-{when}.png" for when in ("before", "after") for stem in stems]
    refuse_overwriting(to, names, force)
    files = dict(zip(names, map(png_bytes, [*shown.before, *shown.after]), strict=True))
    guesses = _top_five(scorer, np.stack([_pixels(file) for file in files.values()]))
    with whole_folder(to, "--to") as put:
        for name, file in files.items():
            put(name, file)
    k = len(stems)
    pairs = [
        Pair(name, label, to / names[i], to / names[k + i], before, after, before[0].name != after[0].name)
        for i, (name, label, before, after) in enumerate(
            zip(shown.names, shown.labels, guesses[:k], guesses[k:], strict=True)
        )
    ]
    own = scorer.classifier.fingerprint() == run.classifier_fingerprint
    return Applied(elite.class_name, elite.id, scorer.classifier.name, own, tuple(pairs))


def _chosen(run: Run, cell: str | None) -> Elite:
    if cell is not None:
        return run[cell]
    elites = run.elites
    if not elites:
        raise ConfigError(f"{run.path}: it has no picture yet; evolve it further")
    if len(elites) == 1:
        return elites[0]
    for elite in elites:
        if elite.class_name == OTHER:
            return elite
    raise ConfigError(
        f"{run.path}: {len(elites)} cells have pictures; choose one, as in --cell {elites[0].class_name!r}"
    )


def _scene_on(run: Run, photos: Sequence[Path], classifier: str | None, weights: str | None, device: str) -> Scene:
    """The run's scene on other photographs, with one untargeted cell, so that any classifier may answer."""
    experiment, chosen = run.experiment, choose_device(device)
    config = trusted_classifier(experiment, classifier, weights)
    loaded = load_classifier(config, chosen)
    if classifier is None and loaded.fingerprint() != run.classifier_fingerprint:
        raise ConfigError(
            f"{config.spec} has other weights than the run was made with; restore them, or name what is to answer: "
            "--classifier SPEC"
        )
    scorer = build_scorer(experiment.model_copy(update={"classifier": config}), loaded, chosen)
    changes: dict[str, Any] = {"cells": "other"} | ({"places": 1} if isinstance(experiment.scene, PatchConfig) else {})
    section: PhotographsConfig = experiment.scene.model_copy(update=changes)  # type: ignore[assignment]
    return build_scene(section, scorer, experiment.seed, _read(loaded, photos))


def _read(classifier: Classifier, paths: Sequence[Path]) -> Photographs:
    """The photographs of all paths, in their order."""
    found: list[Photographs] = []
    reasons: list[str] = []
    for path in paths:
        try:
            found.append(read_photographs(classifier, path))
        except ConfigError as error:
            reasons.append(str(error))
    if reasons:
        raise UnusableError(reasons)
    labels = [each.labels for each in found if each.labels is not None]
    return Photographs(
        np.concatenate([each.images for each in found]),
        np.concatenate(labels) if len(labels) == len(found) else None,
        tuple(name for each in found for name in each.names),
    )


def _stems(names: Sequence[str]) -> list[str]:
    """Names of files: safe, short and distinct.

    >>> _stems(["a/bus.jpg", "b/bus.jpg", "../x y"])
    ['bus', 'bus-2', 'x-y']
    """
    stems: dict[str, None] = {}
    for name in names:
        plain_name = re.sub(r"[^\w.-]+", "-", Path(name).stem, flags=re.ASCII).strip(".-")[:_STEM] or "photo"
        numbered = (f"{plain_name}-{i}" for i in count(2))
        stems[next(stem for stem in chain([plain_name], numbered) if stem not in stems)] = None
    return list(stems)


def _pixels(png: bytes) -> np.ndarray:
    """A PNG of this module as uint8 ``(channels, height, width)``."""
    pixels = np.asarray(Image.open(io.BytesIO(png)))
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _top_five(scorer: Scorer, images: np.ndarray) -> list[tuple[Guess, ...]]:
    classes, log_odds = scorer.classifier.classes, scorer.score(images)
    best = np.argsort(-log_odds, axis=1, kind="stable")[:, :_TOP]
    chances = probability(np.take_along_axis(log_odds, best, axis=1))
    return [
        tuple(Guess(classes[cls], p) for cls, p in zip(row, ps, strict=True))
        for row, ps in zip(best.tolist(), chances.tolist(), strict=True)
    ]
