"""Whether a network is fit to be evolved against, told by sixteen images before anything is written.

Refuses what would silently make the results wrong: scores that do not repeat, that depend on the other images of the
batch or on no image at all, and probabilities taken for logits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from evo_fool.classifiers.opaque import Opaque
from evo_fool.classifiers.samples import IMAGES, sample_images
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ClassifierError
from evo_fool.probability import probability

_TOLERANCE = 1e-4
"""How far a probability may move with the batch that an image is in; what ``verify`` tolerates."""

_REPEATED, _AMONG_OTHERS = 1e-4, 1e-2
"""How far log-odds may move, as a share of the largest: they tell where a probability has long been 1. A batch of the
same size repeats to rounding at most; another size may take other kernels, in a network that computes in half too."""

_FEW = 4
_SUM = 1e-3


@dataclass(frozen=True, slots=True)
class Preflight:
    """What the sixteen images showed.

    Attributes:
        images: how many were scored.
        scores: how many different scores they received.
        repeat_effect: largest difference in probability between two passes of the same batch.
        batch_effect: largest difference in probability between an image alone and among the others.
    """

    images: int
    scores: int
    repeat_effect: float
    batch_effect: float

    def __str__(self) -> str:
        return (
            f"{self.images} images get {self.scores} scores, the same twice (to {self.repeat_effect:.1g} in "
            f"probability) and alone as in a batch (to {self.batch_effect:.1g})"
        )


def preflight(scorer: Scorer) -> Preflight:
    """Score sixteen images together, alone, and together once more; a few of them alone again.

    Takes as long as to score about seventy images.

    Raises:
        ClassifierError: the network cannot be evolved against; the message says why, and the remedy.
    """
    classifier = scorer.classifier
    images = sample_images(classifier.shape)
    probe = Scorer(classifier, batch=min(IMAGES, scorer.batch), view="auto", device=scorer.device)
    together = _asked(probe, images)
    _check_output(probe, images)
    alone = _alone(probe, images)
    again, alone_again = _asked(probe, images), _alone(probe, images[:_FEW])
    different = len({row.tobytes() for row in together})  # np.unique takes 0.1 s when first called
    if different == 1:
        raise ClassifierError(
            f"classifier {classifier.name!r}: {IMAGES} different images get one and the same score; the network "
            "ignores its input"
        )
    for first, second in ((together, again), (alone[:_FEW], alone_again)):
        if _differ(first, second, _REPEATED):
            raise ClassifierError(
                f"classifier {classifier.name!r} gives the same images other scores the second time; "
                f"{_why_it_changes(probe, images)}"
            )
    if _differ(together, alone, _AMONG_OTHERS):
        raise ClassifierError(
            f"classifier {classifier.name!r}: a score moves by {_moved(together, alone):.3g} with the batch that an "
            "image is in; put every layer into eval mode, and let no image of a batch matter to another"
        )
    if scorer.screens:
        scorer.screen(images)
    return Preflight(IMAGES, different, _moved(together, again), _moved(together, alone))


def _asked(probe: Scorer, images: np.ndarray) -> np.ndarray:
    """Scores that are computed now, not kept from before."""
    for module in probe.classifier.modules():
        if isinstance(module, Opaque):
            module.forget()
    return probe.score(images)


def _alone(probe: Scorer, images: np.ndarray) -> np.ndarray:
    try:
        return np.concatenate([_asked(probe, image[None]) for image in images])
    except ClassifierError as error:
        raise ClassifierError(
            f"{error} (an image alone; {IMAGES} at once passed: put every layer into eval mode, and let no image of a "
            "batch matter to another)"
        ) from error


def _check_output(probe: Scorer, images: np.ndarray) -> None:
    """Check that the network returns logits or probabilities, as it is declared to."""
    classifier = probe.classifier
    with torch.inference_mode():
        answers = torch.cat([probe.forward(views) for views in probe.views(images)]).double()
    members = answers.view(len(answers), classifier.members, -1).unbind(dim=1)
    for member, output in zip(members, classifier.outputs, strict=True):
        p = member if output == "logits" else member.exp()
        probabilities = bool((p >= 0).all() and (p.sum(dim=1) - 1).abs().max() < _SUM)
        if probabilities and output == "logits":
            others = len(classifier.classes) - 1
            raise ClassifierError(
                f"classifier {classifier.name!r} answers probabilities: as logits they give no class more than "
                f"{100 * math.e / (math.e + others):.2g} % confidence; drop the softmax at its end, or say "
                'Classifier(..., output="probabilities") or -S classifier.output=probabilities'
            )
        if not probabilities and output == "probabilities":
            raise ClassifierError(
                f"classifier {classifier.name!r} is said to answer probabilities, but its answers are negative or do "
                'not sum to 1; put a softmax at its end, or leave out output="probabilities" or classifier.output'
            )


def _differ(first: np.ndarray, second: np.ndarray, share: float) -> bool:
    far = np.abs(first - second).max() > share * max(1.0, float(np.abs(first).max()))
    return bool(far) or _moved(first, second) > _TOLERANCE


def _moved(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(probability(first) - probability(second)).max())


def _why_it_changes(probe: Scorer, images: np.ndarray) -> str:
    """The likely cause and its remedy, from what a forward pass changes in the network's state."""
    before = {key: value.clone() for key, value in probe.classifier.network.state_dict().items()}
    probe.score(images)
    changed = [k for k, value in probe.classifier.network.state_dict().items() if not torch.equal(before[k], value)]
    if changed:
        return f"it learns in its forward pass ({changed[0]} changes); put every layer into eval mode"
    return "switch off dropout, noise and whatever else of its forward pass does not depend on the image alone"
