"""A bare network as a :class:`Classifier`, where what that takes can be read off the network."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from torch import nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.sources.function import function_classifier
from evo_fool.errors import ConfigError
from evo_fool.sections import ClassifierConfig


def as_classifier(value: Classifier | nn.Module | Callable[[Any], Any]) -> Classifier:
    """``value`` itself, or a network or function wrapped in a classifier.

    A function tells by its attributes what it takes, see :mod:`.sources.function`.

    A network is given images in [0, 1], normalised only as its ``default_cfg`` (timm) says. Found out are

    * classes: from ``classes``, ``class_names`` or ``config.id2label``; else numbered as the last layer's outputs,
    * channels and size: from ``default_cfg["input_size"]``, ``config`` (transformers), or a first linear layer, which
      takes the pixels of a square grey or RGB image; else channels from the first convolution, size from ``size``,
      ``image_size`` or ``input_size``.

    Raises:
        ConfigError: no network, or something of this cannot be found out.
    """
    if isinstance(value, Classifier):
        return value
    name = type(value).__name__
    if not isinstance(value, nn.Module) and callable(value) and not isinstance(value, type):
        name = getattr(value, "__name__", name)
        return function_classifier(value, ClassifierConfig(spec=name))
    if not isinstance(value, nn.Module):
        raise ConfigError(f"classifier is {name}; pass an evo_fool.Classifier, a torch.nn.Module or a function")
    found = {"classes": _classes(value), **_input(value)}
    if missing := [key for key, fact in found.items() if fact is None]:
        asked = "classes=[...], size=..., channels=..."
        raise ConfigError(
            f"the network {name} does not tell its {' and '.join(missing)}; "
            f"pass evo_fool.Classifier(network, {asked}, name={name!r})"
        )
    default = getattr(value, "default_cfg", None)
    default = default if isinstance(default, dict) else {}
    normalisation = {key: default[key] for key in ("mean", "std") if key in default}
    return Classifier(value, **found, **normalisation, name=name)


def _classes(network: nn.Module) -> list[Any] | None:
    config = getattr(network, "config", None)
    labels = getattr(config, "id2label", None)
    if isinstance(labels, dict):
        return [labels[index] for index in sorted(labels)]
    for attribute in ("classes", "class_names"):
        if isinstance(named := getattr(network, attribute, None), list | tuple):
            return list(named)
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear | nn.modules.conv._ConvNd)]
    n = getattr(network, "num_classes", None)
    if not isinstance(n, int) and layers:
        n = layers[-1].out_features if isinstance(layers[-1], nn.Linear) else layers[-1].out_channels
    return list(range(n)) if isinstance(n, int) else None


def _input(network: nn.Module) -> dict[str, Any]:
    """``channels`` and ``size``; None where unknown."""
    default, config = getattr(network, "default_cfg", None), getattr(network, "config", None)
    if isinstance(default, dict) and len(shape := tuple(default.get("input_size", ()))) == 3:
        return {"channels": shape[0], "size": _side(shape[1:])}
    first = next((m for m in network.modules() if isinstance(m, nn.Linear | nn.Conv2d)), None)
    channels = getattr(config, "num_channels", None)
    if isinstance(first, nn.Conv2d):
        channels = first.in_channels
    elif isinstance(first, nn.Linear):
        for planes in (1, 3):
            side = math.isqrt(first.in_features // planes)
            if planes * side**2 == first.in_features:
                return {"channels": planes, "size": side}
    candidates = [getattr(network, key, None) for key in ("size", "image_size", "input_size")]
    sides = [_side(value) for value in (*candidates, getattr(config, "image_size", None))]
    return {"channels": channels, "size": next((side for side in sides if side), None)}


def _side(value: Any) -> int | None:
    """A side in pixels, of a number or of an equal height and width."""
    if isinstance(value, tuple | list) and len(set(value)) == 1:
        value = value[0]
    return value if type(value) is int else None
