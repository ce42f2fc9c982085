"""Photographs that a perturbation was not made on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evo_fool.classifiers.base import Classifier
from evo_fool.errors import ConfigError
from evo_fool.runs import Run
from evo_fool.runs.scenes import kept_photos, recorded_scene
from evo_fool.scene_sections import PerturbationConfig
from evo_fool.scenes.photographs import Photographs, read_photographs

_PLACES = re.compile(r"\s*(\d{1,9})\s*,\s*(\d{1,9})\s*")


def held_out(
    runs: Sequence[Run], classifier: Classifier, photos: str | None, between: str | None
) -> tuple[Photographs, list[str]]:
    """The photographs to test on, and remarks for the reader.

    Args:
        runs: whose perturbations are tested, of scenes that add pictures to photographs.
        classifier: prepares photographs.
        photos: where they are; None: where those of the first run come from.
        between: ``FIRST,END``, places by class index; None: all that no run was made on.

    Raises:
        ConfigError: there are none, they cannot be read, or those of a run are not found and ``between`` is not given.
    """
    sources = [run.experiment.scene.photos for run in runs if isinstance(run.experiment.scene, PerturbationConfig)]
    source = photos or next((source for source in sources if source), None)
    if source is None:
        raise ConfigError("there are no photographs to test on; name them: --photos DIR")
    if between is None:
        found = read_photographs(classifier, Path(source))
        used = {image.tobytes() for run in runs for image in _made_on(run, classifier, source).images}
        new = np.array([image.tobytes() not in used for image in found.images])
        if not new.any():
            raise ConfigError(
                f"{source}: its {len(found)} photographs are all used by a RUN; give others: --photos DIR"
            )
        rows = np.flatnonzero(new)
        labels = None if found.labels is None else found.labels[rows]
        return Photographs(found.images[rows], labels, tuple(found.names[i] for i in rows)), []
    found = read_photographs(classifier, Path(source), between=_places(between))
    tested = {image.tobytes() for image in found.images}
    remarks = []
    for run in runs:
        try:
            shared = sum(image.tobytes() in tested for image in _made_on(run, classifier, source).images)
        except ConfigError as error:
            remarks.append(f"not checked whether {run.path.name} was made on these photographs: {error}")
            continue
        if shared:
            remarks.append(f"{run.path.name} was made on {shared} of these {len(found)} photographs")
    return found, remarks


def _made_on(run: Run, classifier: Classifier, source: str) -> Photographs:
    """The photographs of a run: its own copy, or where they were, or chosen as it chose from ``source``.

    Raises:
        ConfigError: those found are not the run's.
    """
    scene = run.experiment.scene
    if not isinstance(scene, PerturbationConfig):
        raise ConfigError(f"{run.path}: its scene is {scene.kind}, which has no perturbation")
    if kept := kept_photos(run.path):
        found = read_photographs(classifier, kept)
    else:
        place = Path(scene.photos) if scene.photos and Path(scene.photos).exists() else Path(source)
        found = read_photographs(classifier, place, count=scene.count, between=scene.between)
    if found.digest != recorded_scene(run.meta).get("sha256"):
        raise ConfigError(
            f"{run.path.name}: the photographs that it was made on are not found; restore them, or name photographs "
            "that it has not seen: --photos DIR --between FIRST,END"
        )
    return found


def _places(text: str) -> tuple[int, int]:
    found = _PLACES.fullmatch(text)
    if found is None or int(found[1]) >= int(found[2]):
        raise ConfigError(f"--between {text}: give FIRST,END with FIRST below END, such as 250,500")
    return int(found[1]), int(found[2])
