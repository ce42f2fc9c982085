"""The smallest change that turns one photograph into a target class (Szegedy et al. 2013, section 4.1).

Minimised is c·CE(x, target) + |x - photograph|² over x in [0, 1] by scipy's box-constrained L-BFGS; a search over c
keeps the smallest that succeeds. As in cleverhans, c starts small, grows tenfold until it succeeds, and is then
bisected. An image succeeds if its bytes do, by a margin that another batch's rounding cannot undo.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.optimize import Bounds, minimize

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.precision import choose_batch
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.gradient.lockstep import in_lockstep
from evo_fool.gradient.step import Report, batches, descend, log_probabilities, pixels_of, require_gradient, silent

_MOST = 1e9
"""The largest c that is tried."""

_MARGIN = 1e-3
"""Nats by which the target has to lead."""

_ENOUGH = 1e-5
"""A minimisation ends when an iteration gains less, of the larger of 1 and the loss."""

_TOGETHER = 32
"""Searches side by side at most: each keeps 25 float64 vectors of an image's size."""


@dataclass(frozen=True, slots=True)
class Perturbed:
    """What became of the photographs.

    Attributes:
        images: uint8 ``(n, channels, height, width)``; where no c succeeded, the likeliest for the target.
        log_odds: of the target, of these bytes, float64 ``(n,)``.
        success: whether the target is the network's answer to these bytes, bool ``(n,)``.
        distortion: root mean square of the change of a value in [0, 1], of these bytes, float64 ``(n,)``.
        c: the weight of the cross-entropy, float64 ``(n,)``.
    """

    images: np.ndarray
    log_odds: np.ndarray
    success: np.ndarray
    distortion: np.ndarray
    c: np.ndarray


@dataclass(frozen=True, slots=True)
class _Found:
    """An image of one search, and what it was found with."""

    image: np.ndarray
    c: float
    lead: float
    distance: float

    def better_than(self, other: _Found) -> bool:
        if (self.lead > _MARGIN) != (other.lead > _MARGIN):
            return self.lead > _MARGIN
        return self.distance < other.distance if self.lead > _MARGIN else self.lead > other.lead


_Answer = tuple[float, np.ndarray, float]
"""Cross-entropy, its gradient float64, and by how many nats the target leads."""


def lbfgs(
    classifier: Classifier,
    photographs: np.ndarray,
    targets: Sequence[int],
    *,
    c: float = 0.01,
    searches: int = 5,
    iterations: int = 50,
    batch: int | None = None,
    report: Report = silent,
) -> Perturbed:
    """Change each photograph into its target; deterministic, and side by side in batches.

    Args:
        classifier: a differentiable network.
        photographs: uint8 ``(n, channels, height, width)``, the classifier's inputs.
        targets: class indices, one a photograph.
        c: the first that is tried.
        searches: bisections after the first success.
        iterations: most of one minimisation.
        batch: photographs side by side; None: what suits the device.
        report: told the photographs that are done, of all; one at work counts as the part of it that is expected done.

    Raises:
        ConfigError: not one target a photograph, a class that the classifier does not have, or a c out of range.
        ClassifierError: the network is not differentiable.
    """
    wanted = np.asarray(targets, dtype=np.int64)
    if len(wanted) != len(photographs) or not len(wanted):
        raise ConfigError(f"{len(photographs)} photographs for {len(wanted)} targets: give as many, and at least one")
    if wanted.min() < 0 or wanted.max() >= len(classifier.classes):
        raise ConfigError(f"targets must be classes from 0 to {len(classifier.classes) - 1}")
    if not 0 < c <= _MOST:
        raise ConfigError(f"search.settings.c = {c:g}: must be above 0 and at most {_MOST:g}")
    require_gradient(classifier)
    report(0, len(wanted))
    device = classifier.mean.device
    batch = batch or min(_TOGETHER, choose_batch(None, classifier.size, device))
    # Made first: it changes the memory format, in which the gradients are then computed each time.
    scorer = Scorer(classifier, batch=batch, view="auto", device=device)
    found: list[_Found] = []
    shares = np.zeros(len(wanted))

    def searcher(row: int) -> Callable[[Callable[[np.ndarray], _Answer]], _Found]:
        def moved(share: float) -> None:
            shares[row] = max(shares[row], share)
            report(float(shares.sum()), len(wanted))

        return lambda ask: _search(photographs[row], ask, moved, c, searches, iterations)

    for rows in batches(np.arange(len(wanted)), batch):

        def answer(numbers: list[int], images: list[np.ndarray], rows: np.ndarray = rows) -> list[_Answer]:
            shaped = np.stack(images).reshape(-1, *classifier.shape)
            return _ask(classifier, shaped, wanted[rows[numbers]])

        found += in_lockstep([searcher(row) for row in rows], answer)
    images = np.stack([each.image for each in found])
    log_odds = scorer.score(images)
    change = (images.astype(np.float64) - photographs) / 255
    return Perturbed(
        images=images,
        log_odds=log_odds[np.arange(len(wanted)), wanted],
        success=log_odds.argmax(axis=1) == wanted,
        distortion=np.sqrt(np.square(change).reshape(len(images), -1).mean(axis=1)),
        c=np.array([each.c for each in found]),
    )


def _search(
    photograph: np.ndarray,
    ask: Callable[[np.ndarray], _Answer],
    moved: Callable[[float], None],
    c: float,
    searches: int,
    iterations: int,
) -> _Found:
    """The line search over c for one photograph, uint8 ``(channels, height, width)``.

    ``moved`` is told the share that is done, supposing that the next c succeeds.
    """
    start = photograph.astype(np.float64).ravel() / 255
    best: _Found | None = None
    below, above, left, tried, asked = 0.0, float("inf"), searches, 0, 0

    def loss(x: np.ndarray, weight: float) -> tuple[float, np.ndarray]:
        nonlocal asked
        entropy, slope, _ = ask(x)
        asked += 1
        moved((tried + min(asked / iterations, 1.0)) / (tried + 1 + left))
        change = x - start
        return weight * entropy + float(change @ change), weight * slope + 2 * change

    while True:
        asked = 0
        options: Any = {"maxiter": iterations, "ftol": _ENOUGH, "gtol": 1e-7}
        ended = minimize(loss, start, args=(c,), jac=True, method="L-BFGS-B", bounds=Bounds(0, 1), options=options)
        stored = np.rint(ended.x * 255)
        _, _, lead = ask(stored / 255)
        image = stored.astype(np.uint8).reshape(photograph.shape)
        this = _Found(image, c, lead, float(np.square(stored / 255 - start).sum()))
        best = this if best is None or this.better_than(best) else best
        if lead > _MARGIN:
            above = c
        else:
            below = c
        tried += 1
        if np.isinf(above):
            c *= 10
            if c > _MOST:
                break
        elif left:
            left -= 1
            c = (below + above) / 2
        else:
            break
    moved(1.0)
    return best


def _ask(classifier: Classifier, images: np.ndarray, targets: np.ndarray) -> list[_Answer]:
    """The answers for float64 images in [0, 1], ``(n, channels, height, width)``, and their targets."""
    wanted = torch.from_numpy(targets).to(classifier.mean.device)
    rows = torch.arange(len(wanted), device=wanted.device)
    with torch.enable_grad():
        leaf = pixels_of(images * 255, classifier).requires_grad_(True)
        log_p = log_probabilities(classifier, leaf)
        entropy = -log_p[rows, wanted]
        slopes = descend(classifier, entropy.sum(), leaf).cpu().numpy().astype(np.float64) * 255
    others = log_p.detach().index_put((rows, wanted), torch.tensor(-torch.inf, device=wanted.device)).amax(dim=1)
    leads = (-entropy.detach() - others).tolist()
    return list(zip(entropy.detach().tolist(), slopes.reshape(len(images), -1), leads, strict=True))
