"""Several networks as one judge: an image counts for a class as much as they say on average, or as the least sure says.

    ensemble:mean:MEMBER+MEMBER[+…]        ensemble:minimum:MEMBER+MEMBER[+…]

where MEMBER is another spec, and ``SPEC@PATH`` names its weights. ``mean`` is the mean of the members' log-odds,
``minimum`` the smallest of them, which is the log-odds of the smallest of their probabilities: an image that scores
99 % against it scores at least 99 % with every member.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evo_fool.classifiers.base import Classifier, Output
from evo_fool.errors import ConfigError
from evo_fool.experiment import ClassifierConfig

WAYS = ("mean", "minimum")
"""How the members' log-odds become one."""

_SHAPE = "expected ensemble:mean:SPEC+SPEC or ensemble:minimum:SPEC+SPEC, with SPEC@PATH for weights from a file"


class Ensemble(Classifier):
    """Classifiers of the same classes and the same images as one.

    Its network answers all members' logits side by side, and the scorer combines their log-odds. As a module it answers
    with the mean, or the minimum, of the members' log-probabilities, for programs that want one logit a class.

    Args:
        classifiers: two or more.
        way: one of :data:`WAYS`.

    Raises:
        ConfigError: fewer than two, an unknown way, or members that take other images or know other classes.
    """

    def __init__(self, classifiers: Sequence[Classifier], way: str) -> None:
        _check(classifiers, way)
        first = classifiers[0]
        super().__init__(
            _SideBySide(classifiers),
            classes=first.classes,
            size=first.shape[1:],
            channels=first.channels,
            name=f"ensemble:{way}({', '.join(member.name for member in classifiers)})",
            aliases=first.aliases,
            preparation=first.preparation,
        )
        self.way = way
        self.members = len(classifiers)

    def logits(self, images: Tensor) -> Tensor:
        answers = self.network(self.normalise(images)).view(len(images), self.members, -1)
        return self.combined(F.log_softmax(answers, dim=-1))

    @property
    def outputs(self) -> tuple[Output, ...]:
        return tuple(member.output for member in self.network.children() if isinstance(member, Classifier))

    def combined(self, log_odds: Tensor) -> Tensor:
        return log_odds.mean(dim=-2) if self.way == "mean" else log_odds.amin(dim=-2)

    def fingerprint(self) -> str:
        """SHA-256 (hex) of the way and of the members' fingerprints, in their order."""
        members = [member.fingerprint() for member in self.network.children() if isinstance(member, Classifier)]
        return hashlib.sha256(json.dumps([self.way, members]).encode()).hexdigest()


class _SideBySide(nn.Module):
    """``(n, channels, size, size)`` in [0, 1] to the members' logits ``(n, members * classes)``."""

    def __init__(self, classifiers: Sequence[Classifier]) -> None:
        super().__init__()
        for i, member in enumerate(classifiers):
            self.add_module(str(i), member)

    def forward(self, images: Tensor) -> Tensor:
        return torch.cat([member.logits(images) for member in self.children() if isinstance(member, Classifier)], dim=1)


def is_ensemble(spec: str) -> bool:
    """Whether a classifier spec names an ensemble."""
    return spec.startswith("ensemble:")


def parse_ensemble(spec: str) -> tuple[str, tuple[ClassifierConfig, ...]]:
    """The way and the members of an ensemble's spec.

    >>> way, members = parse_ensemble("ensemble:mean:lenet-mnist+lenet-mnist@other.safetensors")
    >>> way, members[0].weights, members[1].weights
    ('mean', None, 'other.safetensors')

    Raises:
        ConfigError: malformed; one line that shows the form.
    """
    _, _, rest = spec.partition(":")
    way, _, listed = rest.partition(":")
    pairs = [member.strip().partition("@") for member in listed.split("+")]
    if way not in WAYS or len(pairs) < 2 or not all(name and (path or not at) for name, at, path in pairs):
        raise ConfigError(f"classifier {spec!r}: {_SHAPE}")
    if any(is_ensemble(name) for name, _, _ in pairs):
        raise ConfigError(f"classifier {spec!r}: an ensemble cannot be a member of another")
    return way, tuple(ClassifierConfig(spec=name, weights=path or None) for name, _, path in pairs)


def ensemble_spec(way: str, members: Sequence[ClassifierConfig]) -> str:
    """The spec that :func:`parse_ensemble` reads back.

    Raises:
        ConfigError: a member with a + or an @ in its name or path, which the spec has no way to write.
    """
    for member in members:
        if any(sign in text for sign in "+@" for text in (member.spec, member.weights or "")):
            raise ConfigError(f"ensemble member {member.spec!r}, {member.weights!r}: rename it without + and @")
    listed = (m.spec if m.weights is None else f"{m.spec}@{m.weights}" for m in members)
    return f"ensemble:{way}:{'+'.join(listed)}"


def _check(classifiers: Sequence[Classifier], way: str) -> None:
    if way not in WAYS:
        raise ConfigError(f"ensemble: {way!r} is unknown; choose {' or '.join(WAYS)}")
    if len(classifiers) < 2:
        raise ConfigError(f"ensemble: {len(classifiers)} member(s); give at least two")
    first = classifiers[0]
    for member in classifiers[1:]:
        taken, others = (list(c.shape) for c in (member, first))
        if taken != others:
            raise ConfigError(f"ensemble: {member.name!r} takes images {taken}, {first.name!r} {others}; not the same")
        if member.classes != first.classes:
            raise ConfigError(f"ensemble: {member.name!r} and {first.name!r} know other classes; they must be the same")
