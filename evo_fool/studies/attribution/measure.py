"""Where the network looks in an elite: occlusion and gradient attribution by captum, and how small the features are.

The paper argues that fooling images carry features of a class rather than its whole shape. So, beside the maps:
how much of the confidence a quarter of the image carries, when all the rest is background. The quarter is a window of
half the height and half the width, at the place where it does best.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from captum.attr import IntegratedGradients, Occlusion
from torch import Tensor

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.precision import choose_batch
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.probability import probability
from evo_fool.studies.elites import confidences
from evo_fool.studies.repetition.measure import background

STEPS = 64
"""Points at which integrated gradients sample the way from the baseline to the image."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """Which pixels speak for the class.

    Attributes:
        maps: signed, summed over channels, float64 ``(n, height, width)``.
        images: value of what was attributed at the images, float64 ``(n,)``: the log-odds of the class.
        baselines: the same at the baselines.
    """

    maps: np.ndarray
    images: np.ndarray
    baselines: np.ndarray

    @property
    def error(self) -> np.ndarray:
        """How far each map's sum is from the difference that it distributes, float64 ``(n,)``."""
        error: np.ndarray = self.maps.sum(axis=(1, 2)) - (self.images - self.baselines)
        return error


@dataclass(frozen=True, slots=True)
class Quarter:
    """How much a quarter of each image carries.

    Attributes:
        whole: probability of the class, float64 ``(n,)``.
        alone: its probability when all but the best quarter is background.
        without: its probability when that very quarter is background.
        corner: top and left of the quarter in pixels, int64 ``(n, 2)``.
    """

    whole: np.ndarray
    alone: np.ndarray
    without: np.ndarray
    corner: np.ndarray

    @property
    def share(self) -> np.ndarray:
        """Share of the confidence that the quarter carries, at most 1, float64 ``(n,)``."""
        share: np.ndarray = np.minimum(self.alone / np.maximum(self.whole, 1e-12), 1.0)
        return share

    def to_json(self) -> dict[str, Any]:
        """The figures of the whole, JSON-able."""
        return {
            "images": len(self.whole),
            "whole": float(np.median(self.whole)),
            "alone": float(np.median(self.alone)),
            "without": float(np.median(self.without)),
            "share": np.quantile(self.share, (0.25, 0.5, 0.75)).tolist(),
            "carrying_half": float((self.share >= 0.5).mean()),
        }


def integrated_gradients(
    classifier: Classifier,
    images: np.ndarray,
    targets: np.ndarray,
    *,
    steps: int = STEPS,
    count: Callable[[int], None] | None = None,
) -> Attribution:
    """Integrated gradients of the class's log-odds, from each image's own background colour to the image.

    Their sum over a map is the difference in log-odds between image and background, up to the integration's error.

    Args:
        classifier: whose answer is attributed.
        images: uint8 ``(n, channels, height, width)``, of the classifier's size.
        targets: class indices, int64 ``(n,)``.
        steps: points on the way.
        count: told how many images the network judges, whenever it judges some.

    Raises:
        ConfigError: images of another size, or fewer than two steps.
    """
    if steps < 2:
        raise ConfigError(f"steps = {steps}: integrated gradients take at least 2")
    pixels, wanted, plain = _tensors(classifier, images, targets)
    answers = _answers(classifier, count)
    method = IntegratedGradients(answers, multiply_by_inputs=True)
    chunk = choose_batch(None, classifier.size, pixels.device)
    maps = torch.cat(
        [
            method.attribute(
                pixels[i : i + 1],
                plain[i : i + 1],
                additional_forward_args=(wanted[i : i + 1],),
                n_steps=steps,
                internal_batch_size=chunk,
            ).detach()
            for i in range(len(pixels))
        ]
    )
    with torch.no_grad():
        ends = [torch.cat([answers(p, w) for p, w in _chunks(end, wanted, chunk)]) for end in (pixels, plain)]
    return Attribution(
        maps.sum(dim=1).to(torch.float64).cpu().numpy(), *(end.to(torch.float64).cpu().numpy() for end in ends)
    )


def occlusion(
    classifier: Classifier,
    images: np.ndarray,
    targets: np.ndarray,
    *,
    window: int | None = None,
    count: Callable[[int], None] | None = None,
) -> np.ndarray:
    """How much the class's log-odds fall when a window is painted in the background colour, float64 ``(n, h, w)``.

    Args:
        classifier: whose answer is attributed.
        images: uint8 ``(n, channels, height, width)``, of the classifier's size.
        targets: class indices, int64 ``(n,)``.
        window: its side in pixels; None: a seventh of the image. It moves by half of that.
        count: told how many images the network judges, whenever it judges some.

    Raises:
        ConfigError: images of another size, or a window that does not fit.
    """
    side = max(1, classifier.size // 7) if window is None else window
    if not 1 <= side <= classifier.size:
        raise ConfigError(f"window = {side}: give 1 to {classifier.size} pixels")
    pixels, wanted, plain = _tensors(classifier, images, targets)
    method, step = Occlusion(_answers(classifier, count)), max(1, side // 2)
    chunk = choose_batch(None, classifier.size, pixels.device)
    maps = [
        method.attribute(
            pixels[i : i + 1],
            sliding_window_shapes=(classifier.channels, side, side),
            strides=(classifier.channels, step, step),
            baselines=plain[i : i + 1],
            additional_forward_args=(wanted[i : i + 1],),
            perturbations_per_eval=chunk,
        )
        for i in range(len(pixels))
    ]
    result: np.ndarray = torch.cat(maps)[:, 0].to(torch.float64).cpu().numpy()
    return result


def best_quarter(scorer: Scorer, images: np.ndarray, targets: np.ndarray, *, places: int = 5) -> Quarter:
    """For every image the quarter that does best alone, of ``places`` × ``places`` windows.

    Args:
        scorer: the classifier at work.
        images: uint8 ``(n, channels, height, width)``.
        targets: class indices, int64 ``(n,)``.
        places: along each side, evenly spaced from edge to edge.

    Raises:
        ConfigError: fewer than two places, or images of less than two pixels a side.
    """
    height, width = images.shape[2:]
    if places < 2 or min(height, width) < 2:
        raise ConfigError(
            f"places = {places} along images of {width}x{height}: give at least 2 along at least 2 pixels"
        )
    tops, lefts = (np.linspace(0, side - side // 2, places).round().astype(int) for side in (height, width))
    corners = np.array([(top, left) for top in tops for left in lefts])
    alone, without, corner = np.empty(len(images)), np.empty(len(images)), np.empty((len(images), 2), np.int64)
    for i, (image, target) in enumerate(zip(images, targets, strict=True)):
        plain = np.broadcast_to(background(image)[:, None, None], image.shape)
        kept = np.stack([_window(plain, image, place) for place in corners])
        p = probability(scorer.score(kept)[:, target])
        best = int(p.argmax())
        alone[i], corner[i] = p[best], corners[best]
        hidden = _window(image, plain, corners[best])
        without[i] = probability(scorer.score(hidden[None])[0, target])
    return Quarter(confidences(scorer, images, targets), alone, without, corner)


def _window(outside: np.ndarray, inside: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """``outside`` with a window of half its sides taken from ``inside``."""
    top, left = corner
    rows, columns = slice(top, top + outside.shape[1] // 2), slice(left, left + outside.shape[2] // 2)
    result = outside.copy()
    result[:, rows, columns] = inside[:, rows, columns]
    return result


class _answers:
    """Log-odds of the target class as captum calls for it: differentiable, and one target for each image or for all."""

    def __init__(self, classifier: Classifier, count: Callable[[int], None] | None) -> None:
        self.classifier = classifier
        self.count = count

    def __call__(self, pixels: Tensor, targets: Tensor) -> Tensor:
        if self.count is not None:
            self.count(len(pixels))
        logits = self.classifier.logits(pixels)
        # captum repeats the image, and with it a target of one row, as often as it likes.
        wanted = targets.expand(len(logits)) if len(targets) == 1 else targets
        place = torch.arange(len(logits), device=logits.device)
        chosen = logits[place, wanted]
        others = logits.masked_fill(torch.nn.functional.one_hot(wanted, logits.shape[1]).bool(), -torch.inf)
        return chosen - others.logsumexp(dim=1)


def _tensors(classifier: Classifier, images: np.ndarray, targets: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """Images, targets and baselines on the classifier's device; images float32 in [0, 1]."""
    shape = classifier.shape
    if images.dtype != np.uint8 or images.shape[1:] != shape or len(images) != len(targets):
        raise ConfigError(
            f"images {images.dtype} {images.shape} for {len(targets)} target(s): expected uint8 (n, "
            f"{', '.join(map(str, shape))}), one target each; attribution needs images of the classifier's own size"
        )
    plain = np.stack([np.broadcast_to(background(image)[:, None, None], shape) for image in images])
    device = classifier.mean.device
    pixels, baseline = (torch.from_numpy(array.astype(np.float32) / 255).to(device) for array in (images, plain))
    return pixels, torch.from_numpy(np.asarray(targets, dtype=np.int64)).to(device), baseline


def _chunks(pixels: Tensor, targets: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(pixels.split(size), targets.split(size), strict=True)
