"""Where classifiers come from: a spec, one line of an experiment file, becomes a :class:`Classifier`.

========================  =============================================================================
``lenet-mnist``           the LeNet of the paper, shipped with the package
``vae-mnist``             a generative classifier of digits; its weights are trained by ``evo-fool train vae``
``torchvision:NAME``      an ImageNet network of torchvision
``import:PACKAGE:NAME``   what the function NAME of an importable module returns
``path/to/file.py:NAME``  what the function NAME of a Python file returns
``ensemble:WAY:A+B``      several of these as one, see :mod:`evo_fool.classifiers.ensemble`
========================  =============================================================================
"""

from __future__ import annotations

import difflib
import json
from pathlib import Path

import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.digit_vaes import DigitPosterior, DigitVaes, vae_classifier, vae_sizes
from evo_fool.classifiers.ensemble import Ensemble, is_ensemble, parse_ensemble
from evo_fool.classifiers.lenet import DIGITS, LeNet, lenet_classifier
from evo_fool.classifiers.sources.factory import from_file, from_module
from evo_fool.classifiers.sources.torchvision import from_torchvision
from evo_fool.classifiers.weights_io import load_weights, read_weights, sha256
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.experiment import ClassifierConfig

SHIPPED = Path(__file__).with_name("weights") / "lenet-mnist.safetensors"
"""The weights of ``lenet-mnist``; the record beside it says how they came about and what they are worth."""


def load_classifier(config: ClassifierConfig, device: torch.device) -> Classifier:
    """The classifier that ``config`` names, on ``device``.

    Raises:
        ConfigError: an unknown spec, a missing file or function, or weights that do not fit or are refused.
        ClassifierError: weights that cannot be fetched, shipped weights that are damaged, or a function of one's own
            that fails or returns something else.
    """
    spec = config.spec
    kind, separator, rest = spec.partition(":")
    if spec == "lenet-mnist":
        classifier = _lenet(config.weights)
    elif spec == "vae-mnist":
        classifier = _vaes(config.weights)
    elif is_ensemble(spec):
        classifier = _ensemble(config, device)
    elif kind == "torchvision" and separator:
        classifier = from_torchvision(rest, config.weights)
    elif kind == "import" and separator:
        classifier = from_module(rest, config.weights)
    elif spec.endswith(".py") or ".py:" in spec:
        classifier = from_file(spec, config.weights)
    else:
        raise ConfigError(f"classifier {spec!r} is unknown{_hint(spec, kind, rest)}")
    if any(tensor.is_meta for tensor in (*classifier.parameters(), *classifier.buffers())):
        raise ConfigError(
            f"classifier {spec!r}: parameters on the device 'meta' have no values; build the network on the cpu"
        )
    return classifier.to(device)


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


def _ensemble(config: ClassifierConfig, device: torch.device) -> Classifier:
    way, members = parse_ensemble(config.spec)
    if config.weights is not None:
        raise ConfigError(f"classifier {config.spec!r}: weights belong to its members; write SPEC@{config.weights}")
    return Ensemble([load_classifier(member, device) for member in members], way)


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


def _hint(spec: str, kind: str, rest: str) -> str:
    known = ["lenet-mnist", "vae-mnist", "torchvision:", "import:", "ensemble:"]
    near = difflib.get_close_matches(spec if not rest else f"{kind}:", known, n=1)
    if near:
        return f"; did you mean {near[0] + rest if near[0].endswith(':') else near[0]!r}?"
    return (
        "; give lenet-mnist, vae-mnist, torchvision:NAME, import:package.module:function, path/to/file.py:function or "
        "ensemble:mean:SPEC+SPEC"
    )
