"""Retraining on ImageNet with a 1001st class of fooling images, as far as a few photographs go (paper, section 3.7).

The paper trains the whole network again on all of ImageNet. With some hundred photographs only the head can be: the
network is given one more output, and of all weights only that output's are trained, to be above all other classes for
fooling images and below them for photographs. So whatever it recognises, it recognises by the features of DNN_1.
"""

from __future__ import annotations

import copy
from dataclasses import asdict
from itertools import chain, count, islice
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evo_fool.classifiers.further_class import Head, find_head, widen
from evo_fool.classifiers.photographs import readable_photographs
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.runs import Run
from evo_fool.studies.array_digest import array_digest
from evo_fool.studies.context import Context
from evo_fool.studies.imagenet_runs import imagenet_run, primary_network
from evo_fool.studies.mann_whitney import mann_whitney
from evo_fool.studies.retraining.measure import fooling_images
from evo_fool.studies.study import Skipped
from evo_fool.studies.training import trained

_STEPS = 300
_RATE = 0.01
_DECAY = 1e-3
_CHUNK = 32
_SHOWN = 10


Shown = list[tuple[np.ndarray, float]]
"""Images uint8 ``(3, height, width)`` and their confidences."""


def retrain_imagenet(context: Context) -> tuple[dict[str, Any], tuple[Shown, Shown]]:
    """Evolve against a network, give it a 1001st class, evolve against that.

    Returns:
        For DNN_1 and DNN_2 images of the classes in which the latter is surest, and the figures: ``photographs`` that
        it was trained with and that it is measured on; fooling images ``taught``; of the latter photographs the shares
        ``top1`` that DNN_1 and DNN_2 call by their class and ``false_alarms`` that DNN_2 calls fooling; of the
        ``unseen`` distinct elites of another run against DNN_1, none of them taught, the share ``recognised`` as
        fooling; ``medians`` over 1000 classes of the confidences against DNN_1 and DNN_2, and the ``test`` whether the
        former are higher; ``images`` of each run; ``seeds`` of the runs, see :func:`distinct_seeds`.

    Raises:
        Skipped: there are no weights or no photographs.
        ConfigError: the network's head cannot be retrained.
        Stopped: asked to; runs go on where they stopped.
    """
    network, folder = primary_network(context), context.data.photographs()
    if network is None or folder is None:
        raise Skipped(
            "It needs an ImageNet network and photographs: give --data a folder with imagenet/weights/NAME.pt and "
            "imagenet/photos/CLASS/*.jpg."
        )
    name, weights = network
    classifier = context.classifier(f"torchvision:{name}", weights)
    classes = len(classifier.classes)
    photos, labels = readable_photographs(classifier, folder, limit=context.scale(smoke=40, laptop=None, paper=None))
    learning, tested, truth = photos[::2], photos[1::2], labels[1::2]
    n = context.scale(smoke=40, laptop=500, paper=2000)
    seeds = distinct_seeds(context)
    with (
        imagenet_run(context, name, weights, "cppn", seeds[0]) as first,
        imagenet_run(context, name, weights, "cppn", seeds[1]) as other,
    ):
        scorer = context.scorer(classifier)
        fooling = fooling_images(first, n)

        def make() -> tuple[nn.Module, dict[str, Any]]:
            context.count(len(learning) + n)
            return retrain_head(scorer, learning, fooling), {"photographs": len(learning), "fooling": n}

        learned = array_digest(learning, fooling)
        key = f"{name} with a further class, {n} fooling images, {classifier.fingerprint()[:12]}, {learned}"
        retrained, _ = trained(context, key, make)
        unseen = unseen_elites(other, fooling)
        images = first.summary()["evaluations"]
        with imagenet_run(context, name, retrained.absolute(), "cppn", seeds[2]) as second:
            before, after = _confidences(first, classes), _confidences(second, classes)
            surest = after.argsort()[::-1][:_SHOWN].tolist()
            shown = _images(first, surest), _images(second, surest)
    judge = context.scorer(context.classifier(f"torchvision:{name}", retrained))
    answers = [s.score(tested).argmax(axis=1) for s in (scorer, judge)]
    found = {
        "network": name,
        "photographs": [len(learning), len(tested)],
        "taught": n,
        "top1": [float((answer == truth).mean()) for answer in answers],
        "false_alarms": float((answers[1] == classes).mean()),
        "recognised": float((judge.score(unseen).argmax(axis=1) == classes).mean()),
        "unseen": len(unseen),
        "medians": [float(np.median(before)), float(np.median(after))],
        "test": asdict(mann_whitney(before, after)),
        "images": images,
        "seeds": seeds,
    }
    return found, shown


def retrain_head(scorer: Scorer, photos: np.ndarray, fooling: np.ndarray) -> nn.Module:
    """The network of a classifier with a further output, on the CPU; that output alone is trained.

    With z the new logit and s the log-sum-exp of the others, the cross-entropy of a photograph, as far as the new
    weights decide it, is log(1 + e^(z - s)), and that of a fooling image log(1 + e^(s - z)): logistic regression, in
    which both kinds weigh the same.

    Args:
        scorer: DNN_1 at work, on images of its own size.
        photos: uint8 ``(n, channels, height, width)``.
        fooling: uint8 ``(m, channels, size, size)``.

    Raises:
        ConfigError: the network has no head, or something else than average pooling follows it.
    """
    classes = len(scorer.classifier.classes)
    _, head = find_head(scorer.classifier.network, classes)
    inputs, logits = _head_inputs(scorer, head, np.concatenate([photos, fooling]))
    others = logits.logsumexp(dim=1)
    weight = torch.zeros(inputs.shape[1], requires_grad=True)
    bias = torch.zeros((), requires_grad=head.bias is not None)
    trainable = [weight, bias] if head.bias is not None else [weight]
    optimiser = torch.optim.AdamW(trainable, lr=_RATE, weight_decay=_DECAY)
    with torch.no_grad():  # a rectified output that is zero everywhere would never learn
        weight += 1e-3
        if head.bias is not None:
            bias += others.mean()
    for _ in range(_STEPS):
        optimiser.zero_grad()
        margin = _answer(inputs, weight, bias) - others
        loss = F.softplus(margin[: len(photos)]).mean() + F.softplus(-margin[len(photos) :]).mean()
        loss.backward()
        optimiser.step()
    network = copy.deepcopy(scorer.classifier.network).cpu()
    new = widen(network, classes)
    with torch.no_grad():
        new.weight[classes] = weight.view_as(new.weight[classes])
        if new.bias is not None:
            new.bias[classes] = bias
    return network


def _head_inputs(scorer: Scorer, head: Head, images: np.ndarray) -> tuple[Tensor, Tensor]:
    """What the head is given, ``(n, features)`` or ``(n, features, h, w)``, and the network's logits, on the CPU."""
    caught: list[Tensor] = []
    handle = head.register_forward_pre_hook(lambda module, arguments: caught.append(arguments[0].float().cpu()))
    answers = []
    try:
        with torch.no_grad():
            for start in range(0, len(images), _CHUNK):
                for views in scorer.views(images[start : start + _CHUNK]):
                    answers.append(scorer.forward(views, scorer.classifier.network).float().cpu())
    finally:
        handle.remove()
    inputs, logits = torch.cat(caught), torch.cat(answers)
    biases = torch.zeros(logits.shape[1]) if head.bias is None else head.bias
    for cls in (0, logits.shape[1] - 1):  # does what follows the head behave as this study takes it to?
        weight, bias = head.weight[cls].flatten().cpu(), biases[cls].cpu()
        if not torch.allclose(_answer(inputs, weight, bias), logits[:, cls], atol=1e-2, rtol=1e-2):
            raise ConfigError(
                f"{scorer.classifier.name}: what follows its last layer is not known here; take another network"
            )
    return inputs, logits


def _answer(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """One logit ``(n,)`` of a linear head, or of a convolutional one that is rectified and averaged (SqueezeNet)."""
    if inputs.ndim == 2:
        return inputs @ weight + bias
    return F.relu(torch.einsum("nchw,c->nhw", inputs, weight) + bias).mean((1, 2))


def _confidences(run: Run, classes: int) -> np.ndarray:
    """The confidence in each of the first ``classes`` classes, float64; 0 for an empty cell."""
    found = {elite.class_index: elite.probability for elite in run.elites}
    return np.array([found.get(cell, 0.0) for cell in range(classes)])


def _images(run: Run, cells: list[int]) -> Shown:
    return [(run.image(cell), run[cell].probability) for cell in cells if cell in run]


def distinct_seeds(context: Context) -> tuple[int, int, int]:
    """Seeds of the run whose images are taught, of that of the unseen images, and of the run against DNN_2: the
    context's, and further ones where it has fewer.

    Two runs of one seed begin with the same images, whatever their network, and DNN_2 is taught with the first
    generation of a run: attacked with its seed it would know the images.
    """
    given = context.seeds[:3]
    further = (seed for seed in count(given[0] + 1) if seed not in given)
    first, second, third = islice(chain(given, further), 3)
    return first, second, third


def unseen_elites(run: Run, taught: np.ndarray) -> np.ndarray:
    """The distinct elites of a run that are not among the images taught, uint8 ``(n, channels, height, width)``.

    One image may hold many classes; it counts once.
    """
    known = {array_digest(image) for image in taught}
    found: dict[str, np.ndarray] = {}
    for cell in {elite.id: elite.class_index for elite in run.elites}.values():
        image = run.image(cell)
        found[array_digest(image)] = image
    return np.stack([image for name, image in found.items() if name not in known])
