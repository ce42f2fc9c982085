"""The program that fits a detector on natural images (``evo-fool train detector``).

It is fitted on some natural images; its thresholds come from others. What it writes is read by
:mod:`evo_fool.classifiers.guarded`.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from evo_fool.atomic_write import write_whole
from evo_fool.classifiers.detectors import OF_FEATURES, VAES, Detector, head_of, linear, look
from evo_fool.classifiers.guarded import NATURAL, TRUE_POSITIVES, Calibration
from evo_fool.classifiers.mnist_data import load_mnist
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.sources.extras import import_extra
from evo_fool.classifiers.spec import Detecting
from evo_fool.classifiers.weights_io import State, read_weights, sha256
from evo_fool.errors import ConfigError
from evo_fool.sampling import evenly
from evo_fool.scenes.photographs import Photographs, read_photographs

MOST = 5000
"""Natural images that are used of a larger range, evenly spread over it."""

_PER_CLASS = 10
"""Images of each class from which on ``mahalanobis`` has a mean for each; else one for all."""

_PRINCIPAL = 2
"""``vim`` has as many principal directions as half the features, or half the images where these are fewer."""


def natural_images(scorer: Scorer, path: Path, between: tuple[int, int] | None) -> Photographs:
    """Photographs, or MNIST's digits, as inputs of a network; at most :data:`MOST`.

    Args:
        scorer: of the network.
        path: a folder or an npz file, see :func:`.read_photographs`; or a folder with MNIST, whose 60,000 training
            images come first and its 10,000 test images then.
        between: only those of these places.

    Raises:
        ConfigError: there are none.
    """
    raws = (path / "MNIST" / "raw", path / "raw", path)
    if not any(any(raw.glob("train-images-idx3-ubyte*")) for raw in raws):
        found = read_photographs(scorer.classifier, path, between=between)
        return found.pick(np.array(evenly(len(found), min(MOST, len(found)))))
    halves = load_mnist(path)
    images = np.concatenate([half.images.numpy() for half in halves])[:, None]
    labels = np.concatenate([half.labels.numpy() for half in halves])
    first, end = between or (0, len(images))
    if end > len(images):
        raise ConfigError(f"--between {first},{end}: {path} has {len(images):,} digits; choose fewer")
    rows = first + np.array(evenly(end - first, min(MOST, end - first)))
    return Photographs(images[rows], labels[rows], tuple(f"digit {row}" for row in rows))


def fit_detector(kind: Detecting, scorer: Scorer, photos: Photographs, vaes: Path | None = None) -> Detector:
    """A detector of a network's, fitted on natural images.

    Args:
        kind: which.
        scorer: of the network.
        photos: natural images, prepared for it.
        vaes: for ``vae``, weights that ``evo-fool train vae`` wrote.

    Raises:
        ConfigError: the network or the images do not do for this detector.
        ClassifierError: pytorch-ood or scikit-learn is not installed.
    """
    classifier, tensors = scorer.classifier, State()
    if kind == "vae":
        if vaes is None:
            raise ConfigError("detector vae needs autoencoders: --vaes FILE, by evo-fool train vae")
        tensors = {name: tensor for name, tensor in read_weights(vaes).items() if name.startswith(VAES)}
    elif kind in OF_FEATURES:
        head = head_of(classifier, kind)
        with torch.inference_mode():
            seen = [look(classifier, views, head).features for views in scorer.views(photos.images)]
        features = torch.cat([part.cpu() for part in seen if part is not None]).clone()
        match kind:
            case "mahalanobis":
                tensors = _gaussian(features, photos.labels)
            case "knn":
                tensors = {"bank": features}
            case _:
                ood = import_extra("pytorch_ood.detector", "ood")
                d = min(features.shape[1], len(features)) // _PRINCIPAL
                vim = ood.ViM(None, d, *linear(head)).fit_features(features, torch.zeros(len(features)))
                tensors = {"subspace": vim.principal_subspace, "alpha": torch.tensor(vim.alpha)}
    return Detector(kind, classifier, tensors)


def _gaussian(features: Tensor, labels: np.ndarray | None) -> State:
    """Means of the classes and the inverse of their common covariance.

    The covariance is shrunk as Ledoit & Wolf (2004) have it: there may be fewer images than features, of which some are
    always 0, and pytorch-ood's own fit would invert a singular matrix.
    """
    covariance = import_extra("sklearn.covariance", "ood")
    groups = np.zeros(len(features), dtype=np.int64)
    if labels is not None:
        _, found, counts = np.unique(labels, return_inverse=True, return_counts=True)
        groups = found if counts.min() >= _PER_CLASS else groups
    z = features.double().numpy()
    means = np.stack([z[groups == group].mean(axis=0) for group in range(groups.max() + 1)])
    fitted = covariance.LedoitWolf(assume_centered=True).fit(z - means[groups])
    return {"mu": torch.from_numpy(means).float(), "precision": torch.from_numpy(fitted.precision_).float()}


def train_detector(
    kind: Detecting, scorer: Scorer, seen: Photographs, others: Photographs, out: Path, vaes: Path | None = None
) -> dict[str, Any]:
    """Fit a detector, calibrate it on other natural images, and write ``out`` (.safetensors) and its record.

    Args:
        kind: which.
        scorer: of the network.
        seen: what it is fitted on.
        others: what its thresholds come from.
        out: the file.
        vaes: see :func:`fit_detector`.

    Returns:
        The record: ``kind``, fingerprint of the ``classifier``, ``sha256`` of the tensors; ``thresholds`` by share of
        natural images that pass, and their ``median``; how many images.

    Raises:
        ConfigError: as :func:`fit_detector`, or a bad ``out``.
        EvoFoolError: ``out`` cannot be written.
    """
    if out.suffix != ".safetensors" or not out.parent.is_dir():
        raise ConfigError(f"--out {out}: give a path that ends in .safetensors, in a folder that exists")
    detector = fit_detector(kind, scorer, seen, vaes)
    calibration = Calibration(detector.scores(scorer, others.images))
    tensors = detector.tensors | {NATURAL: calibration.natural}
    write_whole(out, save({name: tensor.contiguous() for name, tensor in tensors.items()}), "--out")
    record = {
        "file": out.name,
        "kind": kind,
        "classifier": scorer.classifier.fingerprint(),
        "sha256": sha256(out),
        "network": scorer.classifier.name,
        "fitted_on": len(seen),
        "held_out": len(others),
        "thresholds": {f"{share:g}": calibration.threshold(share) for share in TRUE_POSITIVES},
        "median": calibration.median,
        "torch": version("torch"),
    }
    write_whole(out.with_suffix(".json"), (json.dumps(record, indent=2) + "\n").encode(), "--out")
    return record


def two_halves(
    scorer: Scorer, photos: Path, fit: tuple[int, int] | None, held_out: tuple[int, int] | None
) -> tuple[Photographs, Photographs]:
    """Natural images to fit on, and others, at most :data:`MOST` of each.

    Args:
        scorer: of the network.
        photos: see :func:`natural_images`.
        fit: places of those to fit on; None, as both are: the first half.
        held_out: places of the others; None: the second half.

    Raises:
        ConfigError: one range is given without the other, or they overlap.
    """
    if (fit is None) != (held_out is None):
        raise ConfigError("give the places of both: those to fit on, and those held out for the thresholds")
    if fit is not None and held_out is not None:
        if max(fit[0], held_out[0]) < min(fit[1], held_out[1]):
            raise ConfigError(
                f"{list(fit)} and {list(held_out)} overlap; a detector is tested on images it has not seen"
            )
        return natural_images(scorer, photos, fit), natural_images(scorer, photos, held_out)
    every = natural_images(scorer, photos, None)
    order = np.arange(len(every))
    return every.pick(order[: len(order) // 2]), every.pick(order[len(order) // 2 :])
