"""Detectors of images that are not natural, most of them pytorch-ood's: one number for each image, higher for odder.

They see what a network does with an image: its logits, the features that enter its last layer, or, for ``odin``, its
gradient. ``vae`` sees the image itself: how unlikely it is under the autoencoders of :mod:`.digit_vaes`, at whose floor
those stop believing in any digit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.digit_vaes import PIXELS, DigitVaes, vae_sizes
from evo_fool.classifiers.further_class import find_head
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.sources.extras import import_extra
from evo_fool.classifiers.spec import DETECTORS, Detecting
from evo_fool.classifiers.weights_io import State, load_weights
from evo_fool.errors import ConfigError

OF_FEATURES: tuple[Detecting, ...] = ("mahalanobis", "knn", "vim")
"""Detectors that are fitted on the features of natural images."""

VAES = "vaes."
"""How the names of the autoencoders' weights begin, as in the file that ``evo-fool train vae`` writes."""

_SHAPES = {"mahalanobis": {"mu": 2, "precision": 2}, "knn": {"bank": 2}, "vim": {"subspace": 2, "alpha": 0}}
"""Detector -> its tensors and how many dimensions each has."""

_NEIGHBOURS, _PER_NEIGHBOUR = 50, 25
"""The neighbour whose distance ``knn`` measures: the paper's 50th, among fewer images the n/25th."""


class Seen(NamedTuple):
    """What a detector may look at: images in [0, 1], and what the network made of them.

    Attributes:
        images: float32 ``(n, channels, height, width)``.
        logits: ``(n, classes)``.
        features: what entered the last layer, ``(n, d)``, mean over places; None where the detector does not ask.
    """

    images: Tensor
    logits: Tensor
    features: Tensor | None


class Detector:
    """A fitted detector.

    Args:
        kind: one of :data:`.DETECTORS`.
        classifier: the network that it was fitted on.
        tensors: what was fitted; empty for detectors of logits.

    Raises:
        ConfigError: the network has no such features or gradients, or the tensors do not fit it.
        ClassifierError: pytorch-ood or scikit-learn is not installed.
    """

    def __init__(self, kind: Detecting, classifier: Classifier, tensors: State) -> None:
        self.kind, self.classifier, self.tensors = kind, classifier, tensors
        if classifier.members > 1:
            raise ConfigError(f"a detector watches one network; {classifier.name} is several")
        self.head = head_of(classifier, kind) if kind in OF_FEATURES else None
        _check(kind, tensors, self.head)
        self._score = _scores_of(kind, classifier, tensors, self.head)

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The network's logits ``(n, classes)``, and how odd each image is, float64 ``(n,)``.

        Args:
            images: float32 ``(n, channels, height, width)`` in [0, 1].
        """
        seen = look(self.classifier, images, self.head)
        return seen.logits, self._score(seen).detach().to(seen.logits.device, torch.float64)

    def scores(self, scorer: Scorer, images: Any) -> Tensor:
        """How odd uint8 images ``(n, channels, height, width)`` are, float64 ``(n,)``, on the CPU.

        Args:
            scorer: of the network; says how images become inputs, and how many at a time.
            images: an array or a tensor.
        """
        with torch.inference_mode():
            return torch.cat([self(views)[1].cpu() for views in scorer.views(images)])


def head_of(classifier: Classifier, kind: str) -> nn.Linear | nn.Conv2d:
    """The last layer, whose input are the features.

    Raises:
        ConfigError: torch cannot see one.
    """
    try:
        return find_head(classifier.network, len(classifier.classes))[1]
    except ConfigError:
        rest = ", ".join(k for k in DETECTORS if k not in OF_FEATURES)
        raise ConfigError(
            f"detector {kind}: {classifier.name} shows no last layer, so its features are unknown; choose among {rest}"
        ) from None


def look(classifier: Classifier, images: Tensor, head: nn.Module | None) -> Seen:
    """One pass of the network over images in [0, 1], with the features that enter ``head``, if one is given."""
    if head is None:
        return Seen(images, classifier.logits(images), None)
    entered: list[Tensor] = []
    hook = head.register_forward_pre_hook(lambda _module, inputs: entered.append(inputs[0]))
    try:
        logits = classifier.logits(images)
    finally:
        hook.remove()
    features = entered[-1].flatten(2).mean(2) if entered[-1].ndim == 4 else entered[-1]
    if features.ndim != 2 or len(features) != len(images):
        raise ConfigError(
            f"{classifier.name}: its last layer is given {tuple(entered[-1].shape)}; not one row an image"
        )
    return Seen(images, logits, features)


def linear(head: nn.Linear | nn.Conv2d) -> tuple[Tensor, Tensor]:
    """Weights ``(classes, d)`` and biases ``(classes,)`` of a last layer, on the CPU."""
    weight = head.weight.detach().flatten(1).cpu()
    return weight, torch.zeros(len(weight)) if head.bias is None else head.bias.detach().cpu()


def neighbour(n: int) -> int:
    """The neighbour that ``knn`` asks for among ``n`` images.

    >>> neighbour(10), neighbour(250), neighbour(50_000)
    (1, 10, 50)
    """
    return max(1, min(_NEIGHBOURS, n // _PER_NEIGHBOUR))


def _check(kind: Detecting, tensors: State, head: nn.Linear | nn.Conv2d | None) -> None:
    """Refuse tensors of another detector or network before anything is computed with them."""
    if kind == "vae":
        return  # whose names and shapes are checked as weights are
    wanted = _SHAPES.get(kind, {})
    wrong = set(tensors) ^ set(wanted) or {k for k, n in wanted.items() if tensors[k].ndim != n}
    if not wrong:
        wrong = {k for k, t in tensors.items() if not t.is_floating_point() or not bool(t.isfinite().all())}
    if not wrong and head is not None:
        d = head.weight.shape[1]
        sides = {"mu": (1,), "precision": (0, 1), "bank": (1,), "subspace": (0,)}
        wrong = {k for k, t in tensors.items() for side in sides.get(k, ()) if t.shape[side] != d or not t.numel()}
    if wrong:
        raise ConfigError(f"detector {kind}: its {', '.join(sorted(wrong))} do not fit the network; fit it again")


def _scores_of(
    kind: Detecting, classifier: Classifier, tensors: State, head: nn.Linear | nn.Conv2d | None
) -> Callable[[Seen], Tensor]:
    """From what is seen to how odd each image is.

    ``msp``, ``odin`` and ``entropy`` are put on scales that do not end where the network is sure, by functions that
    only rise: the detector is the same, and a search still feels a slope. For the same reason the entropy is torch's:
    pytorch-ood's ends at probabilities of 1e-7.
    """
    if kind == "vae":
        return _unlikely(classifier, tensors)
    ood = import_extra("pytorch_ood.detector", "ood")
    match kind:
        case "msp":
            return lambda seen: _odds_against(ood.MaxSoftmax.score(seen.logits.double()))
        case "maxlogit":
            return lambda seen: ood.MaxLogit.score(seen.logits.double())
        case "energy":
            return lambda seen: ood.EnergyBased.score(seen.logits.double())
        case "entropy":
            return lambda seen: torch.special.entr(seen.logits.double().softmax(1)).sum(1).clamp_min(2.0**-1022).log()
        case "odin":
            return _odin(classifier, ood)
    features: Any
    if kind == "mahalanobis":
        features = ood.Mahalanobis(None)
        features.mu, features.precision = tensors["mu"].double(), tensors["precision"].double()
        return lambda seen: features.predict_features(_of(seen).double())
    if kind == "knn":
        import_extra("sklearn", "ood")
        bank = tensors["bank"].float()
        features = ood.KNN(None, k=neighbour(len(bank))).fit_features(bank, torch.zeros(len(bank), dtype=torch.int64))
        return lambda seen: features.predict_features(_of(seen).float())
    if head is None:
        raise ConfigError(f"detector {kind} needs a last layer")
    features = ood.ViM(None, head.weight.shape[1] - tensors["subspace"].shape[1], *linear(head))
    features.principal_subspace, features.alpha = tensors["subspace"].float(), float(tensors["alpha"])
    return lambda seen: features.predict_features(_of(seen))


def _of(seen: Seen) -> Tensor:
    if seen.features is None:
        raise ConfigError("this detector looks at features, and none were kept")
    return seen.features.cpu()


def _odds_against(score: Tensor) -> Tensor:
    """Minus the log-odds of a probability whose negative is given, float64."""
    return -torch.logit(-score.double(), eps=2.0**-53)


def _odin(classifier: Classifier, ood: Any) -> Callable[[Seen], Tensor]:
    """ODIN with pytorch-ood's temperature, 1000, and step, 0.0014 of the range of a value, as images are in [0, 1].

    The step follows a gradient, which it finds also where the scorer has switched gradients off.
    """
    if classifier.opaque:
        raise ConfigError(f"detector odin follows gradients, and {classifier.name} has none; choose another detector")
    detector = ood.ODIN(classifier.logits)

    def score(seen: Seen) -> Tensor:
        with torch.inference_mode(False), torch.enable_grad():
            return _odds_against(detector.predict(seen.images.clone()))

    return score


def _unlikely(classifier: Classifier, tensors: State) -> Callable[[Seen], Tensor]:
    """Minus the largest log-likelihood under any digit, in nats, up to a constant."""
    if classifier.shape[0] != 1 or classifier.shape[1] * classifier.shape[2] != PIXELS:
        raise ConfigError(f"detector vae knows digits of 28x28 grey values; {classifier.name} takes others")
    vaes = DigitVaes(*vae_sizes(tensors))
    load_weights(vaes, {name.removeprefix(VAES): t for name, t in tensors.items()}, "detector vae")
    vaes.requires_grad_(False)
    return lambda seen: -vaes(seen.images.cpu().flatten(1)).amax(1)
