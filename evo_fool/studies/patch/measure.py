"""What patches do to the answers of networks on photographs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from evo_fool.randomness import stream
from evo_fool.scenes.placement import Form, Overlays, Placement, draw_placements
from evo_fool.studies.wilson import wilson

_AT_ONCE = 128


def placements(
    n: int, form: Form, share: float, *, rotation: float, size: tuple[int, int], seed: int
) -> list[Placement]:
    """Where a patch of a form and share lies on each of ``n`` photographs, as the scene draws it; patches of one form
    lie at the same places.

    Raises:
        ConfigError: it does not fit.
    """
    rng = stream(seed, "patch study")
    return draw_placements(rng, n, form=form, share=(share, share), rotation=rotation, size=size)


def patched(images: np.ndarray, picture: np.ndarray, form: Form, places: list[Placement]) -> np.ndarray:
    """Photographs uint8 ``(n, channels, height, width)`` with a picture on each, at the place of each.

    Args:
        images: photographs, of that shape.
        picture: uint8 ``(channels, side, side)``.
        form: what of it is seen.
        places: one a photograph.
    """
    size, there = (images.shape[2], images.shape[3]), torch.from_numpy(picture[None].copy())
    parts = []
    for start in range(0, len(images), _AT_ONCE):
        photos = torch.from_numpy(images[start : start + _AT_ONCE])
        some = places[start : start + _AT_ONCE]
        overlays = Overlays(some, form, (picture.shape[1], picture.shape[2]), size, photos.device)
        pictures = there.expand(len(photos), -1, -1, -1)
        parts.append(overlays.compose(pictures, photos, np.arange(len(photos))).numpy())
    return np.concatenate(parts)


def success(clean: np.ndarray, found: np.ndarray, labels: np.ndarray | None, target: int) -> dict[str, Any]:
    """How often the answer became the target, of the photographs that neither are of that class nor taken for it.

    Args:
        clean: classes predicted for the clean photographs, int64 ``(n,)``.
        found: those predicted with the patch.
        labels: the true ones; None: unknown.
        target: a class.

    Returns:
        ``tested`` photographs, ``hit``, the share of them, and its Wilson interval of 95 %, ``hit_low`` to
        ``hit_high``; zeros where none is left.
    """
    tested = clean != target
    if labels is not None:
        tested &= labels != target
    hit, low, high = wilson(int((found[tested] == target).sum()), int(tested.sum()))
    return {"tested": int(tested.sum()), "hit": hit, "hit_low": low, "hit_high": high}
