"""The photographs and the networks that pictures of scenes are tested on; none that a picture was made on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.evaluation.assembly import trusted_classifier
from evo_fool.runs import Run
from evo_fool.runs.scenes import kept_photos, recorded_scene
from evo_fool.scene_sections import PhotographsConfig, places
from evo_fool.scenes.photographs import KEPT, Photographs, read_photographs
from evo_fool.studies.context import Context
from evo_fool.studies.networks import Networks


def networks_of(context: Context, specs: Sequence[str], runs: Sequence[Run]) -> dict[str, Scorer]:
    """The networks to fool, each once, by distinct names.

    Args:
        context: loads them.
        specs: ``SPEC[@WEIGHTS]``; none: those that the runs were made with.
        runs: whose pictures are tested.

    Raises:
        ConfigError: none is named, one cannot be loaded, or they differ in inputs or classes.
    """
    configs = [ClassifierSpec.parse_with_weights(text).config() for text in specs]
    configs = configs or [trusted_classifier(run.experiment, None, None) for run in runs]
    if not configs:
        raise ConfigError("there is no network to fool; name some: --classifier SPEC[@WEIGHTS]")
    networks = Networks()
    for config in configs:
        networks.add_comparable(context.scorer(context.classifier(config.spec, config.weights)), config.spec)
    return networks.scorers


def source_of(runs: Sequence[Run], photos: str | None) -> Path:
    """Where the photographs to test on are: ``photos``, or where those of the first run come from.

    Raises:
        ConfigError: none is known, or the scene of a run has no photographs.
    """
    source = photos or next((scene.photos for run in runs if (scene := _section(run)).photos), None)
    if source is None:
        raise ConfigError("there are no photographs to test on; name them: --photos DIR")
    return Path(source)


def held_out(
    context: Context, runs: Sequence[Run], networks: dict[str, Scorer], photos: str | None, between: str | None
) -> Photographs:
    """The photographs to test on; what a reader should know of them goes to the context's remarks.

    Args:
        context: loads the runs' classifiers.
        runs: whose pictures are tested, of scenes over photographs.
        networks: that are tested; the first prepares the photographs.
        photos: where they are; None: where those of the first run come from.
        between: ``FIRST,END``, places by class index; None: all that no run was made on.

    Raises:
        ConfigError: there are none, they cannot be read, or those of a run are not found and ``between`` is not given.
    """
    classifiers = [scorer.classifier for scorer in networks.values()]
    source = source_of(runs, photos)
    span = None if between is None else places(between)
    found = read_photographs(classifiers[0], source, between=span)
    used = np.zeros(len(found), bool)
    for run in runs:
        own = _own(context, run, classifiers)
        try:
            made = {image.tobytes() for image in _made_on(run, own, source).images}
            here = found if own is classifiers[0] else read_photographs(own, source, between=span)
            if here.names != found.names:
                raise ConfigError(f"{own.name} has other classes than {classifiers[0].name}")
        except ConfigError as error:
            if span is None:
                raise
            context.remarks.append(f"not checked whether {run.path.name} was made on these photographs: {error}")
            continue
        these = np.array([image.tobytes() in made for image in here.images])
        if span is not None and these.any():
            context.remarks.append(f"{run.path.name} was made on {these.sum()} of these {len(found)} photographs")
        used |= these
    if span is not None:
        return found
    if used.all():
        raise ConfigError(f"{source}: its {len(found)} photographs are all used by a RUN; give others: --photos DIR")
    return found.pick(np.flatnonzero(~used))


def _section(run: Run) -> PhotographsConfig:
    """The section of a run's scene.

    Raises:
        ConfigError: it has no photographs.
    """
    if not isinstance(scene := run.experiment.scene, PhotographsConfig):
        raise ConfigError(f"{run.path}: its scene is {scene.kind}, which has no photographs")
    return scene


def _made_on(run: Run, classifier: Classifier, source: Path) -> Photographs:
    """The photographs of a run: its own copy, or where they were, or chosen as it chose from ``source``.

    Args:
        run: of a scene over photographs.
        classifier: prepares photographs as the run's own does.
        source: the photographs to test on are from there.

    Raises:
        ConfigError: those found are not the run's.
    """
    scene = _section(run)
    if kept := kept_photos(run.path):
        made = read_photographs(classifier, kept, most=KEPT)
    else:
        place = Path(scene.photos) if scene.photos and Path(scene.photos).exists() else source
        made = read_photographs(classifier, place, count=scene.count, between=scene.between)
    if made.digest != recorded_scene(run.meta).get("sha256"):
        raise ConfigError(
            f"{run.path.name}: the photographs that it was made on are not found; restore them, or name photographs "
            "that it has not seen: --photos DIR --between FIRST,END"
        )
    return made


def _own(context: Context, run: Run, classifiers: Sequence[Classifier]) -> Classifier:
    """The classifier that prepared a run's photographs, or, where it cannot be loaded, the first of ``classifiers``: by
    the digest of the photographs it shows whether that prepares them alike."""
    for classifier in classifiers:
        if classifier.fingerprint() == run.classifier_fingerprint:
            return classifier
    try:
        config = trusted_classifier(run.experiment, None, None)
        return context.classifier(config.spec, config.weights)
    except (ConfigError, ClassifierError):
        return classifiers[0]
