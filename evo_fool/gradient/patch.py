"""A patch that makes a network answer one class wherever it lies (Brown et al. 2017), by Adam.

Maximised is the expectation of log P(target) over photographs, places, scales and rotations: each gradient is taken
over photographs and placements drawn afresh. The patch is placed as by the scene of that name, through which the
gradient flows: it is linear in the picture's bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.gradient.step import Report, Step, descend, log_probabilities, pixels_of, silent
from evo_fool.randomness import stream
from evo_fool.scenes.placement import Form, Overlays, draw_placements


def patch(
    classifier: Classifier,
    photographs: np.ndarray,
    target: int,
    *,
    form: Form = "disc",
    share: tuple[float, float] = (0.1, 0.1),
    rotation: float = 22.5,
    size: tuple[int, int] | None = None,
    steps: int = 500,
    batch: int = 16,
    rate: float = 0.05,
    every: int = 50,
    precision: str = "float32",
    seed: int = 1,
    report: Report = silent,
) -> Iterator[Step]:
    """Yield a step with one picture after every ``every`` steps, and at the end.

    Args:
        classifier: a differentiable network.
        photographs: uint8 ``(n, channels, height, width)``, the classifier's inputs.
        target: the class to reach.
        form: of the patch.
        share: least and largest share of the photograph's area.
        rotation: largest angle in degrees, either way.
        size: of the picture, height and width; None: the photographs'.
        steps: of Adam.
        batch: photographs in one gradient, each with a placement of its own.
        rate: Adam's, of the picture's inverse hyperbolic tangent.
        every: steps between two pictures.
        precision: of the gradients, ``float32`` or ``bfloat16``; scores are always float32.
        seed: decides start, photographs and placements.
        report: told the steps done, of all.

    Raises:
        ConfigError: a patch of this share does not fit.
    """
    photo_size = (photographs.shape[2], photographs.shape[3])
    size = size or photo_size
    device = classifier.mean.device
    report(0, steps)
    start = stream(seed, "patch start").normal(0, 0.1, (1, photographs.shape[1], *size))
    w = torch.from_numpy(start.astype(np.float32)).to(device).requires_grad_(True)
    adam = torch.optim.Adam([w], lr=rate)
    losses = []
    for number in range(steps):
        rng = stream(seed, "patch", number)
        rows = rng.choice(len(photographs), min(batch, len(photographs)), replace=False)
        drawn = draw_placements(rng, len(rows), form=form, share=share, rotation=rotation, size=photo_size)
        overlays = Overlays(drawn, form, size, photo_size, device)
        with torch.enable_grad():
            picture = (w.tanh() + 1) * 127.5
            x = overlays.paste(
                picture.expand(len(rows), -1, -1, -1), pixels_of(photographs[rows], classifier), np.arange(len(rows))
            )
            loss = -log_probabilities(classifier, x, precision)[:, target].mean()
            w.grad = descend(classifier, loss, w)
        adam.step()
        losses.append(float(loss.detach()))
        report(number + 1, steps)
        if (number + 1) % every == 0 or number + 1 == steps:
            stored = ((w.detach().tanh() + 1) * 127.5).round().byte().cpu().numpy()
            yield Step(stored, float(np.mean(losses)))
            losses = []
