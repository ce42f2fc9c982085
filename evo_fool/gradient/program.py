"""A frame that makes a network do another task (Elsayed et al. 2019), by Adam on W.

The network's input is tanh(W), in [-1, 1], around a small task image; minimised is the mean of -log P(right mapped
class) plus λ times the mean of W². The learning rate decays by a factor every two epochs; a weight decay of that
number, as in some implementations, is another thing.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from evo_fool.classifiers.base import Classifier
from evo_fool.gradient.step import Report, Step, batches, descend, log_probabilities, pixels_of, silent
from evo_fool.randomness import stream

_DECAY_EVERY = 2


def program(
    classifier: Classifier,
    tasks: np.ndarray,
    classes: np.ndarray,
    *,
    epochs: int = 20,
    batch: int = 50,
    rate: float = 0.05,
    decay: float = 0.96,
    penalty: float = 0.05,
    every: int = 1,
    precision: str = "float32",
    seed: int = 1,
    report: Report = silent,
) -> Iterator[Step]:
    """Yield a step with one picture after every ``every`` epochs, and at the end.

    Args:
        classifier: a differentiable network.
        tasks: task images, uint8 ``(n, channels, h, w)``, shown in the middle of the classifier's input.
        classes: the class that each image's label is mapped onto, int64 ``(n,)``.
        epochs: passes over the tasks.
        batch: tasks in one gradient.
        rate: Adam's at the start.
        decay: factor on the rate every two epochs.
        penalty: λ.
        every: epochs between two pictures.
        precision: of the gradients, ``float32`` or ``bfloat16``; scores are always float32.
        seed: decides start and order.
        report: told the tasks seen, of all epochs.
    """
    device = classifier.mean.device
    report(0, epochs * len(tasks))
    start = stream(seed, "program start").normal(0, 0.1, classifier.shape)
    w = torch.from_numpy(start.astype(np.float32)).to(device).requires_grad_(True)
    wanted = torch.from_numpy(np.asarray(classes, dtype=np.int64)).to(device)
    adam = torch.optim.Adam([w], lr=rate)
    schedule = torch.optim.lr_scheduler.StepLR(adam, _DECAY_EVERY, decay)
    losses: list[float] = []
    seen = 0
    for epoch in range(epochs):
        for rows in batches(stream(seed, "program", epoch).permutation(len(tasks)), batch):
            with torch.enable_grad():
                picture = (w.tanh() + 1) * 127.5
                x = framed(picture, pixels_of(tasks[rows], classifier))
                log_p = log_probabilities(classifier, x, precision)
                chosen = log_p[torch.arange(len(rows), device=device), wanted[rows]]
                loss = penalty * w.square().mean() - chosen.mean()
                w.grad = descend(classifier, loss, w)
            adam.step()
            losses.append(float(loss.detach()))
            seen += len(rows)
            report(seen, epochs * len(tasks))
        schedule.step()
        if (epoch + 1) % every == 0 or epoch + 1 == epochs:
            stored = ((w.detach().tanh() + 1) * 127.5).round().byte().cpu().numpy()
            yield Step(stored[None], float(np.mean(losses)))
            losses = []


def framed(picture: Tensor, tasks: Tensor) -> Tensor:
    """Each task image ``(n, channels, h, w)`` in the middle of the picture ``(channels, height, width)``."""
    inputs = picture.repeat(len(tasks), 1, 1, 1)
    height, width = tasks.shape[2:]
    top, left = (picture.shape[1] - height) // 2, (picture.shape[2] - width) // 2
    inputs[..., top : top + height, left : left + width] = tasks
    return inputs
