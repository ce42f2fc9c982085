"""Evolution and every kind of noise at equal numbers of images: what each reached for each class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.photographs import readable_photographs
from evo_fool.runs import Run
from evo_fool.studies.context import Context
from evo_fool.studies.digit_runs import EVOLVED, RANDOM, digit_run, digit_runs
from evo_fool.studies.imagenet_runs import imagenet_run
from evo_fool.studies.noise import KINDS
from evo_fool.studies.noise.measure import arm, noise_budget, noise_harvest

_PHOTOGRAPHS = 500
_NAMES = {"permuted": "natural images, pixels permuted", "constant": "constant colour"}


def arm_of_run(label: str, run: Run, images: int | None = None) -> dict[str, Any]:
    """What a run reached, see :func:`.noise.measure.arm`; ``called`` and ``sure`` are None: only the best are kept.

    Args:
        label: of the arm.
        run: the run.
        images: as it stood when it had scored so many; None: at its end.
    """
    metrics, evaluations = run.metrics, run.metrics["evaluations"].astype(int)
    end = len(evaluations) if images is None else max(1, int(np.searchsorted(evaluations, images, "right")))
    return {
        "label": label,
        "n": int(evaluations[end - 1]),
        "median": float(metrics["median"][end - 1]),
        "at_least": [int(metrics[f"at_least_{share}"][end - 1]) for share in (90, 99, 9999)],
        "called": None,
        "sure": None,
        "steps": evaluations[:end].tolist(),
        "medians": metrics["median"][:end].tolist(),
    }


def natural_digits(context: Context) -> np.ndarray | None:
    """MNIST's test images, uint8 ``(n, 1, 28, 28)``; None where there are no data."""
    mnist = context.data.mnist()
    return None if mnist is None else mnist.test.images.numpy()[:, None]


def digit_arms(context: Context) -> list[dict[str, Any]]:
    """Evolution, random genomes and noise on MNIST."""
    arms = []
    for label, preset in (("evolved pixels", EVOLVED["pixels"]), ("evolved CPPNs", EVOLVED["cppn"])):
        with digit_run(context, preset, context.seeds[0]) as run:
            arms.append(arm_of_run(label, run))
    for label, kind in (("random pixel genomes", "pixels"), ("random CPPN genomes", "cppn")):
        with digit_runs(context, *RANDOM[kind]) as runs:
            arms.append(arm_of_run(label, runs[0]))
    return arms + _noise_arms(context, context.classifier(), natural_digits(context))


def imagenet_arms(context: Context, name: str, weights: Path) -> list[dict[str, Any]]:
    """Evolution, random genomes and noise on an ImageNet network, each at the images of the noise."""
    classifier = context.classifier(f"torchvision:{name}", weights)
    n, arms = noise_budget(context, classifier), []
    for label, kind in (
        ("evolved pixels", "pixels"),
        ("evolved CPPNs", "cppn"),
        ("random pixel genomes", "random-pixels"),
        ("random CPPN genomes", "random"),
    ):
        with imagenet_run(context, name, weights, kind, context.seeds[0]) as run:
            arms.append(arm_of_run(label, run, n))
    folder = context.data.photographs()
    natural = None if folder is None else readable_photographs(classifier, folder, limit=_PHOTOGRAPHS)[0]
    return arms + _noise_arms(context, classifier, natural)


def _noise_arms(context: Context, classifier: Classifier, natural: np.ndarray | None) -> list[dict[str, Any]]:
    n = noise_budget(context, classifier)
    return [
        arm(_NAMES.get(kind, f"{kind} noise"), noise_harvest(context, classifier, kind, n, natural))
        for kind in KINDS
        if kind != "permuted" or natural is not None
    ]
