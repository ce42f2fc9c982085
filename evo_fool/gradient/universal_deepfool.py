"""The universal perturbation of Moosavi-Dezfooli et al. 2017, algorithm 1, on foolbox's batched DeepFool.

For photographs that the perturbation does not fool yet, DeepFool's smallest change of each is added, and the sum
projected back. A batch is changed at once where the paper goes one by one. foolbox is an optional extra
(``pip install 'evo-fool[foolbox]'``).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.gradient.ball import Ball
from evo_fool.gradient.step import Report, Step, batches, clean_predictions, pixels_of, silent
from evo_fool.randomness import stream


def universal_deepfool(
    classifier: Classifier,
    photographs: np.ndarray,
    ball: Ball,
    *,
    until: float = 0.8,
    passes: int = 10,
    batch: int = 10,
    candidates: int = 10,
    overshoot: float = 0.02,
    steps: int = 50,
    seed: int = 1,
    report: Report = silent,
) -> Iterator[Step]:
    """Yield a step after each pass over the photographs; its loss is the share that is not fooled.

    Args:
        classifier: a differentiable network.
        photographs: uint8 ``(n, channels, height, width)``, the classifier's inputs.
        ball: bounds the perturbation.
        until: share of the photographs fooled, in [0, 1], at which to end; the paper's 1 - δ.
        passes: most passes over the photographs.
        batch: photographs changed at once.
        candidates: DeepFool considers so many of the likeliest classes.
        overshoot: by which DeepFool crosses the boundary.
        steps: most of one DeepFool.
        seed: decides the order.
        report: told the photographs seen, of all passes.

    Raises:
        ClassifierError: foolbox is not installed.
    """
    model = classifier.as_foolbox()
    from foolbox.attacks import L2DeepFoolAttack
    from foolbox.criteria import Misclassification

    attack = L2DeepFoolAttack(steps=steps, candidates=candidates, overshoot=overshoot)
    total = passes * len(photographs)
    report(0, total)
    clean = clean_predictions(classifier, photographs, batch)
    v = torch.zeros(photographs.shape[1:], device=classifier.mean.device)
    for number in range(passes):
        seen = number * len(photographs)
        for rows in batches(stream(seed, "universal deepfool", number).permutation(len(photographs)), batch):
            x = (pixels_of(photographs[rows], classifier) + v).clamp(0, 255)
            labels = clean[torch.from_numpy(rows).to(clean.device)]
            with torch.no_grad():
                rest = classifier.logits(x / 255).argmax(dim=1) == labels
            if rest.any():
                x, labels = x[rest], labels[rest]
                v = ball.project(v + (attack.run(model, x / 255, Misclassification(labels)) * 255 - x).sum(dim=0))
            seen += len(rows)
            report(seen, total)
        fooled = _fooling_rate(classifier, photographs, clean, v, batch)
        yield Step(ball.picture(v)[None], 1 - fooled)
        if fooled >= until:
            return


def _fooling_rate(
    classifier: Classifier, photographs: np.ndarray, clean: torch.Tensor, v: torch.Tensor, batch: int
) -> float:
    """Share of the photographs, perturbed and rounded to bytes, with another answer than the clean one."""
    moved = v.cpu().numpy()
    changed = 0
    for rows in batches(np.arange(len(photographs)), batch):
        perturbed = np.clip(np.rint(photographs[rows] + moved), 0, 255).astype(np.uint8)
        answers = clean_predictions(classifier, perturbed, batch)
        changed += int((answers != clean[torch.from_numpy(rows).to(clean.device)]).sum())
    return changed / len(photographs)
