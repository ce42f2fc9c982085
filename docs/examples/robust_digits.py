"""Digits: a network trained against changes of up to .3 in every pixel (PGD, Madry et al. 2018; Wong et al. 2020).

evo-fool run mnist-cppn --classifier docs/examples/robust_digits.py:build --weights pgd_madry.pt
"""

from __future__ import annotations

from torch import nn

from evo_fool.classifiers import Classifier


def build() -> Classifier:
    """The classifier without weights; those of --weights, a state dict with the keys 0, 2, 5 and 7, are loaded."""
    network = nn.Sequential(
        nn.Conv2d(1, 16, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )
    return Classifier(network, classes=range(10), size=28, channels=1, name="digits, adversarially trained")
