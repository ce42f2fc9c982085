"""What a network from a file, a function or a server takes and answers, where it does not say so itself.

A description is a YAML file: the one that ``classifier.description`` names, or the one beside a network's file, with
``.yaml`` behind its whole name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from evo_fool.classifiers.base import Classifier, Output
from evo_fool.classifiers.imagenet import imagenet_aliases
from evo_fool.classifiers.preparation import Preparation
from evo_fool.classifiers.sources.torchvision_cpu import import_torchvision
from evo_fool.errors import ConfigError
from evo_fool.overrides import shown, unknown_key
from evo_fool.sections import ClassifierConfig, Integer, Number, Positive, Section, Side
from evo_fool.yaml_file import read_yaml

IMAGENET = "imagenet"
"""``classifier.classes`` of the 1000 classes of ImageNet, named as by torchvision."""

_MOST_BYTES = 4_000_000
_MOST_PIXELS, _MOST_CLASSES = 4096, 1_000_000
"""Beyond these a file is taken to be damaged."""


class Description(Section):
    """The input of a network and its answer; what is None is read off the network, or has its usual value."""

    size: Side | tuple[Side, Side] | None = None
    channels: Annotated[Integer, Field(ge=1, le=1024)] | None = None
    layout: Literal["nchw", "nhwc"] | None = None
    scale: Positive = 1.0
    mean: Number | tuple[Number, ...] = 0.0
    std: Positive | tuple[Positive, ...] = 1.0
    output: Output | None = None
    classes: tuple[str | int, ...] | str | None = None
    resize: Annotated[Integer, Field(ge=1, le=65536)] | None = None
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"] = "bilinear"
    templates: tuple[str, ...] = ()
    rate: Positive | None = None
    timeout: Annotated[Positive, Field(le=3600)] = 30.0
    retries: Annotated[Integer, Field(ge=0, le=100)] = 4


PICTURES = ("size", "channels", "scale", "mean", "std", "output", "classes", "resize", "interpolation")
"""The keys that describe a network of torch."""


def described(config: ClassifierConfig, beside: str | Path | None, keys: tuple[str, ...]) -> Description:
    """The description that a classifier's section names, or that lies beside its file; else an empty one.

    Args:
        config: the section.
        beside: the network's file, if it has one.
        keys: those that mean something for this kind of network.

    Raises:
        ConfigError: a file that is missing or damaged, or a key or value that is not understood.
    """
    path = Path(f"{beside}.yaml") if config.description is None else Path(config.description)
    if config.description is None and (beside is None or not path.is_file()):
        return Description()
    if not path.is_file():
        raise ConfigError(f"description {path}: there is no such file")
    data = read_yaml(path)
    for key in data:
        if key not in keys:
            raise ConfigError(f"{path}: {unknown_key(key, list(keys))}")
    try:
        return Description.model_validate(data)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        name = str(problem["loc"][0])
        raise ConfigError(f"{path}: {name} = {shown(data[name])}: {problem['msg']}") from None


def class_names(
    config: ClassifierConfig, description: Description, outputs: int | None = None
) -> tuple[list[str | int], list[list[str]]]:
    """Names and aliases of the classes: of the file in ``config``, else of the description, else numbers.

    Args:
        config: the classifier's section.
        description: its network's.
        outputs: how many classes there are; None: as many as are named.

    Raises:
        ConfigError: the file cannot be read, nothing names the classes, or another number of them.
    """
    given: Any = description.classes if config.classes is None else config.classes
    if given is None:
        if outputs is None:
            raise ConfigError(f"classifier {config.spec!r} does not name its classes; give --classes FILE")
        return [*range(outputs)], []
    names: list[Any] = []
    names.extend(given if isinstance(given, tuple) else imagenet_names() if given == IMAGENET else listed(Path(given)))
    if outputs is not None and len(names) != outputs:
        where = "" if isinstance(given, tuple) else f" in {given}"
        raise ConfigError(
            f"classifier {config.spec!r} has {outputs} outputs, but {len(names)} classes are named{where}"
        )
    return names, imagenet_aliases(names) if given == IMAGENET else []


def imagenet_names() -> list[str]:
    """The 1000 classes of ImageNet as torchvision names them."""
    return list(import_torchvision().models.AlexNet_Weights.DEFAULT.meta["categories"])


def distinct(names: list[str]) -> list[str]:
    """Names with ``#`` and their index where they are repeated.

    >>> distinct(["crane", "duck", "crane"])
    ['crane', 'duck', 'crane #2']
    """
    return [f"{name} #{i}" if name in names[:i] else name for i, name in enumerate(names)]


def described_classifier(
    network: Any, config: ClassifierConfig, description: Description, *, shape: tuple[int, int, int], outputs: int
) -> Classifier:
    """A network with what its description says.

    Args:
        network: from normalised images to scores.
        config: its section.
        description: see :func:`described`.
        shape: channels, height and width of its input.
        outputs: how many classes it has.

    Raises:
        ConfigError: they contradict each other.
    """
    told = description
    channels, *size = shape
    if max(size) > _MOST_PIXELS or channels > _MOST_PIXELS or not 1 < outputs <= _MOST_CLASSES:
        raise ConfigError(
            f"classifier {config.spec!r} is said to take {channels}x{size[0]}x{size[1]} values and to have {outputs} "
            f"classes; at most {_MOST_PIXELS} a side and {_MOST_CLASSES:,} classes are possible"
        )
    classes, aliases = class_names(config, description, outputs)
    resize = max(size) if told.resize is None else told.resize
    return Classifier(
        network,
        classes=classes,
        aliases=aliases,
        size=(size[0], size[1]),
        channels=channels,
        scale=told.scale,
        mean=told.mean,
        std=told.std,
        output=told.output or "logits",
        preparation=Preparation(resize, told.interpolation),
        name=config.spec,
    )


def existing_file(spec: str, target: str) -> Path:
    """The file that a spec names.

    Raises:
        ConfigError: it is none; a pipe, a device or a folder is none.
    """
    path = Path(target)
    if not path.is_file():
        raise ConfigError(f"classifier {spec!r}: there is no file {target}")
    return path


def listed(path: Path) -> list[str]:
    """The lines of a text file of classes that are not empty.

    Raises:
        ConfigError: it is missing, too large, or no text.
    """
    if not path.is_file():
        raise ConfigError(
            f"classes {path}: there is no such file; give a text file with one name a line, or {IMAGENET}"
        )
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise ConfigError(f"classes {path}: more than {_MOST_BYTES:,} bytes; give one name a line")
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a UTF-8 text file"
        raise ConfigError(f"classes {path}: {reason}; give a text file with one name a line") from None
    names = [line.strip() for line in text.splitlines() if line.strip()]
    if not all(name.isprintable() for name in names):
        raise ConfigError(f"classes {path}: has control characters; give a text file with one name a line")
    return names
