"""Targeted projected gradient descent by foolbox: another hand's gradient attack, as a check on our ascent.

foolbox is an optional extra (``pip install 'evo-fool[foolbox]'``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.precision import choose_batch
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError


def targeted_pgd(
    classifier: Classifier, starts: np.ndarray, targets: Sequence[int], *, epsilon: float = 0.3, steps: int = 100
) -> tuple[np.ndarray, np.ndarray]:
    """Attack every start for its target, by at most ``epsilon`` in every value; without random start.

    Args:
        classifier: the network; on its device.
        starts: uint8 ``(n, channels, height, width)``.
        targets: class indices.
        epsilon: bound on the change of a value in [0, 1].
        steps: of the attack.

    Returns:
        The images, uint8 ``(n, channels, height, width)``, and the log-odds that they get for all classes, float64
        ``(n, classes)``.

    Raises:
        ConfigError: starts and targets of different number, or a bad epsilon or number of steps.
        ClassifierError: foolbox is not installed.
    """
    if len(starts) != len(targets) or not len(starts):
        raise ConfigError(f"{len(starts)} starts for {len(targets)} targets: give as many of each, and at least one")
    if not (0 < epsilon <= 1 and steps >= 1):
        raise ConfigError(f"epsilon = {epsilon:g}, steps = {steps}: give 0 < epsilon <= 1 and at least 1 step")
    model = classifier.as_foolbox()
    from foolbox.attacks import LinfPGD
    from foolbox.criteria import TargetedMisclassification

    attack = LinfPGD(steps=steps, random_start=False)
    device = classifier.mean.device
    wanted = torch.tensor(list(targets), dtype=torch.int64, device=device)
    size = choose_batch(None, classifier.size, device)
    parts = []
    for first in range(0, len(starts), size):
        rows = slice(first, first + size)
        pixels = torch.from_numpy(starts[rows].astype(np.float32) / 255).to(device)
        _, clipped, _ = attack(model, pixels, TargetedMisclassification(wanted[rows]), epsilons=epsilon)
        parts.append(clipped.mul(255).round().clamp(0, 255).to(torch.uint8).cpu().numpy())
    images = np.concatenate(parts)
    return images, Scorer(classifier, batch=size, view="auto", device=device).score(images)
