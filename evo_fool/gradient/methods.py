"""The methods by name: their settings, the scene that each is for, and what it takes from it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from evo_fool.classifiers.precision import choose_batch
from evo_fool.errors import ConfigError
from evo_fool.gradient.ascent import ascent
from evo_fool.gradient.ball import Ball
from evo_fool.gradient.lbfgs import lbfgs
from evo_fool.gradient.patch import patch
from evo_fool.gradient.program import program
from evo_fool.gradient.step import PRECISIONS, Report, Step, silent
from evo_fool.gradient.universal import universal
from evo_fool.gradient.universal_deepfool import universal_deepfool
from evo_fool.overrides import unknown_key
from evo_fool.scenes import Scene

METHODS: dict[str, Callable[..., Any]] = {
    "ascent": ascent,
    "universal": universal,
    "universal-deepfool": universal_deepfool,
    "lbfgs": lbfgs,
    "patch": patch,
    "program": program,
}
"""All but ``lbfgs`` yield steps."""

_SCENES = {"ascent": "alone", "patch": "patch", "program": "program"}
"""The kind of scene that a method is for; the others: ``perturbation``."""

_NO_SETTINGS = {"target", "form", "share", "rotation", "size", "seed", "report", "stop"}
"""What the scene and the experiment say."""


def settings_of(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a method: those given, and the defaults of the others.

    >>> settings_of("program", {"epochs": 3})["epochs"], settings_of("program", {})["decay"]
    (3, 0.96)

    Raises:
        ConfigError: an unknown method or setting, or a value that is no setting.
    """
    if method not in METHODS:
        raise ConfigError(f"search.method = {method!r} is unknown; choose one of {', '.join(METHODS)}")
    named = [p for p in inspect.signature(METHODS[method]).parameters.values() if p.kind is p.KEYWORD_ONLY]
    settings = {p.name: p.default for p in named if p.name not in _NO_SETTINGS and p.default is not None}
    for name, value in given.items():
        if name not in settings:
            raise ConfigError(f"{unknown_key(name, list(settings))} in search.settings")
        if isinstance(settings[name], bool):
            valid, expected = isinstance(value, bool), "true or false"
        elif name == "precision":
            valid, expected = value in PRECISIONS, f"one of {', '.join(PRECISIONS)}"
        elif isinstance(settings[name], str):
            valid, expected = isinstance(value, str), "text"
        elif isinstance(settings[name], int):
            valid, expected = type(value) is int and value >= 1, "a whole number, at least 1"
        else:
            valid, expected = type(value) in (int, float) and 0 <= value < math.inf, "a number, at least 0"
        if not valid:
            raise ConfigError(f"search.settings.{name} = {value!r}: must be {expected}")
        settings[name] = value
    return settings


def begin(
    method: str, scene: Any, settings: Mapping[str, Any], seed: int, report: Report = silent
) -> tuple[int, Iterator[Step]]:
    """Start a method in a scene: the number of its steps at most, and the steps.

    Args:
        method: one of :data:`METHODS` that yields steps.
        scene: of the kind that the method is for.
        settings: all of them, see :func:`settings_of`.
        seed: decides every random number.
        report: told how much is done, of how much.

    Raises:
        ConfigError: the scene is of another kind, or has cells that the method does not optimise.
    """
    if method == "lbfgs":
        raise ConfigError("search.method = 'lbfgs': leaves one run a photograph; use evo-fool gradient lbfgs")
    require_scene(method, scene)
    classifier, config = scene.scorer.classifier, scene.config
    given = dict(settings) | {"seed": seed, "report": report}
    if method == "ascent":
        classes = min(settings["limit"], len(classifier.classes))
        batch = choose_batch(None, classifier.size, classifier.mean.device)
        return -(-classes // batch), ascent(classifier, batch=batch, **given)
    if method == "program":
        part = scene.task.train
        count = -(-settings["epochs"] // settings["every"])
        return count, program(classifier, part.images, scene.mapping[part.labels], **given)
    target = _only_target(method, scene)
    images: np.ndarray = scene.photographs.images
    if method == "patch":
        if target is None:
            raise ConfigError("scene.cells = 'other': a patch by gradient needs a class to reach; name it")
        share = config.share if isinstance(config.share, tuple) else (config.share, config.share)
        place = {"form": config.form, "share": share, "rotation": config.rotation, "size": scene.shape[1:]}
        return -(-settings["steps"] // settings["every"]), patch(classifier, images, target, **place, **given)
    ball = Ball(config.norm, config.epsilon)
    if method == "universal":
        return settings["passes"], universal(classifier, images, ball, target=target, **given)
    if target is not None:
        raise ConfigError(f"scene.cells = {list(config.cells)}: DeepFool reaches no class; use the way sgd")
    return settings["passes"], universal_deepfool(classifier, images, ball, **given)


def require_scene(method: str, scene: Scene) -> None:
    """Refuse a scene of another kind than the method is for.

    Raises:
        ConfigError: names both kinds.
    """
    kind, wanted = scene.config.kind, _SCENES.get(method, "perturbation")
    if kind != wanted:
        raise ConfigError(f"scene.kind = {kind!r}: the method {method} needs scene.kind: {wanted}")
    require_linear(scene.config)


def require_linear(config: Any) -> None:
    """Refuse the section of a scene that shows the signs of its pictures alone.

    Raises:
        ConfigError: says so.
    """
    if getattr(config, "amplitude", "linear") != "linear":
        raise ConfigError("scene.amplitude = 'sign': a gradient method needs amplitude: linear")


def _only_target(method: str, scene: Any) -> int | None:
    """The class of the scene's only cell; None for the untargeted one."""
    if len(scene.cells) != 1:
        raise ConfigError(f"scene.cells: {len(scene.cells)} cells; {method} optimises one: give other, or one class")
    return None if scene.untargeted else int(scene.targets[0])
