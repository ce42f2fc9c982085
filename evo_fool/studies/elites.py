"""What most studies begin with: a run's elites as arrays, and the classifier that judged them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.photographs import readable_photographs
from evo_fool.classifiers.precision import choose_batch
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.views import random_count
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.errors import ConfigError
from evo_fool.evaluation.assembly import trusted_classifier
from evo_fool.evaluation.environment import choose_device
from evo_fool.probability import probability
from evo_fool.randomness import stream
from evo_fool.runs.run import Run
from evo_fool.studies.array_digest import array_digest
from evo_fool.studies.data_folder import MnistData
from evo_fool.studies.noise.measure import random_images


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Images, and the class that each was made for.

    Attributes:
        name: a short label.
        images: uint8 ``(n, channels, height, width)``.
        targets: class indices, int64 ``(n,)``.
        classes: the names that ``targets`` index.
    """

    name: str
    images: np.ndarray
    targets: np.ndarray
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def names(self) -> list[str]:
        """The class name of each image."""
        return [self.classes[target] for target in self.targets]

    def pick(self, rows: Sequence[int] | np.ndarray) -> ImageSet:
        """Some of them, in that order."""
        return ImageSet(self.name, self.images[rows], self.targets[rows], self.classes)


def elites_of(run: Run, classes: Sequence[int | str] | None = None, *, name: str | None = None) -> ImageSet:
    """The scored images of a run's elites, one a class.

    Args:
        run: the run.
        classes: which, by index or name; None: every occupied cell that the run evolves.
        name: a label; None: the run's name and id.

    Raises:
        ConfigError: no such class, an empty cell among those asked for, no elite at all, or pictures of a scene.
    """
    _require_alone(run)
    held = {elite.class_index for elite in run.elites}
    wanted = [c for c in run.targets if c in held] if classes is None else [run.class_index(c) for c in classes]
    missing = [run.classes[c] for c in wanted if c not in held]
    if missing or not wanted:
        raise ConfigError(f"{run.path}: no image holds {missing[0] if missing else 'any class'} yet; evolve further")
    images = np.stack([run.image(c) for c in wanted])
    label = name or run.label
    return ImageSet(label, images, np.array(wanted, dtype=np.int64), tuple(run.classes))


def judge_of(
    run: Run, *, classifier: str | None = None, weights: str | None = None, device: str = "auto"
) -> tuple[Scorer, str]:
    """The classifier of a run at work, and a remark for the reader: "" unless it is another than the run was made with.

    It sees pictures in the run's view; where that is random, as they are.

    Args:
        run: the run.
        classifier: where it is found now, or another one; needed where the record names code to execute.
        weights: where its weights are found now.
        device: where to score.

    Raises:
        ConfigError: it cannot be loaded, is code and was not named, knows other classes, or judged pictures in a scene.
    """
    _require_alone(run)
    experiment = run.experiment
    config = trusted_classifier(experiment, classifier, weights)
    place = choose_device(device)
    loaded = load_classifier(config, place)
    if tuple(loaded.classes) != tuple(run.classes):
        raise ConfigError(
            f"{loaded.name} knows {len(loaded.classes)} classes that are not the {len(run.classes)} of "
            f"{run.path.name}; name a classifier of the same classes with --classifier"
        )
    batch = choose_batch(experiment.scoring.batch, loaded.size, place)
    view = "auto" if random_count(experiment.scoring.view) else experiment.scoring.view
    scorer = Scorer(loaded, batch=batch, view=view, device=place)
    same = loaded.fingerprint() == run.classifier_fingerprint
    return scorer, "" if same else f"judged by {loaded.name}, not by the network that {run.path.name} was evolved on"


def _require_alone(run: Run) -> None:
    """Refuse pictures that are no inputs of a network by themselves.

    Raises:
        ConfigError: says which scene they are part of.
    """
    if (kind := run.experiment.scene.kind) != "alone":
        raise ConfigError(
            f"{run.path.name}: its scene is {kind}, so that its pictures are no network's input; see what they do with "
            "evo-fool apply, evo-fool study universal or evo-fool study patch"
        )


def confidences(scorer: Scorer, images: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The probability of each image's own class, float64 ``(n,)``."""
    return probability(scorer.score(images)[np.arange(len(targets)), targets])


def sure(scorer: Scorer, images: ImageSet, least: float = 0.5) -> np.ndarray:
    """Which images have at least this probability of their own class: their rows, int64 ``(k,)``, in order.

    Raises:
        ClassifierError: the classifier fails.
    """
    return np.flatnonzero(confidences(scorer, images.images, images.targets) >= least)


def digest_of(*sets: ImageSet | None) -> str:
    """The :func:`.array_digest` of images and targets."""
    return array_digest(*(part for s in sets for part in ((None,) if s is None else (s.images, s.targets))))


def photographs(judge: Classifier, folder: Path, limit: int | None = None) -> ImageSet:
    """Photographs of the classes of a network, see :func:`~evo_fool.classifiers.photographs.readable_photographs`."""
    return ImageSet("photographs", *readable_photographs(judge, folder, limit=limit), tuple(judge.classes))


def test_digits(data: MnistData, n: int) -> ImageSet:
    """The first ``n`` test digits of MNIST."""
    images = data.test.images[:n].unsqueeze(1).numpy()
    return ImageSet("test digits", images, data.test.labels[:n].numpy(), tuple(map(str, range(10))))


def noise_set(classes: Sequence[str], shape: tuple[int, int, int], n: int, *, seed: int) -> ImageSet:
    """Uniform random images, uint8 ``(n, *shape)``, each given the next class in turn: the control of most studies."""
    images = random_images("uniform", n, shape, stream(seed, "noise for comparison"))
    return ImageSet("uniform noise", images, np.arange(n, dtype=np.int64) % len(classes), tuple(classes))


def shares(p: np.ndarray, thresholds: Sequence[float] = (0.9, 0.99, 0.9999)) -> dict[str, float]:
    """Share of the probabilities that reach each threshold.

    >>> shares(np.array([0.5, 0.95, 0.995, 1.0]))
    {'0.9': 0.75, '0.99': 0.5, '0.9999': 0.25}
    """
    return {f"{threshold:g}": float((p >= threshold).mean()) for threshold in thresholds}
