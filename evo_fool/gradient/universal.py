"""One perturbation that fools a network on nearly every photograph, by stochastic gradient descent.

Minimised is the mean margin of the class that the network answers for the clean photograph, or, targeted, of all others
over the target. A margin ends at -10: photographs that are fooled for sure no longer pull. The step is the sign of
the gradient with momentum (in l2 the gradient itself), shrinking linearly over the passes; photographs are mirrored
and shifted at random, which carries over to photographs not seen. Bounded as by Moosavi-Dezfooli et al. 2017, whose own
loop is in :mod:`evo_fool.gradient.universal_deepfool`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from evo_fool.classifiers.base import Classifier
from evo_fool.gradient.ball import Ball
from evo_fool.gradient.step import Report, Step, batches, clean_predictions, descend, pixels_of, silent
from evo_fool.randomness import Stream, stream

_MARGIN = 10.0
"""Nats by which another class leads where a photograph counts as fooled for sure."""

_MOMENTUM = 0.9
_FIRST, _LAST = 0.1, 0.005
"""Step at the start and, added to the shrinking part, at the end, in units of the ball."""


def universal(
    classifier: Classifier,
    photographs: np.ndarray,
    ball: Ball,
    *,
    target: int | None = None,
    passes: int = 12,
    batch: int = 25,
    augment: bool = True,
    seed: int = 1,
    report: Report = silent,
) -> Iterator[Step]:
    """Yield a step after each pass over the photographs.

    Args:
        classifier: a differentiable network.
        photographs: uint8 ``(n, channels, height, width)``, the classifier's inputs.
        ball: bounds the perturbation.
        target: the class to reach; None: any but the clean prediction.
        passes: over the photographs.
        batch: photographs in one gradient.
        augment: mirror and shift the photographs.
        seed: decides start, order and augmentation.
        report: told the photographs seen, of all passes.

    Yields:
        In L∞ the perturbation and its signs times epsilon, a corner of the ball; in l2 the perturbation alone.
    """
    photographs = np.ascontiguousarray(photographs)
    unit = ball.typical(photographs[0].size)
    start = stream(seed, "universal start").uniform(-0.2 * unit, 0.2 * unit, photographs.shape[1:])
    v = torch.from_numpy(start.astype(np.float32)).to(classifier.mean.device)
    momentum = torch.zeros_like(v)
    report(0, passes * len(photographs))
    clean = clean_predictions(classifier, photographs, batch)
    for number in range(passes):
        rng = stream(seed, "universal", number)
        step = unit * (_FIRST * (1 - number / passes) + _LAST)
        losses = []
        for rows in batches(rng.permutation(len(photographs)), batch):
            x = pixels_of(photographs[rows], classifier)
            if augment:
                x = _augmented(x, rng)
            with torch.enable_grad():
                leaf = v.detach().requires_grad_(True)
                logits = classifier.logits((x + leaf).clamp(0, 255) / 255)
                classes = clean[torch.from_numpy(rows).to(clean.device)] if target is None else target
                loss = margin(logits, classes, escape=target is None).clamp(min=-_MARGIN).mean()
                slope = descend(classifier, loss, leaf)
            losses.append(float(loss.detach()))
            momentum = _MOMENTUM * momentum + slope / slope.abs().mean().clamp(min=1e-20)
            v = ball.project(v - step * ball.direction(momentum))
            report(
                min(number * len(photographs) + batch * len(losses), (number + 1) * len(photographs)),
                passes * len(photographs),
            )
        candidates = [v, v.sign() * ball.epsilon] if ball.norm == "linf" else [v]
        yield Step(np.stack([ball.picture(each) for each in candidates]), float(np.mean(losses)))


def margin(logits: Tensor, classes: Tensor | int, *, escape: bool) -> Tensor:
    """By how much each row is from done, in nats, ``(n,)``: below 0, it is.

    Args:
        logits: ``(n, classes)``.
        classes: of each row, int64 ``(n,)``, or one for all.
        escape: the class should lose to any other; False: win over all others.
    """
    rows = torch.arange(len(logits), device=logits.device)
    own = logits[rows, classes]
    others = logits.clone()
    others[rows, classes] = -torch.inf
    best = others.amax(dim=1)
    return own - best if escape else best - own


def _augmented(x: Tensor, rng: Stream) -> Tensor:
    """A batch mirrored or not, and shifted round by up to a fourteenth of each side."""
    mirrored = rng.random() < 0.5
    shifts = [int(rng.integers(-(side // 14), side // 14 + 1)) for side in x.shape[2:]]
    return (x.flip(3) if mirrored else x).roll(shifts, (2, 3))
