"""From an experiment to its classifier, encoding and evaluator, with every ``auto`` decided.

Code that a recorded experiment names as its classifier is never loaded on the record's word alone: a run directory may
come from elsewhere.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from evo_fool.class_names import ClassNames
from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.precision import LARGE, choose_batch, choose_precision, time_precisions
from evo_fool.classifiers.preflight import Preflight, preflight
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.sources.description import IMAGENET
from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.encodings import build_encoding
from evo_fool.encodings.base import Encoding
from evo_fool.errors import ConfigError, UnknownClassError
from evo_fool.evaluation import Evaluator
from evo_fool.evaluation.environment import choose_device
from evo_fool.evaluation.memory_need import check_memory
from evo_fool.experiment import Experiment
from evo_fool.randomness import stream
from evo_fool.scenes import Scene, build_scene
from evo_fool.sections import ClassifierConfig, GeneticConfig, ObjectConfig

_LARGE_IMAGE = 64
"""Images of more pixels a side are checkpointed by time, because writing one takes longer than scoring a small one."""

_COMPLETE = {"imported": "imported images", "gradient": "pictures found by gradient"}
"""Runs that no search makes, by ``search.kind``."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What an experiment needs to run: its classifier, encoding and evaluator, on one device."""

    device: torch.device
    classifier: Classifier
    encoding: Encoding
    evaluator: Evaluator
    targets: list[int]

    @property
    def scene(self) -> Scene:
        """What pictures are part of, and the names of the cells."""
        return self.evaluator.scene


def assemble(
    experiment: Experiment,
    classifier: Classifier | None = None,
    encoding: Encoding | None = None,
    photos: Path | None = None,
) -> Parts:
    """Load the classifier and build everything that the toolbox needs.

    Args:
        experiment: what to run.
        classifier: one that is ready, in place of the one that the experiment names; it is moved to the device.
        encoding: one that is ready, in place of the one that the experiment describes.
        photos: the run's own copy of its photographs; None: where the experiment says.

    Raises:
        ConfigError, ClassifierError: see their messages.
    """
    device = choose_device(experiment.device)
    refuse_missing_objects(experiment, classifier, encoding)
    classifier = load_classifier(experiment.classifier, device) if classifier is None else classifier.to(device)
    scene = build_scene(experiment.scene, build_scorer(experiment, classifier, device), experiment.seed, photos)
    channels, *size = scene.shape
    if encoding is None:
        encoding = build_encoding(experiment.encoding, size=(size[0], size[1]), channels=channels, device=str(device))
    elif encoding.channels != classifier.channels:
        raise ConfigError(
            f"the encoding {type(encoding).__name__} draws {encoding.channels} channels, "
            f"{classifier.name} takes {classifier.channels}; make one for {classifier.channels}"
        )
    scene.check_picture(encoding.shape)
    return Parts(device, classifier, encoding, Evaluator(encoding, scene), resolve_targets(experiment, scene))


@dataclass(frozen=True, slots=True)
class Plan:
    """A new run, before anything is written.

    Attributes:
        experiment: with every ``auto`` decided and absolute paths.
        parts: its classifier, encoding and evaluator.
        preflight: of the classifier.
    """

    experiment: Experiment
    parts: Parts
    preflight: Preflight

    def to_json(self) -> dict[str, Any]:
        """The run as JSON-able data, for ``run --check``."""
        experiment, classifier, scene = self.experiment, self.parts.classifier, self.parts.scene
        scorer = scene.scorer
        return {
            "name": experiment.name,
            "preset": experiment.preset,
            "classifier": classifier.name,
            "fingerprint": classifier.fingerprint(),
            "input": classifier.input_contract(),
            "classes": len(classifier.classes),
            "image": list(self.parts.encoding.shape),
            "encoding": experiment.encoding.kind,
            "scene": {"kind": experiment.scene.kind, "cells": len(scene.cells), "inputs": scene.inputs}
            | scene.record(),
            "search": experiment.search_name,
            "targets": [scene.cells[target] for target in self.parts.targets],
            "seed": experiment.seed,
            "batch": experiment.batch,
            "generations": experiment.generations,
            "device": str(self.parts.device),
            "threads": torch.get_num_threads(),
            "precision": scorer.precision,
            "sub_batch": scorer.batch,
            "preflight": asdict(self.preflight),
        }


def plan(experiment: Experiment, classifier: Classifier | None = None, encoding: Encoding | None = None) -> Plan:
    """Load and check all that a new run needs, see :func:`assemble`; nothing is written.

    Raises:
        ConfigError, ClassifierError: the experiment cannot be run, or its classifier fails the preflight.
    """
    refuse_complete(experiment)
    experiment = with_absolute_paths(experiment)
    parts = assemble(experiment, classifier, encoding)
    check_memory(experiment, parts)
    found = preflight(parts.evaluator.scorer)
    if experiment.uses_gradients:  # once, so that what has none is refused before the run begins
        rng = stream(experiment.seed, "gradient", 0)
        parts.evaluator.ascend(parts.encoding.random(1, rng), np.zeros(1, np.int64), rng)
        parts.scene.passes = parts.scene.possible = 0
    # What a rule chose is recorded, so that a run resumed on another machine does not choose again.
    return Plan(resolved(experiment, parts), parts, found)


def refuse_complete(experiment: Experiment) -> None:
    """Refuse a run that no search made, of imported images or by gradient: it is complete.

    Raises:
        ConfigError: the experiment is one.
    """
    kind = experiment.search.kind
    if what := _COMPLETE.get(kind):
        raise ConfigError(f"search.kind = {kind!r}: {what} cannot be evolved; choose map_elites, genetic or random")


def refuse_missing_objects(experiment: Experiment, classifier: object, encoding: Encoding | None) -> None:
    """Where the experiment names an object for a part, that object has to be handed in.

    Raises:
        ConfigError: it is not.
    """
    if classifier is None and experiment.classifier.spec.startswith("object:"):
        name = experiment.classifier.spec.partition(":")[2]
        raise ConfigError(f"the classifier was an object of Python ({name}); pass it: classifier=...")
    section: object = experiment.encoding
    if encoding is None and isinstance(section, ObjectConfig):
        raise ConfigError(f"the encoding was an object of Python ({section.name}); pass it: encoding=...")


def build_scorer(experiment: Experiment, classifier: Classifier, device: torch.device) -> Scorer:
    """The scorer of the experiment, with every ``auto`` decided."""
    from evo_fool.encodings.numeric.lookup import look_up  # numba

    scoring, times = experiment.scoring, dict[str, float]()
    precision: str = scoring.precision
    batch = choose_batch(scoring.batch, classifier.size, device)
    if precision == "auto":
        if experiment.search.kind not in _COMPLETE and measures_precision(experiment.classifier, classifier):
            times = time_precisions(classifier, batch, device)
        precision = choose_precision(times)
    return Scorer(
        classifier,
        batch=batch,
        view=scoring.view,
        device=device,
        precision=precision,
        times=times,
        seed=experiment.seed,
        look_up=look_up,
    )


def measures_precision(config: ClassifierConfig, classifier: Classifier) -> bool:
    """Whether ``auto`` measures: where images are large, and the network is torchvision's.

    A user's network may mix in tensors that stay float32, or count its forward passes.
    """
    return classifier.size >= LARGE and all(m.kind == "torchvision" for m in ClassifierSpec.of(config).members)


def resolved(experiment: Experiment, parts: Parts) -> Experiment:
    """The experiment with its scoring and checkpoints decided."""
    checkpoint = experiment.checkpoint
    if checkpoint.generations == "auto":
        large = parts.encoding.size > _LARGE_IMAGE
        chosen = {"generations": None, "seconds": checkpoint.seconds or 30.0} if large else {"generations": 1}
        checkpoint = checkpoint.model_copy(update=chosen)
    scorer = parts.evaluator.scorer
    scoring = experiment.scoring.model_copy(update={"precision": scorer.precision, "batch": scorer.batch})
    return experiment.model_copy(update={"scoring": scoring, "checkpoint": checkpoint})


def with_absolute_paths(experiment: Experiment) -> Experiment:
    """A copy that names its classifier's files, scene's data and first elites absolutely, to resume from anywhere."""
    config = experiment.classifier
    spec = ClassifierSpec.of(config).absolute()
    classes = config.classes if config.classes == IMAGENET else _absolute(config.classes)
    changes = {"spec": str(spec), "weights": spec.weights, "classes": classes}
    named = config.model_copy(update=changes | {"description": _absolute(config.description)})
    scene, search = experiment.scene, experiment.search
    if source := getattr(search, "warm_start", None):
        search = search.model_copy(update={"warm_start": _absolute(source)})
    if path := scene.source and getattr(scene, scene.source):
        scene = scene.model_copy(update={scene.source: str(Path(path).absolute())})
    return experiment.model_copy(update={"classifier": named, "scene": scene, "search": search})


def _absolute(path: str | None) -> str | None:
    return path and str(Path(path).absolute())


def trusted_classifier(experiment: Experiment, classifier: str | None, weights: str | None) -> ClassifierConfig:
    """The classifier of a recorded experiment, or the one that the user names.

    The run directory may come from elsewhere: code that its record names is never loaded, and no address that it
    names is asked, on the record's word alone.

    Raises:
        ConfigError: the record names code or an address, and the user has not named the classifier.
    """
    recorded = experiment.classifier
    if classifier is None and (hazard := ClassifierSpec.of(recorded).hazard):
        raise ConfigError(f"the run's classifier {hazard}; if you trust it, repeat it: --classifier {recorded.spec}")
    named = {"classifier.spec": classifier, "classifier.weights": weights}
    changes = {key: value for key, value in named.items() if value is not None}
    return with_absolute_paths(experiment.replace("--classifier", **changes)).classifier


def resolve_targets(experiment: Experiment, scene: Scene) -> list[int]:
    """The cells that the single-class GA evolves; empty for the other strategies."""
    if not isinstance(experiment.search, GeneticConfig):
        return []
    target = experiment.search.target
    if target == "all":
        return list(range(len(scene.cells)))
    try:
        return [ClassNames(scene.cells, scene.aliases).find(target)]
    except UnknownClassError as error:
        raise ConfigError(f"search.target: {error}") from None
