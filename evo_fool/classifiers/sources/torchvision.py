"""torchvision's ImageNet networks as classifiers, with the preprocessing that their weights were published with.

Input size, mean, deviation, resizing and class names come from the metadata of torchvision's weights: of the default
ones, or for a file of those that the file is named as. WordNet ids and synonyms come with this package.
"""

from __future__ import annotations

import difflib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.further_class import has_further_class, widen
from evo_fool.classifiers.imagenet import imagenet_aliases
from evo_fool.classifiers.lenet import FOOLING
from evo_fool.classifiers.preparation import Preparation
from evo_fool.classifiers.sources.torchvision_cpu import import_torchvision
from evo_fool.classifiers.weights_io import State, load_weights, read_weights
from evo_fool.errors import ClassifierError, ConfigError

_CONVERTED = ("googlenet", "inception_v3")
"""Networks whose published weights came from TensorFlow and want its input range; torchvision converts inside."""

_TIMEOUT = 30.0
"""Seconds without an answer after which a download is given up."""


def from_torchvision(name: str, weights: str | None) -> Classifier:
    """The network ``name`` of torchvision.models, with weights from a file or by torchvision's own download.

    Weights with one output more than there are classes make a classifier with a last class of fooling images.

    Raises:
        ConfigError: torchvision has no such classification network, or the weights do not fit it.
        ClassifierError: torchvision is not installed, or its weights cannot be fetched.
    """
    published = published_weights(name, weights)
    source = f"weights {weights or published.url} for torchvision:{name}"
    state = read_weights(weights) if weights is not None else _fetch(name, published)
    models = import_torchvision().models
    options = {"transform_input": True, "init_weights": False} if name in _CONVERTED else {}
    with torch.random.fork_rng(devices=[]):  # the random start of a network whose weights are replaced at once
        network = models.get_model(name, weights=None, **options)
    classes = list(published.meta["categories"])
    aliases = imagenet_aliases(classes)
    if has_further_class(state, network, len(classes)):
        widen(network, len(classes))
        classes, aliases = [*classes, FOOLING], [*aliases, []]
    load_weights(network, state, source)
    transform = published.transforms()
    return Classifier(
        network,
        classes=classes,
        size=transform.crop_size[0],
        channels=3,
        mean=transform.mean,
        std=transform.std,
        name=f"torchvision:{name}",
        aliases=aliases,
        preparation=Preparation(transform.resize_size[0], transform.interpolation.value),
    )


def published_weights(name: str, weights: str | None) -> Any:
    """torchvision's entry for the weights that a network is used with: its metadata, transforms and address.

    For a file it is the entry of that file's name, else the network's first, whose preprocessing is the usual one.

    Raises:
        ConfigError: torchvision has no classification network ``name``.
        ClassifierError: torchvision is not installed.
    """
    try:
        models = import_torchvision().models
    except ImportError as error:
        raise ClassifierError(f"classifier 'torchvision:{name}' needs torchvision: {error}") from None
    names = models.list_models(module=models)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {'torchvision:' + near[0]!r}?" if near else ", such as squeezenet1_1 or resnet50"
        raise ConfigError(
            f"classifier {'torchvision:' + name!r}: torchvision has no classification network of that name{hint}"
        )
    entries = models.get_model_weights(name)
    if weights is None:
        return entries.DEFAULT
    return next((e for e in entries if e.url.rpartition("/")[2] == Path(weights).name), next(iter(entries)))


def _fetch(name: str, published: Any) -> State:
    """The published weights from torch's cache, or downloaded into it; the file's hash is checked."""
    try:
        with patience():
            state: State = published.get_state_dict(
                progress=False, check_hash=True, map_location="cpu", weights_only=True
            )
    except (OSError, RuntimeError) as error:  # URLError is an OSError; a wrong hash is a RuntimeError
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ClassifierError(
            f"classifier 'torchvision:{name}': its weights are not on this machine and cannot be fetched ({reason}); "
            f"download {published.url} elsewhere and pass --weights PATH"
        ) from error
    return state


@contextmanager
def patience() -> Iterator[None]:
    """torch downloads without a time limit; a network that swallows packets would hang the run."""
    was = socket.getdefaulttimeout()
    socket.setdefaulttimeout(was or _TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(was)
