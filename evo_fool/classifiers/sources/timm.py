"""timm's networks as classifiers, with size, mean, deviation and interpolation from timm's own data configuration.

Weights come from a file, or are those that timm publishes on the Hugging Face hub as safetensors. Only names of timm's
own registry are taken, none of other repositories.
"""

from __future__ import annotations

import difflib
from typing import Any

import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.foreign import first_line
from evo_fool.classifiers.imagenet import imagenet_aliases
from evo_fool.classifiers.preparation import Preparation
from evo_fool.classifiers.sources.description import Description, class_names, distinct, imagenet_names
from evo_fool.classifiers.sources.extras import import_extra
from evo_fool.classifiers.sources.torchvision import patience
from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.classifiers.weights_io import State, load_weights, read_weights
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.sections import ClassifierConfig

_KNOWN = "imagenet-1k"


def from_timm(config: ClassifierConfig, device: torch.device) -> Classifier:
    """The network of timm that a config names.

    Raises:
        ConfigError: timm has no such network, or the weights or classes do not fit it.
        ClassifierError: timm is not installed, or its weights cannot be fetched.
    """
    timm = import_extra("timm", "timm")
    spec = ClassifierSpec.of(config)
    name = spec.target
    architecture = name.partition(".")[0]
    known = [*timm.list_models(), *timm.list_pretrained()]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {'timm:' + near[0]!r}?" if near else ", such as vit_tiny_patch16_224 or convnext_tiny"
        raise ConfigError(f"classifier {config.spec!r}: timm has no network of that name{hint}")
    published = timm.models.get_pretrained_cfg(name)
    state = _fetch(config.spec, published) if spec.weights is None else read_weights(spec.weights)
    outputs = _outputs(state, published.classifier)
    with torch.random.fork_rng(devices=[]):  # the random start of a network whose weights are replaced at once
        torch.manual_seed(0)
        network = timm.create_model(name, pretrained=False, **({} if outputs is None else {"num_classes": outputs}))
    load_weights(network, state, f"weights {spec.weights or 'published'} for {config.spec}")
    data = timm.data.resolve_model_data_config(network)
    channels, height, width = data["input_size"]
    classes, aliases = _classes(timm, network, config)
    return Classifier(
        network,
        classes=classes,
        aliases=aliases,
        size=(height, width),
        channels=channels,
        mean=data["mean"],
        std=data["std"],
        name=f"timm:{name if spec.weights is None else architecture}",
        preparation=Preparation(int(max(height, width) / data["crop_pct"]), data["interpolation"]),
    )


def _fetch(spec: str, published: Any) -> State:
    """The weights that timm publishes, from the hub's cache or downloaded into it; safetensors only."""
    hub = import_extra("huggingface_hub", "timm")
    remedy = "download them elsewhere and pass --weights FILE.safetensors"
    if not published or not published.hf_hub_id:
        raise ClassifierError(
            f"classifier {spec!r}: timm publishes no weights of it as safetensors; pass --weights FILE"
        )
    repository = published.hf_hub_id
    if repository.endswith("/"):
        repository += f"{published.architecture}.{published.tag}"
    try:
        with patience():
            return read_weights(hub.hf_hub_download(repository, "model.safetensors"))
    except Exception as error:  # the hub's client raises a dozen kinds
        if isinstance(error, ConfigError):
            raise
        raise ClassifierError(
            f"classifier {spec!r}: its weights are not on this machine and cannot be fetched from {repository} "
            f"({type(error).__name__}: {first_line(error)[:200]}); {remedy}"
        ) from error


def _outputs(state: State, layer: Any) -> int | None:
    """The number of classes that weights are for; None where it cannot be told."""
    names = [layer] if isinstance(layer, str) else list(layer or ())
    return next((len(state[f"{name}.weight"]) for name in names if f"{name}.weight" in state), None)


def _classes(timm: Any, network: Any, config: ClassifierConfig) -> tuple[list[str | int], list[list[str]]]:
    """Own names, else those of the part of ImageNet that the network was trained on, else numbers."""
    outputs = network.num_classes
    subset = timm.data.infer_imagenet_subset(network)
    if config.classes is not None or not subset or _trained_further(network, outputs):
        return class_names(config, Description(), outputs)
    if subset == _KNOWN:
        names: list[Any] = imagenet_names()
        return names, imagenet_aliases(names)
    info = timm.data.ImageNetInfo(subset)
    ids = [info.index_to_label_name(i) for i in range(outputs)]
    return [*distinct([info.index_to_description(i) for i in range(outputs)])], [[each] for each in ids]


def _trained_further(network: Any, outputs: int) -> bool:
    """Whether it has another number of classes than the published one, whose names are then not its own."""
    return bool(outputs != network.pretrained_cfg["num_classes"])
