"""From a spec, one line of an experiment file, to a :class:`Classifier`."""

from __future__ import annotations

import difflib
import json
from importlib import import_module
from pathlib import Path

import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.digit_vaes import DigitPosterior, DigitVaes, vae_classifier, vae_sizes
from evo_fool.classifiers.ensemble import Ensemble
from evo_fool.classifiers.lenet import DIGITS, LeNet, lenet_classifier
from evo_fool.classifiers.sources.factory import GROUP, from_factory
from evo_fool.classifiers.sources.torchvision import from_torchvision
from evo_fool.classifiers.spec import BUILT_IN, ClassifierSpec
from evo_fool.classifiers.weights_io import load_weights, read_weights, sha256
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.plugins import names
from evo_fool.sections import ClassifierConfig

_ELSEWHERE = {
    "timm": ("timm", "from_timm"),
    "hf": ("transformers", "from_transformers"),
    "clip": ("open_clip", "from_open_clip"),
    "onnx": ("onnx", "from_onnx"),
    "exported": ("exported", "from_exported"),
    "torchscript": ("torchscript", "from_torchscript"),
    "http": ("http", "from_http"),
    "callable": ("function", "from_function"),
}
"""Kinds of spec, with the file of ``sources`` and the function in it that makes a classifier of a config."""

SHIPPED = Path(__file__).with_name("weights") / "lenet-mnist.safetensors"
"""The weights of ``lenet-mnist``; the record beside them says how they were trained and tested."""


def load_classifier(config: ClassifierConfig, device: torch.device) -> Classifier:
    """The classifier that ``config`` names, on ``device``.

    Raises:
        ConfigError: an unknown spec, a missing file or function, or weights that do not fit or are refused.
        ClassifierError: weights that cannot be fetched, shipped weights that are damaged, or a user's function that
            fails or returns something else.
    """
    spec = ClassifierSpec.of(config)
    match spec.kind:
        case "lenet-mnist":
            classifier = _lenet(spec.weights)
        case "vae-mnist":
            classifier = _vaes(spec.weights)
        case "torchvision":
            classifier = from_torchvision(spec.target, spec.weights)
        case "ensemble":
            classifier = Ensemble([load_classifier(member.config(), device) for member in spec.members], spec.target)
        case "guarded":
            from evo_fool.classifiers.guarded import guarded_classifier  # needs an extra

            (member,) = spec.members
            within = config.model_copy(update={"spec": str(member), "weights": member.weights})
            return guarded_classifier(spec.target, load_classifier(within, device)).to(device)
        case kind if kind in _ELSEWHERE:  # imported only now: most of them need packages of their own
            module, function = _ELSEWHERE[kind]
            classifier = getattr(import_module(f"evo_fool.classifiers.sources.{module}"), function)(config, device)
        case "import" | "file":
            classifier = from_factory(spec)
        case "plugin" if spec.target in names(GROUP):
            classifier = from_factory(spec)
        case "object":
            raise ConfigError(f"classifier {config.spec!r} was a Python object; pass it again as classifier=…")
        case _:
            raise ConfigError(f"classifier {config.spec!r} is unknown{_hint(config.spec)}")
    if spec.kind not in _ELSEWHERE:
        _refuse_settings(config)
    if config.output is not None:
        if spec.kind == "ensemble":
            raise ConfigError(f"classifier {config.spec!r}: classifier.output belongs to its members; leave it out")
        classifier.output = config.output
    if any(tensor.is_meta for tensor in (*classifier.parameters(), *classifier.buffers())):
        raise ConfigError(
            f"classifier {config.spec!r}: parameters on the device 'meta' have no values; build the network on the cpu"
        )
    return classifier.to(device)


def _refuse_settings(config: ClassifierConfig) -> None:
    """Refuse settings that mean nothing to a classifier that says everything itself."""
    for key in ("classes", "description", "max_queries"):
        if (value := getattr(config, key)) is not None:
            raise ConfigError(f"classifier.{key} = {value!r} means nothing to {config.spec!r}; leave it out")


def _lenet(weights: str | None) -> Classifier:
    path = Path(weights) if weights is not None else SHIPPED
    if weights is None:
        check_shipped(path)
    state = read_weights(path)
    fooling = "fc2.bias" in state and state["fc2.bias"].shape == (len(DIGITS) + 1,)
    network = LeNet(outputs=len(DIGITS) + fooling)
    load_weights(network, state, f"weights {path} for lenet-mnist")
    return lenet_classifier(network)


def _vaes(weights: str | None) -> Classifier:
    if weights is None:
        raise ConfigError(
            "classifier 'vae-mnist' ships without weights; train them: evo-fool train vae --data DIR, "
            "and give them: --weights vae-mnist.safetensors"
        )
    state = read_weights(weights)
    network = DigitPosterior(DigitVaes(*vae_sizes(state)))
    load_weights(network, state, f"weights {weights} for vae-mnist")
    return vae_classifier(network)


def check_shipped(path: Path) -> None:
    """Compare shipped weights with the checksum in the record beside them.

    Raises:
        ClassifierError: one of the two is missing or unreadable, or they differ.
    """
    remedy = "install evo-fool again"
    try:
        expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["sha256"]
        found = sha256(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ClassifierError(
            f"shipped weights {path} or their record are missing or unreadable ({error}); {remedy}"
        ) from None
    if found != expected:
        raise ClassifierError(
            f"shipped weights {path} are damaged: SHA-256 {found[:12]}..., "
            f"the record says {str(expected)[:12]}...; {remedy}"
        )


def _hint(text: str) -> str:
    kind, _, rest = text.partition(":")
    kinds = (*_ELSEWHERE, "torchvision", "plugin", "import", "ensemble", "guarded")
    known = [*BUILT_IN, *names(GROUP), *(f"{kind}:" for kind in kinds)]
    near = difflib.get_close_matches(f"{kind}:" if rest else text, known, n=1)
    if near:
        return f"; did you mean {near[0] + rest if near[0].endswith(':') else near[0]!r}?"
    return (
        f"; give {', '.join([*BUILT_IN, *names(GROUP)])}, torchvision:NAME, timm:NAME, hf:FOLDER, clip:ARCHITECTURE, "
        "onnx:FILE, exported:FILE, torchscript:FILE, http:URL, callable:package.module:function, "
        "import:package.module:function, path/to/file.py:function, ensemble:mean:SPEC+SPEC or guarded:FILE:SPEC"
    )
