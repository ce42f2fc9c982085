"""What the report measures: perturbations by gradient, evolved CPPN signs, and CPPNs that drifted as their control."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evo_fool.classifiers.photographs import SUFFIXES
from evo_fool.experiment import Experiment
from evo_fool.gradient.methods import settings_of
from evo_fool.studies.context import Context
from evo_fool.studies.imagenet_runs import primary_network
from evo_fool.studies.study import Skipped
from evo_fool.studies.universal import Options

_SEEDS = 3
"""Evolved runs and controls of the laptop's budget."""

_DRIFT = {"search.kind": "random", "search.mutations": [5, 30], "scene.racing": "exact", "name": "universal-drifted"}
"""CPPNs mutated without selection until they have about as many nodes as the evolved ones, as many images as these.
Exact racing finds the same best picture in a third of the forward passes."""


COMMANDS = (
    "evo-fool gradient universal --photos DIR --between FIRST,END --classifier SPEC --weights PATH",
    'evo-fool run universal-cppn -S scene.photos=DIR -S "scene.between=[FIRST, END]"',
    'evo-fool run universal-cppn -S scene.photos=DIR -S "scene.between=[FIRST, END]" -S search.kind=random '
    '-S "search.mutations=[5, 30]" -S scene.racing=exact --name universal-drifted',
    "evo-fool study universal RUN… --published FILE.npy --photos DIR --between FIRST,END --classifier SPEC@WEIGHTS",
)
"""How its parts are made again."""


def standard_seeds(context: Context) -> tuple[int, ...]:
    """Of the evolved runs and their controls; the first is that of the others."""
    return context.seeds[: context.scale(smoke=1, laptop=_SEEDS, paper=len(context.seeds))]


def standard_options(context: Context) -> Options:
    """The question of the report: its runs, made where there are none yet, on the other half of the photographs.

    Raises:
        Skipped: there is no network, or there are too few photographs.
        Stopped: asked to stop.
    """
    network, photos = primary_network(context), context.data.photographs()
    if network is None or photos is None:
        raise Skipped("needs an ImageNet network and photographs; give --data DIR with imagenet/weights and /photos")
    n = sum(path.suffix.lower() in SUFFIXES for path in photos.rglob("*"))
    if n < 2:
        raise Skipped(
            f"--data: {photos} holds {n} photograph(s); half of them make perturbations, the others test them"
        )
    half, photos = n // 2, photos.absolute()
    smoke = context.budget == "smoke"
    networks = dict([network]) if smoke else context.data.imagenet_networks()
    where = {"photos": str(photos), "between": [0, half], "count": min(8, half) if smoke else None}
    experiments = [_by_gradient(name, weights, where, context) for name, weights in networks.items()]
    if not smoke:
        name, weights = network
        evolved: dict[str, Any] = {"classifier.spec": f"torchvision:{name}", "classifier.weights": str(weights)}
        evolved |= {f"scene.{key}": value for key, value in (where | {"count": min(16, half)}).items()}
        for changes in ({}, _DRIFT):
            experiments += [
                context.experiment("universal-cppn", evolved | changes | {"seed": seed})
                for seed in standard_seeds(context)
            ]
    runs = []
    for experiment in experiments:
        with context.run(experiment) as run:
            runs.append(str(run.path))
    return Options(
        runs=tuple(runs),
        published=tuple(map(str, context.data.universal_perturbations())),
        classifiers=tuple(f"torchvision:{name}@{weights}" for name, weights in networks.items()),
        photos=str(photos),
        between=f"{half},{min(n, half + 24) if smoke else n}",
        seed=context.seeds[0],
    )


def _by_gradient(name: str, weights: Path, where: dict[str, Any], context: Context) -> Experiment:
    """The experiment of ``evo-fool gradient universal``, with all that is recorded of it, by which it is found."""
    passes, batch = context.scale(smoke=(2, 4), laptop=(12, 25), paper=(12, 25))
    return Experiment.from_mapping(
        {
            "name": f"universal-gradient-{name}",
            "preset": "gradient universal",
            "seed": context.seeds[0],
            "batch": 1,
            "generations": passes - 1,
            "classifier": {"spec": f"torchvision:{name}", "weights": str(weights)},
            "encoding": {"kind": "pixels", "colour": "rgb"},
            "scene": {"kind": "perturbation", "cells": "other"} | where,
            "search": {
                "kind": "gradient",
                "method": "universal",
                "settings": settings_of("universal", {"passes": passes, "batch": batch}),
            },
        }
    )
