"""Random images and what a network makes of them: the controls that belong to every claim of "fooled".

A network calls noise something, and often with confidence. So a claim names the best of as many random images for each
class, and how many classes these reach.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.probability import probability
from evo_fool.randomness import Stream, stream
from evo_fool.studies.array_digest import array_digest
from evo_fool.studies.context import Context
from evo_fool.studies.noise import KINDS

_CHUNK = 512
_COARSE = (2, 3, 4, 6, 8)


def random_images(
    kind: str, n: int, shape: tuple[int, int, int], rng: Stream, natural: np.ndarray | None = None
) -> np.ndarray:
    """Random images, uint8 ``(n, *shape)``.

    Args:
        kind: one of :data:`~evo_fool.studies.noise.KINDS`. ``uniform``: independent bytes. ``gaussian``: around middle
            grey, deviation 64, clipped. ``permuted``: a natural image's pixels in another order. ``constant``: one
            colour. ``low-frequency``: a coarse random grid, drawn smoothly.
        n: how many.
        shape: channels, height, width.
        rng: where they come from.
        natural: uint8 ``(m, *shape)``, for ``permuted``.

    Raises:
        ConfigError: an unknown kind, or ``permuted`` without natural images.
    """
    channels, height, width = shape
    match kind:
        case "uniform":
            return rng.integers(0, 256, (n, *shape), dtype=np.uint8)
        case "gaussian":
            values = rng.standard_normal((n, *shape), dtype=np.float32) * 64 + 127.5
            return np.clip(values, 0, 255).astype(np.uint8)
        case "constant":
            colours = rng.integers(0, 256, (n, channels, 1, 1), dtype=np.uint8)
            return np.broadcast_to(colours, (n, *shape)).copy()
        case "low-frequency":
            return _smooth(n, shape, rng)
        case "permuted":
            if natural is None or not len(natural):
                raise ConfigError("permuted images need natural ones; give --natural DIR")
            chosen = natural[rng.integers(len(natural), size=n)].reshape(n, channels, height * width)
            places = np.tile(np.arange(height * width, dtype=np.int32), (n, 1))
            order = np.broadcast_to(rng.permuted(places, axis=1)[:, None], chosen.shape)
            return np.take_along_axis(chosen, order, axis=2).reshape(n, *shape)
        case _:
            raise ConfigError(f"noise {kind!r} is unknown; choose one of {', '.join(KINDS)}")


def _smooth(n: int, shape: tuple[int, int, int], rng: Stream) -> np.ndarray:
    """Bicubic between the points of a random grid of 2 to 8 points a side, stretched to the full range."""
    channels, height, width = shape
    images = np.empty((n, *shape), np.uint8)
    sides = rng.choice(_COARSE, size=n)
    for side in _COARSE:
        rows = np.flatnonzero(sides == side)
        if not len(rows):
            continue
        grid = torch.from_numpy(rng.random((len(rows), channels, side, side), dtype=np.float32))
        fine = F.interpolate(grid, (height, width), mode="bicubic", align_corners=True)
        low, high = fine.amin((2, 3), keepdim=True), fine.amax((2, 3), keepdim=True)
        images[rows] = ((fine - low) / (high - low).clamp_min(1e-6) * 255).to(torch.uint8).numpy()
    return images


def harvest(scorer: Scorer, images: Iterator[np.ndarray]) -> dict[str, Any]:
    """Score images in batches, and keep the best of each class; JSON-able.

    Args:
        scorer: of the network.
        images: batches of uint8 ``(n, channels, height, width)``; at least one image in all.

    Returns:
        ``n``: how many images. ``best``: the highest probability that any has of each class, float64 ``(classes,)``.
        ``called``: how many images have each class as their first, int64 ``(classes,)``. ``mean_top``: mean probability
        of the first class. ``sure``: share of images with at least 99 % for it. ``steps`` and ``medians``: the median
        over classes of ``best`` so far, after each batch.
    """
    best = np.full(len(scorer.classifier.classes), -np.inf)
    called = np.zeros(len(best), dtype=np.int64)
    n, total, sure = 0, 0.0, 0
    steps: list[int] = []
    medians: list[float] = []
    for batch in images:
        log_odds = scorer.score(batch)
        best = np.maximum(best, log_odds.max(axis=0))
        called += np.bincount(log_odds.argmax(axis=1), minlength=len(best))
        top = probability(log_odds.max(axis=1))
        n, total, sure = n + len(batch), total + float(top.sum()), sure + int((top >= 0.99).sum())
        steps.append(n)
        medians.append(float(np.median(probability(best))))
    found = {"n": n, "best": probability(best), "called": called, "mean_top": total / n, "sure": sure / n}
    return found | {"steps": steps, "medians": medians}


def arm(label: str, found: dict[str, Any]) -> dict[str, Any]:
    """What :func:`harvest` found as an arm beside others, JSON-able.

    Returns:
        ``label``, ``n``, ``steps``, ``medians`` and ``sure``; ``median``: over classes, of the best probability;
        ``at_least``: classes whose best reaches 90, 99 and 99.99 %; ``called``: classes that are some image's first.
    """
    best = np.array(found["best"])
    return {name: found[name] for name in ("n", "sure", "steps", "medians")} | {
        "label": label,
        "median": float(np.median(best)),
        "at_least": [int((best >= threshold).sum()) for threshold in (0.9, 0.99, 0.9999)],
        "called": int(np.count_nonzero(found["called"])),
    }


def noise_harvest(
    context: Context,
    classifier: Classifier,
    kind: str,
    n: int,
    natural: np.ndarray | None = None,
    *,
    seed: int | None = None,
) -> dict[str, Any]:
    """What a network makes of ``n`` random images of its size, from the cache or scored; see :func:`harvest`.

    Args:
        context: where to look and work.
        classifier: the network.
        kind: see :func:`random_images`.
        n: how many.
        natural: uint8 ``(m, channels, height, width)``, for ``permuted``.
        seed: decides the images; None: the context's first.

    Raises:
        ConfigError: see :func:`random_images`.
        Stopped: asked to stop.
    """
    seed, source = context.seeds[0] if seed is None else seed, natural if kind == "permuted" else None
    # Fewer images are the first of more: batches of a fixed size are streams of their own, numbered.
    chunk = _CHUNK if classifier.size <= 64 else 64

    def batches() -> Iterator[np.ndarray]:
        for number, start in enumerate(range(0, n, chunk)):
            context.check()
            rng = stream(seed, f"noise {kind}", number)
            yield random_images(kind, min(chunk, n - start), classifier.shape, rng, source)

    of = "" if source is None else f" of {array_digest(source)}"
    key = f"noise {kind}{of}, {n} images, seed {seed}, {classifier.fingerprint()}"
    return context.cache(key, lambda: harvest(context.scorer(classifier), batches()))


def noise_budget(context: Context, classifier: Classifier) -> int:
    """How many images of each kind of noise the report scores: on digits as many as a run scores."""
    if classifier.size <= 64:
        return context.scale(smoke=4200, laptop=40_200, paper=40_200)
    return context.scale(smoke=64, laptop=4000, paper=40_000)
