"""The smallest change that turns one photograph into a target class (Szegedy et al. 2013, section 4.1).

Minimised is c·CE(x, target) + |x - photograph|² over x in [0, 1] by scipy's box-constrained L-BFGS; a search over c
keeps the smallest change that succeeds. As in cleverhans, c starts small, grows tenfold until it succeeds, and is then
bisected; here on a logarithmic scale, and each minimisation goes on from where the one before ended. An image succeeds
if its bytes do, by a margin that another batch's rounding cannot undo.
"""

from __future__ import annotations

import math
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

_ENOUGH = 5e-3
"""A minimisation ends when an iteration gains less, of the loss that it began with."""

_REMEMBERED = 5
"""Steps from which L-BFGS knows the curvature. More take longer than the network does."""

_TOGETHER = 32
"""Searches side by side at most: each keeps 20 float64 vectors of an image's size."""


@dataclass(frozen=True, slots=True)
class Perturbed:
    """What became of the photographs.

    Attributes:
        images: uint8 ``(n, channels, height, width)``; where no c succeeded, the likeliest for the target.
        finished: whether the search came to its end, bool ``(n,)``; False where it was stopped: the photograph is as it
            was.
        log_odds: of the target, of these bytes, float64 ``(n,)``.
        success: whether the target is the network's answer to these bytes, bool ``(n,)``.
        distortion: root mean square of the change of a value in [0, 1], of these bytes, float64 ``(n,)``.
        c: the weight of the cross-entropy that the bytes were found with, float64 ``(n,)``; 0: no change was needed.
        asked: how many images the network was asked about, of all searches.
    """

    images: np.ndarray
    finished: np.ndarray
    log_odds: np.ndarray
    success: np.ndarray
    distortion: np.ndarray
    c: np.ndarray
    asked: int


@dataclass(frozen=True, slots=True)
class _Found:
    """An image of one search, and what it was found with."""

    image: np.ndarray
    c: float
    lead: float
    distance: float

    @property
    def leads(self) -> bool:
        """Whether the bytes succeed."""
        return self.lead > _MARGIN

    def better_than(self, other: _Found) -> bool:
        if self.leads != other.leads:
            return self.leads
        return self.distance < other.distance if self.leads else self.lead > other.lead


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
    stop: Callable[[], str] = str,
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
        stop: asked now and then; a text, such as ``"ctrl-c"``, ends the searches that are not finished.

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
    found: list[_Found | None] = []
    shares = np.zeros(len(wanted))
    asked = len(wanted)  # by the scorer, of the bytes

    def searcher(row: int) -> Callable[[Callable[[np.ndarray], _Answer]], _Found | None]:
        def moved(share: float) -> None:
            shares[row] = max(shares[row], share)
            report(float(shares.sum()), len(wanted))
            if share < 1 and stop():
                raise _Unfinished

        def search(ask: Callable[[np.ndarray], _Answer]) -> _Found | None:
            try:
                return _search(photographs[row], ask, moved, c, searches, iterations)
            except _Unfinished:
                return None

        return search

    for rows in batches(np.arange(len(wanted)), batch):
        if stop():
            found += [None] * len(rows)
            continue

        def answer(numbers: list[int], images: list[np.ndarray], rows: np.ndarray = rows) -> list[_Answer]:
            nonlocal asked
            asked += len(numbers)
            shaped = np.stack(images).reshape(-1, *classifier.shape)
            return _ask(classifier, shaped, wanted[rows[numbers]])

        found += in_lockstep([searcher(row) for row in rows], answer)
    images = np.stack([photographs[row] if each is None else each.image for row, each in enumerate(found)])
    log_odds = scorer.score(images)
    change = (images.astype(np.float64) - photographs) / 255
    return Perturbed(
        images=images,
        finished=np.array([each is not None for each in found]),
        log_odds=log_odds[np.arange(len(wanted)), wanted],
        success=log_odds.argmax(axis=1) == wanted,
        distortion=np.sqrt(np.square(change).reshape(len(images), -1).mean(axis=1)),
        c=np.array([each.c if each else 0.0 for each in found]),
        asked=asked,
    )


class _Unfinished(Exception):
    """A search was asked to stop."""


class _Search:
    """The line search over c for one photograph.

    Args:
        photograph: uint8 ``(channels, height, width)``.
        ask: the network.
        asked: called before each question of a minimisation, with how many it has asked.
    """

    def __init__(
        self, photograph: np.ndarray, ask: Callable[[np.ndarray], _Answer], asked: Callable[[int], object]
    ) -> None:
        self.shape = photograph.shape
        self.start = photograph.astype(np.float64).ravel() / 255
        self.ask = ask
        self.asked = asked
        self.best = self.found(self.start, 0.0)

    def found(self, x: np.ndarray, c: float) -> _Found:
        """What the bytes of ``x`` are worth."""
        stored = np.rint(x * 255)
        _, _, lead = self.ask(stored / 255)
        return _Found(stored.astype(np.uint8).reshape(self.shape), c, lead, self.distance(x))

    def distance(self, x: np.ndarray) -> float:
        """Squared, of the bytes of ``x`` from the photograph."""
        change = np.rint(x * 255) / 255 - self.start
        return float(change @ change)

    def minimise(self, x: np.ndarray, c: float, iterations: int) -> tuple[np.ndarray, bool]:
        """The minimiser for ``c`` from ``x`` on, or the first success of all; and whether its bytes succeed.

        Better bytes that it passes on its way are kept.
        """
        first, count, lead, scale = not self.best.leads, 0, 0.0, 0.0

        def loss(x: np.ndarray) -> tuple[float, np.ndarray]:
            nonlocal count, lead, scale
            self.asked(count)
            entropy, slope, lead = self.ask(x)
            count += 1
            change = x - self.start
            value = c * entropy + float(change @ change)
            scale = scale or value  # scipy's tolerance is relative from 1 on
            return value / scale, (c * slope + 2 * change) / scale

        def passed(x: np.ndarray) -> None:
            if lead > _MARGIN and (first or self.distance(x) < self.best.distance):
                self.keep(self.found(x, c))
                if first and self.best.leads:
                    raise StopIteration

        options: Any = {"maxiter": iterations, "ftol": _ENOUGH, "gtol": 0.0, "maxcor": _REMEMBERED}
        bounds = Bounds(0, 1)
        x = minimize(loss, x, jac=True, method="L-BFGS-B", bounds=bounds, options=options, callback=passed).x
        if first and self.best.leads:
            return x, True
        ended = self.found(x, c)
        self.keep(ended)
        return x, ended.leads

    def keep(self, found: _Found) -> None:
        """Take it if it is better."""
        if found.better_than(self.best):
            self.best = found


def _search(
    photograph: np.ndarray,
    ask: Callable[[np.ndarray], _Answer],
    moved: Callable[[float], None],
    c: float,
    searches: int,
    iterations: int,
) -> _Found:
    """The best bytes for one photograph, uint8 ``(channels, height, width)``.

    ``moved`` is told the share that is done, supposing that the next c succeeds.
    """
    tried, left, below, above = 0, searches, 0.0, math.inf

    def asked(count: int) -> None:
        moved((tried + min(count / iterations, 1.0)) / (tried + 1 + left))

    search = _Search(photograph, ask, asked)
    x = search.start
    while (left or math.isinf(above)) and c <= _MOST and not (search.best.leads and search.best.distance == 0):
        left -= math.isfinite(above)
        x, leads = search.minimise(x, c, iterations)
        tried += 1
        below, above = (below, c) if leads else (c, above)
        c = 10 * c if math.isinf(above) else math.sqrt(below * above) if below else above / 10
    moved(1.0)
    return search.best


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
