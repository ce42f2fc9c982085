"""What perturbations do to the answers of networks on photographs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from evo_fool.classifiers.scoring import Scorer
from evo_fool.probability import probability
from evo_fool.scenes.perturbation import perturbed
from evo_fool.studies.wilson import wilson
from evo_fool.text import percent

_AT_ONCE = 256
_LABELS = 5
_MOVES = 10
_SOURCES = 3


def changed_images(images: np.ndarray, values: np.ndarray | None) -> np.ndarray:
    """Photographs with a perturbation added, clipped and rounded to bytes: uint8 ``(n, channels, height, width)``.

    Args:
        images: uint8, of that shape.
        values: of 255, float32 ``(channels, height, width)``; None: nothing is added.
    """
    if values is None:
        return images
    return perturbed(torch.from_numpy(images), torch.from_numpy(values)).numpy()


def predictions(scorer: Scorer, images: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
    """The likeliest class of each of :func:`changed_images`, int64 ``(n,)``."""
    parts = [changed_images(images[start : start + _AT_ONCE], values) for start in range(0, len(images), _AT_ONCE)]
    return np.concatenate([scorer.score(part).argmax(axis=1) for part in parts])


def effect(clean: np.ndarray, found: np.ndarray, labels: np.ndarray | None, classes: Sequence[str]) -> dict[str, Any]:
    """What became of the answers.

    Args:
        clean: classes predicted for the clean photographs, int64 ``(n,)``.
        found: those predicted with the perturbation, int64 ``(n,)``.
        labels: the true ones; None: unknown.
        classes: their names.

    Returns:
        ``fooled``, the share of answers that changed, and its Wilson interval of 95 %, ``low`` to ``high``;
        ``accuracy``, None without labels; ``dominant``, the commonest answers with their shares; ``moves``, the
        commonest changes as clean class, class with the perturbation, photographs (the edges of the graph of labels);
        ``graph``, its nodes that most arrive at: class with the perturbation, photographs, clean classes that they come
        from, and the commonest of those.
    """
    changed = found != clean
    fooled, low, high = wilson(int(changed.sum()), len(changed))
    arrived = Counter(found[changed].tolist())
    graph = []
    for label, n in arrived.most_common(_LABELS):
        sources = Counter(clean[changed & (found == label)].tolist())
        graph.append([classes[label], n, len(sources), [classes[c] for c, _ in sources.most_common(_SOURCES)]])
    moves = Counter(zip(clean[changed].tolist(), found[changed].tolist(), strict=True))
    return {
        "fooled": fooled,
        "low": low,
        "high": high,
        "accuracy": None if labels is None else float((found == labels).mean()),
        "dominant": [[classes[c], n / len(found)] for c, n in Counter(found.tolist()).most_common(_LABELS)],
        "moves": [[classes[a], classes[b], n] for (a, b), n in moves.most_common(_MOVES)],
        "graph": graph,
    }


def answered(scorer: Scorer, images: np.ndarray) -> list[tuple[np.ndarray, str]]:
    """Inputs of the network, uint8 ``(n, channels, height, width)``, each with its answer and confidence as a text."""
    tiles = []
    for image, log_odds in zip(images, scorer.score(images), strict=True):
        top = int(log_odds.argmax())
        tiles.append((image, f"{scorer.classifier.classes[top]}\n{percent(float(probability(log_odds[top])))}"))
    return tiles
