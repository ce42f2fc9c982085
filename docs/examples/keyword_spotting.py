"""Keyword spotting: a network that hears twelve words is evolved against in its own input, a picture of sound.

    evo-fool run mnist-cppn --classifier docs/examples/keyword_spotting.py:build --weights res8_narrow.pt \
        --generations 300

The picture is what the network sees of a second of sound: 101 moments from top to bottom, 40 mel-frequency cepstral
coefficients (MFCCs) from left to right. A byte stands for a value in the range that each has in recordings.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from evo_fool.classifiers import Classifier

WORDS = ("silence", "unknown", "yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
MOMENTS, COEFFICIENTS = 101, 40
LOUDNESS = (-155.0, -10.0)
"""The first coefficient, which sums over all bands, of recordings from silence to loud speech."""

SPREAD = 40.0
"""Coefficient j of such recordings lies within about plus or minus SPREAD / (1 + j / 3)."""


class Res8Narrow(nn.Module):
    """MFCCs ``(n, 1, 101, 40)`` to logits ``(n, 12)``; Tang & Lin, ICASSP 2018, "res8-narrow"."""

    def __init__(self) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(1, 19, 3, padding=1, bias=False)
        self.pool = nn.AvgPool2d((4, 3))
        for i in range(1, 7):
            setattr(self, f"conv{i}", nn.Conv2d(19, 19, 3, padding=1, bias=False))
            setattr(self, f"bn{i}", nn.BatchNorm2d(19, affine=False))
        self.output = nn.Linear(19, len(WORDS))

    def forward(self, sound: Tensor) -> Tensor:
        x = kept = self.pool(torch.relu(self.conv0(sound)))
        for i in range(1, 7):
            y = torch.relu(getattr(self, f"conv{i}")(x))
            if i % 2 == 0:
                y = kept = y + kept
            x = getattr(self, f"bn{i}")(y)
        logits: Tensor = self.output(x.flatten(2).mean(dim=2))
        return logits


class Heard(nn.Module):
    """A picture in [0, 1] to logits: each column is spread over the range of its coefficient."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        high = SPREAD / (1 + torch.arange(COEFFICIENTS) / 3)
        low = -high
        low[0], high[0] = LOUDNESS
        self.register_buffer("low", low, persistent=False)
        self.register_buffer("range", high - low, persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        logits: Tensor = self.network(self.low + self.range * pictures)
        return logits


def build(weights: str) -> Classifier:
    """The classifier; ``weights`` is the path given with --weights."""
    network = Res8Narrow()
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return Classifier(Heard(network), classes=WORDS, size=(MOMENTS, COEFFICIENTS), channels=1, name="keyword spotting")
