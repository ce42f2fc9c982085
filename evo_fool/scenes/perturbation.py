"""The picture is added to photographs: to one (Szegedy et al. 2013), or to every one, which makes it universal
(Moosavi-Dezfooli et al., CVPR 2017).

An input is the photograph plus the perturbation, clipped to bytes and rounded. The bytes 0 to 255 of a picture mean -1
to 1, or, with ``amplitude: sign``, -1 below the middle and 1 above: every value at a corner of the L∞ ball.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from evo_fool.class_names import ClassNames
from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError, UnknownClassError
from evo_fool.scenes.composite import Composite
from evo_fool.scenes.photographs import KEPT, Photographs, read_photographs

if TYPE_CHECKING:
    from evo_fool.scene_sections import PerturbationConfig, PhotographsConfig

OTHER = "anything else"
"""The untargeted cell: any class but that of the clean photograph."""

_OTHER_ALIASES = ("other", "untargeted")
_MOST_SHOWN = 5
_MOST_KEPT = 10**9


class OnPhotographs(Composite):
    """What scenes over photographs share: reading them, the cells, and what is reported.

    A targeted cell's score is the log-odds of the class's mean probability over the photographs. The untargeted one
    counts softly how many are fooled: with m, the margin in log-probability of the best other class over the class
    predicted for the clean photograph, it is the log-odds of the mean of 1/(1 + exp(-m)). Each photograph counts at
    most once, so that the search gains nothing from fooling a few more surely, which a mean margin would reward; and a
    single photograph's score is its margin, which never saturates. What is reported is the fooling rate, the share of
    photographs whose prediction differs from that on the clean photograph.

    Args:
        config: the experiment's section.
        scorer: scores the composed inputs.
        seed: the experiment's.
        photos: photographs chosen already, or a run's own copy of them; None: as the section says.
        copies: inputs made of each photograph.

    Raises:
        ConfigError: the photographs cannot be used, or a cell names no class.
    """

    def __init__(
        self,
        config: PhotographsConfig,
        scorer: Scorer,
        seed: int,
        photos: Path | Photographs | None = None,
        copies: int = 1,
    ) -> None:
        classifier = scorer.classifier
        if isinstance(photos, Photographs):
            self.photographs = photos
        elif photos is not None:
            self.photographs = read_photographs(classifier, photos, most=KEPT)
        elif config.photos is None:
            raise ConfigError("scene.photos is missing; give a folder or an npz file: -S scene.photos=DIR")
        else:
            self.photographs = read_photographs(
                classifier, Path(config.photos), count=config.count, between=config.between
            )
        super().__init__(config, scorer, seed, copies * len(self.photographs))
        self.targets = self._chosen(config.cells)
        """Classes of the targeted cells, int64 ``(targeted,)``; the untargeted cell, where there is one, is last."""
        named = [classifier.classes[i] for i in self.targets.tolist()]
        aliases = [classifier.aliases[i] for i in self.targets.tolist()]
        self.cells = (*named, *[OTHER] * self.untargeted)
        self.aliases = (*aliases, *[_OTHER_ALIASES] * self.untargeted)
        self._there_photographs = torch.from_numpy(self.photographs.images).to(scorer.device)

    def photograph_of(self, rows: np.ndarray) -> np.ndarray:
        """The photograph that each input is made of, int64."""
        return rows % len(self.photographs)

    @cached_property
    def clean(self) -> np.ndarray:
        """The class predicted for each photograph without the picture, int64 ``(photographs,)``."""
        self.passes += len(self.photographs) * self._views
        self.possible += len(self.photographs) * self._views
        return _predictions(self.scorer, self.photographs.images)

    def answers(self, log_odds: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Log-odds of each targeted class, and the margin over the clean prediction."""
        targeted = log_odds[:, self.targets]
        if not self.untargeted:
            return targeted
        here, clean = np.arange(len(rows)), self.clean[self.photograph_of(rows)]
        own, others = log_odds[here, clean], log_odds.copy()
        others[here, clean] = -np.inf
        # log p = -log(1 + exp(-log-odds)), so that the margin is a difference of logits whatever the classifier answers
        margin = np.logaddexp(0, -own) - np.logaddexp(0, -others.max(axis=1))
        return np.concatenate([targeted, margin[:, None]], axis=1)

    def originals(self, rows: Sequence[int] | None = None) -> np.ndarray:
        """The photographs, uint8 ``(k, channels, height, width)``."""
        index = np.arange(self.k) if rows is None else np.asarray(rows, dtype=np.int64)
        return np.asarray(self.photographs.images[self.photograph_of(index)])

    def record(self) -> dict[str, Any]:
        """The number and the digest of the photographs."""
        return {"photographs": len(self.photographs), "sha256": self._digest}

    @cached_property
    def _digest(self) -> str:
        return self.photographs.digest

    def keep_photographs(self, path: Path) -> None:
        """Write the chosen photographs, which then need no choosing.

        Raises:
            ConfigError: they are more than 1 GB.
        """
        if self.nbytes > _MOST_KEPT:
            raise ConfigError(
                f"--keep-photos: {self.nbytes / 1e9:.1f} GB of photographs, at most {_MOST_KEPT / 1e9:.1f} are copied; "
                "lower scene.count"
            )
        self.photographs.save(path)

    def report(self, picture: np.ndarray) -> dict[str, Any]:
        """Fooling rate against the clean predictions, the commonest predictions, and accuracy where labels are known.

        Rates and shares are in [0, 1], over all inputs. Where there are few targeted cells, ``success_rate`` is the
        share that gets each target.
        """
        rows = np.arange(self.k)
        found = _predictions(self.scorer, self.shown(picture))
        clean = self.clean[self.photograph_of(rows)]
        counts = np.bincount(found, minlength=len(self.scorer.classifier.classes))
        commonest = np.argsort(-counts, kind="stable")[:_MOST_SHOWN]
        report: dict[str, Any] = {
            "photographs": len(self.photographs),
            "fooling_rate": float((found != clean).mean()),
            "predicted": [
                {"class": self.scorer.classifier.classes[i], "share": float(counts[i] / len(found))}
                for i in commonest.tolist()
                if counts[i]
            ],
        }
        if 0 < len(self.targets) <= _MOST_SHOWN:
            shares = {self.scorer.classifier.classes[i]: float((found == i).mean()) for i in self.targets.tolist()}
            report["success_rate"] = shares
        if self.photographs.labels is not None:
            labels = self.photographs.labels[self.photograph_of(rows)]
            report |= {"accuracy_before": float((clean == labels).mean())}
            report |= {"accuracy": float((found == labels).mean())}
        return report

    @property
    def nbytes(self) -> int:
        """Bytes of the photographs."""
        return int(self.photographs.images.nbytes)

    def _chosen(self, cells: str | tuple[str, ...]) -> np.ndarray:
        """The classes that ``cells`` means; sets ``untargeted``."""
        classifier = self.scorer.classifier
        self.untargeted = cells in ("all", "other") or (isinstance(cells, tuple) and "other" in cells)
        if cells in ("all", "classes"):
            return np.arange(len(classifier.classes))
        named = [name for name in cells if name != "other"] if isinstance(cells, tuple) else []
        return np.array(classes_named(classifier, named), dtype=np.int64)


class Perturbation(OnPhotographs):
    """Photographs with a bounded picture added to each."""

    config: PerturbationConfig

    def compose(self, pictures: Tensor, rows: np.ndarray) -> Tensor:
        """Photographs plus perturbations, clipped and rounded to bytes."""
        photographs = self._there_photographs[torch.from_numpy(rows).to(self.scorer.device)]
        return perturbed(photographs, self.perturbation(pictures))

    def change(self, picture: np.ndarray) -> np.ndarray:
        """What one picture, uint8 ``(channels, h, w)``, adds to every photograph, of 255: float32, their shape."""
        return np.asarray(self.perturbation(self._there(picture[None]))[0].cpu())

    def perturbation(self, pictures: Tensor) -> Tensor:
        """What is added, of 255; see :func:`perturbation_of`."""
        return perturbation_of(self.config, pictures)


def classes_named(classifier: Classifier, cells: Sequence[str]) -> list[int]:
    """The classes of targeted cells.

    Raises:
        ConfigError: no such class, or one that is named twice.
    """
    names = ClassNames(classifier.classes, classifier.aliases)
    try:
        found = [names.find(name) for name in cells]
    except UnknownClassError as error:
        raise ConfigError(f"scene.cells: {error}") from None
    if len(set(found)) < len(found):
        raise ConfigError(f"scene.cells = {list(cells)}: names a class twice; name each once")
    return found


def perturbed(photographs: Tensor, perturbation: Tensor) -> Tensor:
    """Photographs, uint8, plus what is added to them, of 255: clipped and rounded to bytes."""
    return (photographs + perturbation).clamp_(0, 255).round_().to(torch.uint8)


def perturbation_of(config: PerturbationConfig, pictures: Tensor) -> Tensor:
    """What is added, of 255: float32, of the shape of ``pictures``, within ``epsilon`` in the section's norm.

    In l2 each is scaled to a norm, over all of its values, of exactly ``epsilon``; a picture of zeros stays.
    """
    if config.amplitude == "sign":
        steps = torch.where(pictures >= 128, 1.0, -1.0)
    else:
        steps = pictures.to(torch.float32).div_(127.5).sub_(1)
    if config.norm == "linf":
        return steps * config.epsilon
    norms = torch.linalg.vector_norm(steps.flatten(1), dim=1).clamp_min_(torch.finfo(torch.float32).tiny)
    return steps * (config.epsilon / norms)[:, None, None, None]


def _predictions(scorer: Scorer, images: np.ndarray) -> np.ndarray:
    """The likeliest class of each image, int64 ``(n,)``, without holding all scores at once."""
    parts = [scorer.score(images[i : i + 1024]).argmax(axis=1) for i in range(0, len(images), 1024)]
    return np.concatenate(parts)
