"""Fooling rates of Moosavi-Dezfooli et al. (CVPR 2017), Tables 1 and 2: L∞ 10, 10,000 photographs to make, validation
photographs to test."""

from __future__ import annotations

_NETWORKS = ("VGG-F", "CaffeNet", "GoogLeNet", "VGG-16", "VGG-19", "ResNet-152")

FOOLING = {
    "VGG-F": (93.7, 71.8, 48.4, 42.1, 42.1, 47.4),
    "CaffeNet": (74.0, 93.3, 47.7, 39.9, 39.9, 48.0),
    "GoogLeNet": (46.2, 43.8, 78.9, 39.2, 39.8, 45.5),
    "VGG-16": (63.4, 55.8, 56.5, 78.3, 73.1, 63.4),
    "VGG-19": (64.0, 57.2, 53.6, 73.5, 77.8, 58.0),
    "ResNet-152": (46.3, 46.3, 50.5, 47.0, 45.5, 84.0),
}
"""Network that a perturbation was made for -> per cent of photographs on which it fools each of the networks, in this
order."""

BOUND = 10.0
"""L∞, of 255."""

FILES = {"vgg_16": "VGG-16", "caffenet": "CaffeNet", "googlenet": "GoogLeNet"}
"""Names of the authors' files -> the networks that they were made for."""


def own() -> str:
    """On the network that each was made for."""
    return _range([rates[_NETWORKS.index(name)] for name, rates in FOOLING.items()])


def across(made_for: str | None = None) -> str:
    """On the other networks; ``made_for``: only of the one that was made for this network."""
    return _range(
        [
            rate
            for name, rates in FOOLING.items()
            for network, rate in zip(_NETWORKS, rates, strict=True)
            if network != name and made_for in (None, name)
        ]
    )


def _range(rates: list[float]) -> str:
    return f"{min(rates):.1f} to {max(rates):.1f} %"
