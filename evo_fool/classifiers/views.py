"""Views: how an image of any size becomes inputs of the classifier's size."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from evo_fool.classifiers.random_views import random_views
from evo_fool.errors import ConfigError
from evo_fool.shape import compact

VIEWS = ("auto", "resize", "centre", "ten-crop", "random-N with N from 1 to 99")


def view_count(view: str) -> int:
    """The number of views of one image."""
    return 10 if view == "ten-crop" else random_count(view) or 1


def random_count(view: str) -> int:
    """How many random transformations ``view`` means; 0 for any other kind."""
    return int(view.removeprefix("random-")) if view.startswith("random-") else 0


def check_view(view: str, image: tuple[int, int], size: tuple[int, int]) -> None:
    """Refuse to crop a view out of a smaller image; both are height and width.

    Raises:
        ConfigError: names both sizes and the remedy.
    """
    if view in ("centre", "ten-crop") and (image[0] < size[0] or image[1] < size[1]):
        least, most = compact(*size), compact(*image)
        raise ConfigError(
            f"view {view!r} crops {size[0]}x{size[1]} out of an image of {most} pixels; "
            f"make encoding.size at least {least}, or use scoring.view=resize"
        )


def make_views(images: Tensor, view: str, size: tuple[int, int], seed: int) -> Tensor:
    """The views of float32 images ``(n, c, h, w)``: ``(n * views, c, *size)``, all views of an image together.

    Args:
        images: in [0, 1].
        view: see :class:`.Scorer`.
        size: height and width of the classifier's input.
        seed: of random views.

    Raises:
        ConfigError: crops from an image that is smaller than the classifier's input.
    """
    height, width = images.shape[-2:]
    check_view(view, (height, width), size)
    if view not in ("centre", "ten-crop"):
        if (height, width) != size:
            images = F.interpolate(images, size, mode="bilinear", align_corners=False, antialias=True).clamp_(0.0, 1.0)
        count = random_count(view)
        return random_views(images, count, seed) if count else images
    bottom, right = height - size[0], width - size[1]
    corners = [(bottom // 2, right // 2), (0, 0), (0, right), (bottom, 0), (bottom, right)]
    places = corners[:1] if view == "centre" else corners
    crops = torch.stack([images[..., y : y + size[0], x : x + size[1]] for y, x in places], dim=1)
    if view == "centre":
        return crops[:, 0]
    return torch.cat([crops, crops.flip(-1)], dim=1).flatten(0, 1)
