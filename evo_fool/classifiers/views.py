"""Views: how an image of any size becomes inputs of the classifier's size."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from evo_fool.errors import ConfigError

VIEWS = ("auto", "resize", "centre", "ten-crop")


def view_count(view: str) -> int:
    """The number of views of one image."""
    return 10 if view == "ten-crop" else 1


def check_view(view: str, image_size: int, size: int) -> None:
    """Refuse to crop a view of ``size`` pixels out of a smaller image.

    Raises:
        ConfigError: names both sizes and the remedy.
    """
    if view in ("centre", "ten-crop") and image_size < size:
        raise ConfigError(
            f"view {view!r} crops {size}x{size} out of an image of {image_size} pixels; "
            f"make encoding.size at least {size}, or use scoring.view=resize"
        )


def make_views(images: Tensor, view: str, size: int) -> Tensor:
    """The views of float32 images ``(n, c, h, w)``: ``(n * views, c, size, size)``, all views of an image together.

    Raises:
        ConfigError: crops from an image that is smaller than the classifier's input.
    """
    height, width = images.shape[-2:]
    check_view(view, min(height, width), size)
    if view in ("auto", "resize"):
        if (height, width) == (size, size):
            return images
        resized = F.interpolate(images, (size, size), mode="bilinear", align_corners=False, antialias=True)
        return resized.clamp_(0.0, 1.0)
    top, left = (height - size) // 2, (width - size) // 2
    if view == "centre":
        return images[..., top : top + size, left : left + size]
    corners = [(top, left), (0, 0), (0, width - size), (height - size, 0), (height - size, width - size)]
    crops = torch.stack([images[..., y : y + size, x : x + size] for y, x in corners], dim=1)
    return torch.cat([crops, crops.flip(-1)], dim=1).flatten(0, 1)
