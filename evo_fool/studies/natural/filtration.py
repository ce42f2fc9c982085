"""Adversarial filtration: keep the images that fool one network, and count those that fool another.

It is how ImageNet-A was made. Photographs that fool one network are also hard for others, so each count stands beside
all images, those that do not fool the first network, and as many that fool a third one most: a filter as strong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from evo_fool.studies.natural.answers import Answers
from evo_fool.studies.natural.metrics import agreement_by_chance
from evo_fool.studies.wilson import wilson

EVERY, FOOL, REST = "all", "fool it", "do not fool it"
"""Which images of a set are kept."""


def filtered(name: str, seen: Mapping[str, Answers], by: str, test: str, *, evolved: bool) -> Iterator[dict[str, Any]]:
    """How images that were kept for what ``by`` answers fare with ``test``.

    Args:
        name: of the images.
        seen: what each network answers to all of them.
        by: the network that filters.
        test: another network.
        evolved: whether an image fools a network that answers its label, as an evolved one; else one that answers
            another class.

    Yields:
        For each subset: ``images`` (name), ``evolved``, ``by``, ``test``, ``subset``, ``n``, the share that fools
        ``test`` (``fooled``, with its interval ``low``, ``high``) and that fools ``by`` (``filter``), the share to
        which both answer the same class (``same``), and that share among different images (``chance``).
    """
    fools = {network: (one.all == one.labels) == evolved for network, one in seen.items()}
    kept = {EVERY: np.ones(len(fools[by]), bool), FOOL: fools[by], REST: ~fools[by]}
    for third in seen:
        if third not in (by, test):
            odds = seen[third].label_odds
            most = np.argsort(-odds if evolved else odds, kind="stable")[: int(fools[by].sum())]
            kept[f"as many that fool {third} most"] = np.isin(np.arange(len(odds)), most)
    for subset, chosen in kept.items():
        fooled, low, high = wilson(int(fools[test][chosen].sum()), int(chosen.sum()))
        one, other = (seen[network].all[chosen] for network in (by, test))
        yield {
            "images": name,
            "evolved": evolved,
            "by": by,
            "test": test,
            "subset": subset,
            "n": int(chosen.sum()),
            "fooled": fooled,
            "low": low,
            "high": high,
            "filter": float(fools[by][chosen].mean()) if chosen.any() else 0.0,
            "same": float((one == other).mean()) if chosen.any() else 0.0,
            "chance": agreement_by_chance(one, other),
        }
