"""A function as a classifier: ``predict_proba`` of scikit-learn, a net of TensorFlow Lite or OpenCV, any other.

It takes bytes, uint8 ``(n, height, width, channels)``, and returns logits or probabilities ``(n, classes)``. What it
takes and answers stands in attributes of the function (``size``, ``channels``, ``classes``, ``output``), or in a
description, which counts more. An attribute ``fingerprint``, any text, names its weights; without one, it is known by
its answers to sixteen images.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.foreign import first_line
from evo_fool.classifiers.opaque import FunctionNetwork
from evo_fool.classifiers.sources.description import Description, class_names, described
from evo_fool.classifiers.sources.factory import user_function
from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.sections import ClassifierConfig

_KEYS = ("size", "channels", "output", "classes")


def from_function(config: ClassifierConfig, device: torch.device) -> Classifier:
    """The classifier that a spec ``callable:…`` names.

    Raises:
        ConfigError: no such function, or it does not tell what it takes.
        ClassifierError: its module fails, or it does.
    """
    function = user_function(ClassifierSpec.of(config))
    return function_classifier(function, config, described(config, None, _KEYS))


def function_classifier(
    function: Callable[[Any], Any], config: ClassifierConfig, description: Description | None = None
) -> Classifier:
    """A function as a classifier, with what the description or its own attributes say.

    Raises:
        ConfigError: neither tells the size of the images.
        ClassifierError: it fails on an image, where that has to tell the number of classes.
    """
    name = config.spec
    told = (description or Description()).model_dump(exclude_unset=True)
    own = {key: value for key in _KEYS if (value := getattr(function, key, None)) is not None}
    facts: dict[str, Any] = {"channels": 3, "output": "logits"} | own | told
    if "size" not in facts:
        raise ConfigError(
            f"the function of classifier {name!r} does not tell its size; set function.size = 28 (and channels, "
            "classes, output), or pass evo_fool.Classifier(function, classes=[...], size=..., channels=...)"
        )
    classes: Any = facts.get("classes")
    aliases: list[list[str]] = []
    if config.classes is not None or classes is None or isinstance(classes, str):
        classes, aliases = class_names(config, Description(classes=classes), _outputs(function, name, facts))
    return Classifier(
        function,
        classes=[*classes],
        aliases=aliases,
        size=facts["size"],
        channels=facts["channels"],
        output=facts["output"],
        name=name,
    )


def _outputs(function: Callable[[Any], Any], name: str, facts: dict[str, Any]) -> int:
    """How many scores a function gives to a grey image."""
    size = facts["size"]
    height, width = (size, size) if isinstance(size, int) else size
    try:
        answer = FunctionNetwork(function)(torch.full((2, facts["channels"], height, width), 0.5))
    except Exception as error:
        raise ClassifierError(f"classifier {name!r} failed: {type(error).__name__}: {first_line(error)}") from error
    if answer.ndim != 2:
        raise ClassifierError(
            f"classifier {name!r} answered {tuple(answer.shape)} to two images; expected one row of scores an image"
        )
    return answer.shape[1]
