"""Image classifiers of transformers, with the numbers of their image processor and the names of their classes.

Only safetensors are read, and no code is taken from a model's folder or repository: one that asks for
``trust_remote_code`` is refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.foreign import first_line
from evo_fool.classifiers.preparation import Preparation
from evo_fool.classifiers.sources.description import Description, class_names, distinct
from evo_fool.classifiers.sources.extras import import_extra
from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.classifiers.weights_io import load_weights, read_weights
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.sections import ClassifierConfig

_MOST_BYTES = 50_000_000
_ASKING = ("auto_map", "custom_pipelines", "quantization_config")
"""Keys of a configuration by which it asks for code of its own, or for packages that load some."""


def from_transformers(config: ClassifierConfig, device: torch.device) -> Classifier:
    """The image classifier in a folder, or of a name on the Hugging Face hub.

    Raises:
        ConfigError: no such folder, one that asks for code, or classes that do not fit.
        ClassifierError: transformers is not installed, or cannot load the model.
    """
    spec = ClassifierSpec.of(config)
    folder = Path(spec.target).expanduser()
    local = folder.is_dir()
    if local:
        for path in folder.glob("*.json"):
            _refuse_code(config.spec, path)
    elif not spec.connects:
        raise ConfigError(f"classifier {config.spec!r}: there is no folder {spec.target}")
    transformers = import_extra("transformers", "hf")
    where = str(folder) if local else spec.target
    common: dict[str, Any] = {"trust_remote_code": False, "local_files_only": local}
    try:
        network, report = transformers.AutoModelForImageClassification.from_pretrained(
            where,
            use_safetensors=True,
            dtype=torch.float32,
            attn_implementation="eager",
            output_loading_info=True,
            **common,
        )
        processor = transformers.AutoImageProcessor.from_pretrained(where, use_fast=False, **common)
    except Exception as error:  # whatever transformers raises; the first line says what it lacks
        asked = "trust_remote_code" in str(error)
        remedy = "it asks for trust_remote_code, which is not given" if asked else first_line(error)[:300]
        kind = ConfigError if asked else ClassifierError
        raise kind(f"classifier {config.spec!r} cannot be loaded: {remedy}") from None
    if missing := sorted(report["missing_keys"]):
        raise ConfigError(f"classifier {config.spec!r}: no weights for {', '.join(missing[:3])}; it was not trained")
    if spec.weights is not None:
        load_weights(network, read_weights(spec.weights), f"weights {spec.weights} for {config.spec}")
    size, resize = _sizes(config.spec, processor, network)
    if config.classes is not None:
        classes, aliases = class_names(config, Description(), network.config.num_labels)
    else:
        labels = network.config.id2label
        classes, aliases = [*distinct([str(labels[i]) for i in range(network.config.num_labels)])], []
    normalises = getattr(processor, "do_normalize", True)
    factor = processor.rescale_factor if getattr(processor, "do_rescale", True) else 1.0
    filters = {int(value): value.name.lower() for value in Image.Resampling}
    return Classifier(
        network,
        classes=classes,
        aliases=aliases,
        size=size,
        channels=getattr(network.config, "num_channels", 3),
        scale=round(255 * factor, 9),
        mean=tuple(processor.image_mean) if normalises else 0.0,
        std=tuple(processor.image_std) if normalises else 1.0,
        name=f"hf:{folder.name if local else spec.target}",
        preparation=Preparation(resize, filters.get(int(getattr(processor, "resample", 2) or 2), "bilinear")),
    )


def _refuse_code(spec: str, path: Path) -> None:
    """Refuse a configuration that names code, or that points to another model."""
    if path.stat().st_size > _MOST_BYTES or not path.is_file():
        raise ConfigError(f"classifier {spec!r}: {path.name} is no configuration of a model")
    if path.name == "adapter_config.json":
        raise ConfigError(f"classifier {spec!r} is an adapter to another model; merge the two and save the whole")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise ConfigError(f"classifier {spec!r}: {path.name} is not JSON") from None
    for key in _ASKING:
        if isinstance(data, dict) and data.get(key):
            what = "code of its own (trust_remote_code)" if key != "quantization_config" else "quantised weights"
            raise ConfigError(f"classifier {spec!r}: {path.name} asks for {what}, by {key}; that is not loaded")


def _sizes(spec: str, processor: Any, network: Any) -> tuple[tuple[int, int], int]:
    """Height and width of the input, and the shorter side to which a photograph is resized."""
    size: dict[str, Any]
    crop: dict[str, Any]
    size, crop = (dict(getattr(processor, key, None) or {}) for key in ("size", "crop_size"))
    if not getattr(processor, "do_center_crop", False):
        crop = {}
    whole = crop or size
    side = whole.get("shortest_edge")
    height, width = whole.get("height", side), whole.get("width", side)
    if height is None or width is None:
        own = getattr(network.config, "image_size", None)
        if not isinstance(own, int):
            raise ConfigError(f"classifier {spec!r}: its image processor does not tell the size of its input")
        height = width = own
    resize = size.get("shortest_edge") or min(size.get("height", height), size.get("width", width))
    return (height, width), max(resize, height, width)
