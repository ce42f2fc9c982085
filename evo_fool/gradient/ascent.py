"""Images found by following the gradient of one class's probability (paper, Figure 13).

The step is the paper's, which predicts progress: with g the gradient of the softmax probability p, the image moves by
lr·g with lr = min(max_lr, min(early, late·(1−p)) / ‖g‖²), so that p is expected to rise by ``early`` at most and, near
certainty, by a share ``late`` of what is missing. Pixels are bytes from which the mean was subtracted; decay pulls them
to that mean. All classes of a batch climb at once. What is reported is the score of the image as it is stored, in
8 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.precision import choose_batch
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.gradient.step import Report, Step, batches, descend, silent
from evo_fool.randomness import stream
from evo_fool.sampling import evenly
from evo_fool.sections import MAX_BATCH

STARTS = ("mean", "uniform", "zero")
"""``mean``: the mean plus a standard normal draw for each value, in bytes; ``uniform``: noise; ``zero``: the mean."""

MAX_RATE = 1e12

_TRUNCATE = 4.0
"""Standard deviations after which the blur's kernel is cut off."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One way of keeping the image regular while it climbs.

    Attributes:
        decay: share of the distance to the mean that each step takes away.
        steps: how many.
        early: probability that a step may gain at most.
        late: share of the missing probability that a step may gain at most.
        blur: standard deviation in pixels of a Gaussian blur; 0 for none.
        every: blur after every so many steps.
        small_norm: per cent of the pixels, those nearest to the mean, that each step sets to it.
        small_benefit: the same for the pixels whose removal is predicted to change p least.
    """

    decay: float
    steps: int
    early: float
    late: float
    blur: float = 0.0
    every: int = 1
    small_norm: float = 0.0
    small_benefit: float = 0.0


SETTINGS: dict[str, Setting] = {
    "none": Setting(0.0, 500, 0.02, 0.1),
    "l2": Setting(0.01, 1500, 0.03, 0.02),
    "l2-blur": Setting(0.001, 1000, 0.03, 0.05, blur=0.4, every=2),
    "l2-blur-pixels": Setting(0.001, 1500, 0.03, 0.05, blur=0.3, every=1, small_norm=20.0, small_benefit=20.0),
}
"""The paper's four settings, from none to all regularisation."""


@dataclass(frozen=True, slots=True)
class Ascent:
    """Where climbs ended.

    Attributes:
        images: the best of each climb, uint8 ``(n, channels, height, width)``.
        log_odds: of the target class, of these very images, float64 ``(n,)``.
        predicted: whether the target is the class that the network answers, bool ``(n,)``.
        curve: the best probability so far after every step, float64 ``(steps, n)``; before rounding to bytes.
        steps: steps taken, int64 ``(n,)``; fewer than the setting's where the climb was cut short.
    """

    images: np.ndarray
    log_odds: np.ndarray
    predicted: np.ndarray
    curve: np.ndarray
    steps: np.ndarray


def start_images(
    classifier: Classifier, n: int, start: str, *, seed: int, mean: Sequence[float] | None = None
) -> np.ndarray:
    """``n`` images to start from, float32 ``(n, channels, height, width)`` in bytes from which the mean was subtracted.

    Raises:
        ConfigError: an unknown start, or a mean of other channels.
    """
    if start not in STARTS:
        raise ConfigError(f"start {start!r} is unknown; choose one of {', '.join(STARTS)}")
    shape = classifier.shape
    middle = _mean_bytes(classifier, mean)
    images = np.zeros((n, *shape), dtype=np.float32)
    for i in range(n if start != "zero" else 0):
        rng = stream(seed, f"gradient ascent {start}", i)
        images[i] = rng.standard_normal(shape) if start == "mean" else rng.uniform(0, 255, shape) - middle
    return images


def ascend(
    classifier: Classifier,
    targets: Sequence[int],
    setting: Setting,
    *,
    start: str = "mean",
    seed: int = 1,
    mean: Sequence[float] | None = None,
    until: float | None = None,
    batch: int | None = None,
    check: Callable[[], None] = lambda: None,
) -> Ascent:
    """Climb for every target at once.

    Args:
        classifier: whose gradient is followed, on its device.
        targets: class indices; one image each.
        setting: usually one of :data:`SETTINGS`.
        start: one of :data:`STARTS`.
        seed: decides the starting noise.
        mean: the data's mean in [0, 1], one number a channel; None: the mean that the classifier subtracts.
        until: end a climb once its probability is this high; None: take every step, as the paper.
        batch: images in one pass; None: what suits the device.
        check: called after every batch; may raise to stop.

    Raises:
        ConfigError: a class that the classifier does not have, an unknown start, or a mean of other channels.
        ClassifierError: the network is not differentiable.
    """
    wanted = np.asarray(targets, dtype=np.int64)
    if wanted.ndim != 1 or not len(wanted) or wanted.min() < 0 or wanted.max() >= len(classifier.classes):
        raise ConfigError(f"targets must be classes from 0 to {len(classifier.classes) - 1}; got {list(targets)[:5]}")
    device = classifier.mean.device
    size = batch or choose_batch(None, classifier.size, device)
    starts = start_images(classifier, len(wanted), start, seed=seed, mean=mean)
    scorer = Scorer(classifier, batch=size, view="auto", device=device)  # and with it the faster memory format
    middle, parts = _mean_bytes(classifier, mean), []
    for rows in batches(np.arange(len(wanted)), size):
        parts.append(_climb(scorer, wanted[rows], starts[rows], setting, middle, until))
        check()
    found, curves, taken = zip(*parts, strict=True)
    images, curve, steps = np.concatenate(found), np.concatenate(curves, axis=1), np.concatenate(taken)
    log_odds = scorer.score(images)
    own = log_odds[np.arange(len(wanted)), wanted]
    return Ascent(images, own, log_odds.argmax(axis=1) == wanted, curve, steps)


def ascent(
    classifier: Classifier,
    *,
    limit: int = MAX_BATCH,
    setting: str = "none",
    start: str = "mean",
    steps: int = 1500,
    until: float = 0.99999,
    batch: int | None = None,
    seed: int = 1,
    report: Report = silent,
) -> Iterator[Step]:
    """Yield a step with one image a class for each batch of classes; its loss is what the mean probability lacks.

    Args:
        classifier: a differentiable network.
        limit: at most so many classes, evenly spread.
        setting: one of :data:`SETTINGS`.
        start: one of :data:`STARTS`.
        steps: at most so many.
        until: end a climb once its probability is this high.
        batch: classes in one pass; None: what suits the device.
        seed: decides the starting noise.
        report: told the classes climbed for, of all.

    Raises:
        ConfigError: an unknown setting or start.
    """
    if setting not in SETTINGS:
        raise ConfigError(f"setting {setting!r} is unknown; choose one of {', '.join(SETTINGS)}")
    targets = evenly(len(classifier.classes), limit)
    report(0, len(targets))
    how, size = (
        shortened(SETTINGS[setting], steps),
        batch or choose_batch(None, classifier.size, classifier.mean.device),
    )
    starts = start_images(classifier, len(targets), start, seed=seed)
    scorer = Scorer(classifier, batch=size, view="auto", device=classifier.mean.device)
    for rows in batches(np.arange(len(targets)), size):
        images, curve, _ = _climb(scorer, targets[rows], starts[rows], how, _mean_bytes(classifier, None), until)
        report(int(rows[-1]) + 1, len(targets))
        yield Step(images, 1 - float(curve[-1].mean()))


def shortened(setting: Setting, steps: int | None) -> Setting:
    """The same setting with at most so many steps; None: with its own."""
    return setting if steps is None else replace(setting, steps=min(setting.steps, steps))


def _climb(
    scorer: Scorer, targets: np.ndarray, starts: np.ndarray, setting: Setting, middle: np.ndarray, until: float | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The best images in bytes, the curve, and the steps taken."""
    device = scorer.device
    x, wanted, mean = (torch.from_numpy(a).to(device) for a in (starts, targets, middle.astype(np.float32)))
    best = torch.full((len(x),), -1.0, dtype=torch.float64, device=device)
    best_x = x.clone()
    taken = torch.zeros(len(x), dtype=torch.int64, device=device)
    climbing = torch.arange(len(x), device=device)
    curve = []
    for step in range(setting.steps):
        x = (x + mean).clamp_(0.0, 255.0).sub_(mean)
        log_p, slope = _slope(scorer, x, mean, wanted[climbing])
        p = log_p.to(torch.float64).exp()
        taken[climbing] = step + 1
        better = p > best[climbing]
        best[climbing[better]] = p[better]
        best_x[climbing[better]] = x[better]
        curve.append(best.cpu().numpy().copy())
        if until is not None and bool((p >= until).any()):
            keep = p < until
            climbing, x, p, slope = climbing[keep], x[keep], p[keep], slope[keep]
        if not len(climbing):
            break
        x = regularised(_advance(x, p, slope, setting), slope, step, setting)
    curve += [curve[-1]] * (setting.steps - len(curve))
    stored = (best_x + mean).round_().clamp_(0, 255).to(torch.uint8)
    return stored.cpu().numpy(), np.stack(curve), taken.cpu().numpy()


def _slope(scorer: Scorer, x: Tensor, mean: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """log p of the targets and its gradient: dp = p·d(log p), of which the second factor never underflows."""
    with torch.enable_grad():
        leaf = x.detach().requires_grad_(True)
        pixels = ((leaf + mean) / 255.0).clamp(0.0, 1.0)
        logits = scorer.classifier.logits(pixels.contiguous(memory_format=scorer.memory_format))
        log_p = F.log_softmax(logits, dim=1)[torch.arange(len(x), device=x.device), targets]
        return log_p.detach(), descend(scorer.classifier, log_p.sum(), leaf)


def _advance(x: Tensor, p: Tensor, slope: Tensor, setting: Setting) -> Tensor:
    """x + lr·g of the progress rule, formed in float64 because p may be as small as the network likes."""
    norm = p.square() * slope.to(torch.float64).square().flatten(1).sum(dim=1)  # ‖g‖²
    progress = (setting.late * (1 - p)).clamp(max=setting.early)
    rate = (progress / norm).clamp(max=MAX_RATE).nan_to_num(nan=0.0)
    return x + ((rate * p)[:, None, None, None] * slope).to(torch.float32)


def regularised(x: Tensor, slope: Tensor, step: int, setting: Setting) -> Tensor:
    """What a setting does to images after a step: decay, blur, then the pixels that go.

    Args:
        x: the images, in bytes from which the mean was subtracted, float32 ``(n, channels, h, w)``.
        slope: the gradient of log p that the step followed, of the same shape.
        step: counted from 0.
        setting: what is done.
    """
    x = x * (1 - setting.decay)
    if setting.blur > 0 and step % setting.every == 0:
        x = blurred(x, setting.blur)
    if setting.small_norm > 0:
        x = _without_smallest(x, x.square().sum(dim=1).sqrt(), setting.small_norm)
    if setting.small_benefit > 0:
        # What removing a pixel is predicted to gain; p, the common factor of g, does not change their order.
        x = _without_smallest(x, (slope * -x).sum(dim=1).abs(), setting.small_benefit)
    return x


def _without_smallest(x: Tensor, size: Tensor, percent: float) -> Tensor:
    """The pixels whose ``size`` ``(n, h, w)`` is below that percentile, set to the mean."""
    flat = size.flatten(1)
    bound = torch.quantile(flat, percent / 100, dim=1)
    return x * (flat >= bound[:, None]).view(len(x), 1, *size.shape[1:])


def blurred(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of float images ``(n, channels, h, w)``; the edge is mirrored, its last row repeated."""
    radius = int(_TRUNCATE * sigma + 0.5)
    weights = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, dtype=torch.float64) / sigma).square())
    kernel = (weights / weights.sum()).to(x)
    for axis in (-2, -1):
        length = x.shape[axis]
        places = torch.arange(-radius, length + radius, device=x.device) % (2 * length)
        mirrored = torch.where(places < length, places, 2 * length - 1 - places)
        windows = x.index_select(axis % 4, mirrored).unfold(axis, 2 * radius + 1, 1)
        x = windows @ kernel
    return x


def _mean_bytes(classifier: Classifier, mean: Sequence[float] | None) -> np.ndarray:
    """The mean in bytes, ``(channels, 1, 1)``."""
    values = (classifier.mean / classifier.scale).flatten().tolist() if mean is None else [float(m) for m in mean]
    if len(values) != classifier.channels or not all(0 <= value <= 1 for value in values):
        raise ConfigError(f"mean = {mean}: give {classifier.channels} number(s) in [0, 1], one a channel")
    return 255.0 * np.array(values).reshape(-1, 1, 1)
