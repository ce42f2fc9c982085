"""Changed photographs to measure: those of runs that the user names, or made for the report."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from evo_fool.class_names import ClassNames
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.errors import ConfigError
from evo_fool.evaluation.assembly import trusted_classifier
from evo_fool.gradient.lbfgs import lbfgs
from evo_fool.runs import Run, find_run, open_run
from evo_fool.runs.scenes import scene_of
from evo_fool.scenes.perturbation import OTHER, Perturbation
from evo_fool.scenes.photographs import read_photographs
from evo_fool.sections import ClassifierConfig, GradientConfig
from evo_fool.session.gradient_run import random_targets
from evo_fool.studies.context import Context
from evo_fool.studies.imagenet_runs import primary_network
from evo_fool.studies.networks import Networks
from evo_fool.studies.per_image import Options
from evo_fool.studies.per_image.measure import Changed

Material = tuple[list[Changed], dict[str, Scorer]]
"""Changed photographs by method and network, and the networks by distinct names."""


def of_runs(context: Context, options: Options) -> Material:
    """What runs made of their photographs; runs of the same name and network together.

    Raises:
        ConfigError: a run of another scene, of several photographs or without a class to reach; photographs that are
            not found; a network that cannot be loaded, or that does not fit the others.
    """
    networks = Networks()
    configs: dict[str, ClassifierConfig] = {}

    def known(config: ClassifierConfig) -> None:
        scorer = context.scorer(context.classifier(config.spec, config.weights))
        networks.add_comparable(scorer, config.spec)
        configs.setdefault(scorer.classifier.fingerprint(), config)

    for text in options.classifiers:
        known(ClassifierSpec.parse_with_weights(text).config())
    found: defaultdict[tuple[str, str, str], list[tuple[np.ndarray, np.ndarray, int]]] = defaultdict(list)
    for text in options.runs:
        with open_run(find_run(text, options.out)) as run:
            if run.classifier_fingerprint not in configs:
                known(trusted_classifier(run.experiment, None, None))
            config = configs.get(run.classifier_fingerprint)
            if config is None:
                raise ConfigError(f"{run.path}: its network has other weights now; name it: --classifier SPEC@WEIGHTS")
            search = run.experiment.search
            kind = search.method if isinstance(search, GradientConfig) else "evolved"
            group = (run.experiment.name or "run", kind, run.classifier_fingerprint)
            found[group] += _pairs(run, config, options.photos)
    return [
        Changed(name, kind, fingerprint, *(np.stack(part) for part in zip(*pairs, strict=True)))
        for (name, kind, fingerprint), pairs in found.items()
    ], networks.scorers


def _pairs(run: Run, config: ClassifierConfig, photos: str | None) -> list[tuple[np.ndarray, np.ndarray, int]]:
    """The photograph, what became of it, and the class to reach, for each targeted cell that is held."""
    scene = scene_of(run, classifier=config.spec, weights=config.weights, photos=photos)
    if not isinstance(scene, Perturbation):
        raise ConfigError(
            f"{run.path}: its scene is {scene.config.kind}; only pictures that are added to a photograph compare"
        )
    if scene.k != 1:
        raise ConfigError(f"{run.path}: made on {scene.k} photographs; those are for evo-fool study universal")
    (clean,) = scene.originals()
    names = ClassNames(scene.scorer.classifier.classes)
    held = [elite for elite in run.elites if elite.class_name != OTHER]
    if not held:
        raise ConfigError(f"{run.path}: holds no class to reach; make one with --target CLASS or scene.cells")
    return [(clean, scene.shown(run.image(elite.class_index))[0], names.find(elite.class_name)) for elite in held]


def of_photographs(context: Context, n: int, settings: dict[str, Any]) -> Material | None:
    """``n`` photographs changed by L-BFGS into classes that the seed draws; None where there is no network or photo.

    Args:
        context: its data folder has both.
        n: how many, evenly spread over the classes.
        settings: of :func:`.lbfgs`.
    """
    network, folder = primary_network(context), context.data.photographs()
    if network is None or folder is None:
        return None
    weights = context.data.imagenet_networks()
    order = [network[0], *(name for name in weights if name != network[0])]
    networks = {name: context.scorer(context.classifier(f"torchvision:{name}", weights[name])) for name in order}
    classifier = networks[network[0]].classifier
    photographs = read_photographs(classifier, folder, count=n)
    targets = random_targets(classifier, photographs, context.seeds[0], places=range(n))
    found = lbfgs(classifier, photographs.images, targets.tolist(), **settings)
    context.count(found.asked)
    made = Changed("L-BFGS", "lbfgs", classifier.fingerprint(), photographs.images, found.images, targets)
    return [made], networks
