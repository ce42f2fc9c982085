"""Programs, and what they are to be compared with."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax

from evo_fool.classifiers.base import Classifier
from evo_fool.randomness import stream
from evo_fool.scenes.program import BLANK, Program
from evo_fool.scenes.tasks import TaskImages
from evo_fool.studies.wilson import wilson

_PENALTY = 1e-3
"""Of the linear classifier: on half the sum of its squared weights, with pixels in [0, 1]."""

_STEPS = 300
"""Of the linear classifier's minimisation, at most."""


def tested(scene: Program, picture: np.ndarray, part: TaskImages) -> dict[str, Any]:
    """:meth:`.Program.accuracy` of a picture with its Wilson interval of 95 %, ``low`` to ``high``; JSON-able."""
    found = scene.accuracy(picture, part)
    return found | _interval(found["accuracy"], len(part.labels))


def controls_of(scene: Program, part: TaskImages, count: int, seed: int) -> dict[str, Any]:
    """Accuracies to compare with; JSON-able.

    Args:
        scene: of the network and the task.
        part: what is tested on.
        count: random programs.
        seed: theirs.

    Returns:
        ``none``: with a grey frame; ``random``: with each frame of uniform noise; ``linear``: see
        :func:`linear_accuracy`; ``chance``: of the commonest label.
    """
    rng = stream(seed, "random programs")
    noise = (rng.integers(0, 256, scene.shape, dtype=np.uint8) for _ in range(count))
    none = scene.accuracy(np.full(scene.shape, BLANK, np.uint8), part)
    return {
        "none": none["accuracy"],
        "random": [scene.accuracy(picture, part)["accuracy"] for picture in noise],
        "linear": linear_accuracy(scene.task.train, part),
        "chance": none["chance"],
    }


def linear_accuracy(train: TaskImages, part: TaskImages) -> dict[str, Any]:
    """The accuracy of multinomial logistic regression on the pixels, with its Wilson interval; JSON-able.

    Args:
        train: what it learns from.
        part: what it is tested on.
    """
    x, rows = _pixels(train), np.arange(len(train.labels))
    mean = x.mean(axis=0)
    x -= mean
    labels = int(train.labels.max()) + 1
    size = x.shape[1] * labels

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = values[:size].reshape(-1, labels), values[size:]
        log_p = log_softmax(x @ weights.astype(np.float32) + bias, axis=1)
        error = np.exp(log_p)
        error[rows, train.labels] -= 1
        error /= len(rows)
        slope = x.T @ error.astype(np.float32) + _PENALTY * weights
        value = -log_p[rows, train.labels].mean() + _PENALTY / 2 * np.square(weights).sum()
        return float(value), np.concatenate([slope.ravel(), error.sum(axis=0)])

    found = minimize(loss, np.zeros(size + labels), jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}).x
    answers = ((_pixels(part) - mean) @ found[:size].reshape(-1, labels) + found[size:]).argmax(axis=1)
    accuracy = float((answers == part.labels).mean())
    return {"accuracy": accuracy} | _interval(accuracy, len(part.labels))


def untrained(classifier: Classifier, seed: int) -> Classifier:
    """The same network with random weights: He et al. (2015), biases 0, and normalisation that changes nothing.

    Args:
        classifier: stays as it is.
        seed: decides every weight.
    """
    made = copy.deepcopy(classifier)
    made.name = f"{classifier.name}, random weights"
    with torch.no_grad():
        for name, values in made.network.named_parameters():
            if values.ndim > 1:
                scale = (2 / values[0].numel()) ** 0.5
                drawn = stream(seed, f"untrained {name}").normal(0, scale, values.shape)
                values.copy_(torch.from_numpy(drawn))
            else:
                values.fill_(0 if name.endswith("bias") else 1)
        for name, statistics in made.network.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                statistics.fill_(float(name.endswith("var")))
    return made


def _interval(accuracy: float, images: int) -> dict[str, float]:
    _, low, high = wilson(round(accuracy * images), images)
    return {"low": low, "high": high}


def _pixels(part: TaskImages) -> np.ndarray:
    """One row an image, float32 in [0, 1]; of grey images one channel."""
    images = part.images
    if (images == images[:, :1]).all():
        images = images[:, :1]
    return images.reshape(len(images), -1).astype(np.float32) / 255
