"""Several networks as one classifier.

``mean`` scores an image by the mean of the members' log-odds, ``minimum`` by the smallest of them, which is the
log-odds of the smallest probability: an image that scores 99 % against it scores at least 99 % with every member.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evo_fool.classifiers.base import Classifier, Output
from evo_fool.classifiers.spec import WAYS
from evo_fool.errors import ConfigError


class Ensemble(Classifier):
    """Classifiers of the same classes and the same images as one.

    Its network returns all members' logits side by side, and the scorer combines their log-odds. As a module it returns
    the mean, or the minimum, of the members' log-probabilities, for programs that want one logit per class.

    Args:
        classifiers: two or more.
        way: one of :data:`.WAYS`.

    Raises:
        ConfigError: fewer than two, an unknown way, or members with different inputs or classes.
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
    """``(n, channels, height, width)`` in [0, 1] to the members' logits ``(n, members * classes)``."""

    def __init__(self, classifiers: Sequence[Classifier]) -> None:
        super().__init__()
        for i, member in enumerate(classifiers):
            self.add_module(str(i), member)

    def forward(self, images: Tensor) -> Tensor:
        return torch.cat([member.logits(images) for member in self.children() if isinstance(member, Classifier)], dim=1)


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
            raise ConfigError(
                f"ensemble: {member.name!r} and {first.name!r} have different classes; give them the same"
            )
