"""How well a detector tells images from natural ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from evo_fool.classifiers.detectors import Detector
from evo_fool.classifiers.guarded import TRUE_POSITIVES, Calibration, Guarded
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.sources.extras import import_extra
from evo_fool.classifiers.spec import DETECTORS, Detecting
from evo_fool.errors import ConfigError
from evo_fool.gradient.ascent import SETTINGS, ascend, shortened
from evo_fool.gradient.step import require_gradient
from evo_fool.probability import probability
from evo_fool.runs import Run
from evo_fool.sampling import evenly
from evo_fool.scenes.photographs import Photographs
from evo_fool.sections import CppnConfig, GradientConfig, RandomConfig
from evo_fool.studies.array_digest import array_digest
from evo_fool.studies.baselines import drifted_cppns, random_cppns
from evo_fool.studies.context import Context
from evo_fool.studies.elites import elites_of, noise_set
from evo_fool.studies.run_groups import group_labels
from evo_fool.training.detector import fit_detector

NOISE, CPPNS, DRIFTED, CLIMBED = "uniform noise", "random CPPNs", "drifted CPPNs", "gradient ascent"

SURE = 0.99
"""From this probability of its likeliest class on, an image that passes fools the network and the detector."""


_UNTIL = 0.99999
"""A climb ends here, or after the setting's steps."""


@dataclass(frozen=True, slots=True)
class Source:
    """Images of one kind, in as many parts as there are runs.

    Attributes:
        label: distinct among the sources of a network.
        kind: ``evolved``, ``gradient``, ``random search`` or ``control``.
        parts: uint8 ``(n, channels, height, width)`` each.
        against: the detector that was in front of the network when they were made; "" for none.
    """

    label: str
    kind: str
    parts: list[np.ndarray]
    against: str = ""


@dataclass(slots=True)
class Subject:
    """A network, natural images and images that are not.

    Attributes:
        name: of the network.
        scorer: its.
        seen: natural images that detectors are fitted on.
        others: those that thresholds come from and images are compared with.
        sources: images that are not natural.
        guards: detectors that runs were evolved against, with what their files say of natural images.
    """

    name: str
    scorer: Scorer
    seen: Photographs
    others: Photographs
    sources: list[Source]
    guards: dict[Detecting, tuple[Detector, Calibration]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Changes with anything that is measured."""
        parts = [part for source in self.sources for part in source.parts]
        network = self.scorer.classifier.fingerprint()[:12]
        images = array_digest(self.seen.images, self.seen.labels, self.others.images, *parts)
        natural = array_digest(*(calibration.natural for _, calibration in self.guards.values()))
        return f"{self.name} {network} {images} {natural} {[(s.label, s.kind, s.against) for s in self.sources]}"


def guards_of(networks: Sequence[Guarded | None]) -> dict[Detecting, tuple[Detector, Calibration]]:
    """The detectors of guarded classifiers around one network.

    Raises:
        ConfigError: two of one kind that differ.
    """
    found: dict[Detecting, Guarded] = {}
    for guarded in networks:
        if guarded is not None and found.setdefault(guarded.detector.kind, guarded).digest != guarded.digest:
            raise ConfigError(
                f"two RUNs were evolved against different detectors {guarded.detector.kind}; leave one out"
            )
    return {kind: (guarded.detector, guarded.calibration) for kind, guarded in found.items()}


def made_by(runs: Sequence[tuple[Run, Guarded | None]]) -> list[Source]:
    """The elites of runs against one network, those of other seeds together.

    Args:
        runs: open, each with its classifier where that is guarded.
    """
    found: dict[tuple[str, str, str], list[np.ndarray]] = {}
    labels = group_labels([run for run, guarded in runs if guarded is None])
    kinds: dict[type, str] = {RandomConfig: "random search", GradientConfig: "gradient"}
    for run, guarded in runs:
        kind = kinds.get(type(run.experiment.search), "evolved")
        detector = "" if guarded is None else guarded.detector.kind
        label = f"{kind} against {detector}" if detector else labels.pop(0)
        found.setdefault((label, kind, detector), []).append(elites_of(run).images)
    return [Source(label, kind, parts, against) for (label, kind, against), parts in found.items()]


def controls(scorer: Scorer, runs: Sequence[Run], n: int, *, seed: int) -> list[Source]:
    """Noise and CPPNs that nothing selected; those that drifted are as large as the elites of ``runs`` are.

    Args:
        scorer: of the network.
        runs: evolved against it.
        n: images of each kind.
        seed: of all.
    """
    classifier = scorer.classifier
    sets = {NOISE: noise_set(classifier.classes, classifier.shape, n, seed=seed).images}
    grown = [run for run in runs if isinstance(run.experiment.encoding, CppnConfig)]
    evolved = [run for run in grown if not isinstance(run.experiment.search, RandomConfig)]
    if classifier.shape[1] == classifier.shape[2]:
        sets[CPPNS] = random_cppns(n, classifier.size, classifier.channels, seed=seed)
    if evolved:
        headers = [run.genome_bytes(cell) for run in evolved for cell in run]
        sizes = [sum(evolved[0].encoding.complexity(header).values()) for header in headers]
        sets[DRIFTED] = drifted_cppns(evolved[0].encoding, sizes, n, seed=seed)
    return [Source(label, "control", [images]) for label, images in sets.items()]


def climbed(context: Context, scorer: Scorer, n: int, steps: int, *, seed: int) -> Source:
    """Images of ``n`` classes by gradient ascent without regularisation.

    Raises:
        ClassifierError: the network has no gradients.
    """
    classifier = scorer.classifier
    require_gradient(classifier)
    targets = evenly(len(classifier.classes), n).tolist()
    found = ascend(classifier, targets, shortened(SETTINGS["none"], steps), seed=seed, until=_UNTIL)
    context.count(int(found.steps.sum()))
    return Source(CLIMBED, "gradient", [found.images])


def allowed(subject: Subject, kinds: Sequence[Detecting], vaes: Path | None) -> Iterator[tuple[Detector, Calibration]]:
    """The detectors to ask: those that runs were evolved against as they are, the others fitted now.

    Args:
        subject: what is measured.
        kinds: which; none: all that the network allows.
        vaes: see :func:`.fit_detector`.

    Raises:
        ConfigError: one of ``kinds`` that the network does not allow.
    """
    for kind in kinds or DETECTORS:
        if kind in subject.guards:
            yield subject.guards[kind]
            continue
        if not kinds and kind == "vae" and vaes is None:
            continue
        try:
            detector = fit_detector(kind, subject.scorer, subject.seen, vaes)
            yield detector, Calibration(detector.scores(subject.scorer, subject.others.images))
        except ConfigError:
            if kinds:
                raise


def measure(subject: Subject, detectors: Iterator[tuple[Detector, Calibration]]) -> dict[str, Any]:
    """What every detector makes of every source.

    Returns:
        By detector: ``natural``, how many natural images it was compared with, and ``passing``, the shares of them
        that pass at the thresholds of 95 and 99 %; ``sources``: entries of ``label``, ``kind``, ``against`` (which
        detector they were made against), ``images``, and by part ``auroc``, ``passing`` (at both thresholds) and
        ``fooling`` (that pass at 95 %, and of which the network is at least 99 % sure).
    """
    sure = {
        source.label: [probability(subject.scorer.score(part)).max(axis=1) >= SURE for part in source.parts]
        for source in subject.sources
    }
    found: dict[str, Any] = {}
    for detector, calibration in detectors:
        natural = detector.scores(subject.scorer, subject.others.images)
        thresholds = [calibration.threshold(share) for share in TRUE_POSITIVES]
        entries = []
        for source in subject.sources:
            scores = [detector.scores(subject.scorer, part) for part in source.parts]
            passing = [[float((part <= t).double().mean()) for t in thresholds] for part in scores]
            fooling = [
                float(((part <= thresholds[0]).numpy() & certain).mean())
                for part, certain in zip(scores, sure[source.label], strict=True)
            ]
            entries.append(
                {
                    "label": source.label,
                    "kind": source.kind,
                    "against": source.against,
                    "images": sum(map(len, scores)),
                    "auroc": [auroc(natural, part) for part in scores],
                    "passing": passing,
                    "fooling": fooling,
                }
            )
        found[detector.kind] = {
            "natural": len(natural),
            "passing": [float((natural <= t).double().mean()) for t in thresholds],
            "sources": entries,
        }
    return found


def auroc(natural: Tensor, odd: Tensor) -> float:
    """The probability that an odd image gets a higher score than a natural one, by pytorch-ood; a tie counts half."""
    metrics = import_extra("pytorch_ood.metrics", "ood")
    labels = torch.cat([torch.zeros(len(natural)), -torch.ones(len(odd))]).long()
    return float(metrics.AUROC().update(torch.cat([natural, odd]), labels).compute()["AUROC"])


def control_of(source: dict[str, Any], sources: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The entry that stands beside another's: a random search against the same, or else images that nothing selects."""
    alike = [s for s in sources if (s["kind"], s["against"]) == ("random search", source["against"])]
    if alike and source["kind"] == "evolved":
        return alike[0]
    wanted = (NOISE,) if source["kind"] == "gradient" else (DRIFTED, CPPNS, NOISE)
    by_label = {s["label"]: s for s in sources}
    return next(by_label[label] for label in wanted if label in by_label)
