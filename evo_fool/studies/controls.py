"""How much of "fooled" is noise alone (the control that the paper's Figures 4 to 9 lack).

As many random images as an evolution scores, of several kinds: for each class the best of them, and how many classes
they reach. A network that is sure of noise is fooled by it, but mostly into the same few classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.photographs import read_photographs
from evo_fool.probability import probability
from evo_fool.randomness import stream
from evo_fool.runs import Run
from evo_fool.studies.array_digest import array_digest
from evo_fool.studies.charts import Curve, board, draw_confidence
from evo_fool.studies.context import Context
from evo_fool.studies.digit_runs import digit_run
from evo_fool.studies.imagenet_runs import PRIMARY, imagenet_run, primary_network
from evo_fool.studies.mnist import random_runs
from evo_fool.studies.noise import KINDS, Harvest, harvest_noise, random_images
from evo_fool.studies.run_finder import opened
from evo_fool.studies.section import Picture, Row, Section, share_text
from evo_fool.text import percent

KEY, TITLE = "controls", "What noise alone achieves"

_PHOTOGRAPHS = 500


@dataclass(frozen=True, slots=True)
class Arm:
    """What one kind of images reached with one network.

    Attributes:
        label: what the report calls it.
        n: images scored.
        median: over classes, of the best probability; in [0, 1].
        at_least: classes whose best reaches 90, 99 and 99.99 %.
        called: classes that were some image's first; None for a run, which keeps only the best.
        sure: share of images with at least 99 % for their first class; None for a run.
        steps: images at which ``medians`` was taken.
        medians: the median so far.
    """

    label: str
    n: int
    median: float
    at_least: tuple[int, int, int]
    called: int | None
    sure: float | None
    steps: tuple[int, ...]
    medians: tuple[float, ...]


def arm_of_harvest(label: str, found: Harvest) -> Arm:
    """An arm of noise."""
    reached = found.reaching(0.9), found.reaching(0.99), found.reaching(0.9999)
    median = float(np.median(found.best))
    return Arm(label, found.n, median, reached, found.classes_called, found.sure, found.steps, found.medians)


def arm_of_run(label: str, run: Run, images: int | None = None) -> Arm:
    """An arm of a run, as it stood when it had scored ``images``; None: at its end."""
    metrics = run.metrics
    evaluations = metrics["evaluations"].astype(int)
    last = len(evaluations) - 1 if images is None else max(0, int(np.searchsorted(evaluations, images, "right")) - 1)
    reached = tuple(int(metrics[name][last]) for name in ("at_least_90", "at_least_99", "at_least_9999"))
    upto = slice(0, last + 1)
    return Arm(
        label,
        int(evaluations[last]),
        float(metrics["median"][last]),
        (reached[0], reached[1], reached[2]),
        None,
        None,
        tuple(evaluations[upto].tolist()),
        tuple(metrics["median"][upto].tolist()),
    )


def section(context: Context) -> Section:
    """The page."""
    arms = {"MNIST": _mnist(context)}
    pictures = [_curve("MNIST", arms["MNIST"]), *_samples(context)]
    network = primary_network(context)
    if network is not None:
        title = f"ImageNet, {network[0]}"
        arms[title] = _imagenet(context, *network)
        pictures.insert(1, _curve(title, arms[title]))
    why = " ".join(_claim(title, found) for title, found in arms.items())
    if network is None:
        why += f" ImageNet is left out: no weights such as imagenet/weights/{PRIMARY}.pt are given."
    return Section(
        key=KEY,
        title=TITLE,
        figures="",
        verdict="new",
        why=why,
        rows=tuple(row for title, found in arms.items() for row in _rows(title, found)),
        pictures=tuple(pictures),
        settings={"kinds of noise": KINDS, "images": {title: found[0].n for title, found in arms.items()}},
        seeds=(context.seeds[0],),
        commands=(
            "evo-fool run mnist-random",
            "evo-fool run mnist-random -S encoding.kind=cppn",
            f"evo-fool study noise {' '.join(kind for kind in KINDS if kind != 'permuted')} --classifier lenet-mnist",
        ),
        data={title: [asdict(arm) for arm in found] for title, found in arms.items()},
    )


def _mnist(context: Context) -> list[Arm]:
    """Every kind of noise, random genomes and evolution, at equal numbers of images."""
    arms = []
    for label, preset in (("evolved pixels", "mnist-pixels"), ("evolved CPPNs", "mnist-cppn")):
        with digit_run(context, preset, context.seeds[0]) as run:
            arms.append(arm_of_run(label, run))
    for label, kind in (("random pixel genomes", "pixels"), ("random CPPN genomes", "cppn")):
        with opened(random_runs(context, kind)) as runs:
            arms.append(arm_of_run(label, runs[0]))
    mnist = context.data.mnist()
    natural = None if mnist is None else mnist.test.images.numpy()[:, None]
    return arms + _noise(context, context.classifier(), natural)


def _imagenet(context: Context, name: str, weights: Path) -> list[Arm]:
    classifier = context.classifier(f"torchvision:{name}", weights)
    n = noise_budget(context, classifier)
    arms = []
    kinds = {
        "evolved pixels": "pixels",
        "evolved CPPNs": "cppn",
        "random pixel genomes": "random-pixels",
        "random CPPN genomes": "random",
    }
    for label, kind in kinds.items():
        with imagenet_run(context, name, weights, kind, context.seeds[0]) as run:
            arms.append(arm_of_run(label, run, n))
    folder = context.data.photographs()
    natural = None if folder is None else read_photographs(classifier, folder, limit=_PHOTOGRAPHS)[0]
    return arms + _noise(context, classifier, natural)


def noise_budget(context: Context, classifier: Classifier) -> int:
    """How many images of each kind of noise the report looks at: on digits as many as a run scores."""
    small = context.scale(smoke=4200, laptop=40_200, paper=40_200)
    return small if classifier.size <= 64 else context.scale(smoke=64, laptop=4000, paper=40_000)


def noise_harvest(
    context: Context, classifier: Classifier, kind: str, n: int, natural: np.ndarray | None = None
) -> Harvest:
    """What a network makes of ``n`` random images of one kind, from the cache or scored.

    Args:
        context: where to look and work.
        classifier: the network.
        kind: see :func:`~evo_fool.studies.noise.random_images`.
        n: how many.
        natural: uint8 ``(m, channels, height, width)``, for ``permuted``.
    """
    seed, source = context.seeds[0], natural if kind == "permuted" else None
    scorer = context.scorer(classifier)

    def make() -> dict[str, Any]:
        return harvest_noise(kind, n, scorer, seed=seed, natural=source, check=context.check).as_json()

    of = "" if source is None else f" of {array_digest(source)}"
    return Harvest.from_json(
        context.cache(f"noise {kind}{of}, {n} images, seed {seed}, {classifier.fingerprint()}", make)
    )


def _noise(context: Context, classifier: Classifier, natural: np.ndarray | None) -> list[Arm]:
    names = {"permuted": "natural images, pixels permuted", "constant": "constant colour"}
    n = noise_budget(context, classifier)
    return [
        arm_of_harvest(names.get(kind, f"{kind} noise"), noise_harvest(context, classifier, kind, n, natural))
        for kind in KINDS
        if kind != "permuted" or natural is not None
    ]


def _claim(title: str, arms: Sequence[Arm]) -> str:
    """What evolution reaches, and how much of it noise does alone."""
    evolved, noise = ([arm for arm in arms if arm.label.startswith("evolved") is wanted] for wanted in (True, False))
    best = max(noise, key=lambda arm: arm.median)
    uniform = next(arm for arm in noise if arm.label.startswith("uniform"))
    reached = ", ".join(f"{arm.label} {percent(arm.median)}" for arm in evolved)
    called = "" if uniform.called is None else f" and is called {uniform.called} different classes"
    return (
        f"{title}, {evolved[0].n:,} images each, median over classes of the best image: {reached}; the best control, "
        f"{best.label}, {percent(best.median)}; uniform noise {percent(uniform.median)}{called}."
    )


def _rows(title: str, arms: Sequence[Arm]) -> list[Row]:
    rows = []
    for arm in arms:
        evolved = arm.label.startswith("evolved")
        reached = "classes ≥ 90, 99, 99.99 %: " + ", ".join(map(str, arm.at_least))
        called = (
            ""
            if arm.called is None or arm.sure is None
            else f"; called {arm.called} different classes, {share_text(arm.sure)} of the images at ≥ 99 %"
        )
        median = percent(arm.median)
        rows.append(
            Row(
                f"{title}: {arm.label}, best of {arm.n:,} for each class, median",
                median if evolved else None,
                None,
                None if evolved else median,
                reached + called,
            )
        )
    return rows


def _curve(title: str, arms: Sequence[Arm]) -> Picture:
    curves = [
        Curve(arm.label, np.array(arm.steps), np.array(arm.medians), {"linestyle": "-" if evolved else ":"})
        for arm in arms
        for evolved in [arm.label.startswith("evolved")]
    ]
    drawn = draw_confidence(
        curves, xlabel="images scored", ylabel="best so far of each class, median", log_odds=True, log_x=True
    )
    return Picture(
        f"{title} median",
        drawn,
        f"{title}: the best image so far of each class, median over classes, on a scale of log-odds. Solid: evolved; "
        "dotted: random.",
    )


def _samples(context: Context) -> list[Picture]:
    """A few images of each kind, with what the network takes them for; those made of natural images by themselves."""
    classifier = context.classifier()
    scorer, mnist = context.scorer(classifier), context.data.mnist()
    natural = None if mnist is None else mnist.test.images.numpy()[:, None]
    shape = (classifier.channels, classifier.size, classifier.size)
    rows = {}
    for kind in KINDS:
        if kind == "permuted" and natural is None:
            continue
        images = random_images(kind, 10, shape, stream(context.seeds[0], f"noise {kind}", 0), natural)
        log_odds = scorer.score(images)
        names = [f"{classifier.classes[row.argmax()]}: {percent(float(probability(row.max())))}" for row in log_odds]
        rows[kind] = list(zip(images, names, strict=True))
    permuted = rows.pop("permuted", None)
    caption = "Random images of each kind, with the digit that LeNet takes each for."
    pictures = [Picture("samples", board(list(rows.items())), caption)]
    if permuted:
        caption = "Test digits with their pixels permuted, with the digit that LeNet takes each for."
        pictures.append(Picture("permuted", board([("permuted", permuted)]), caption, borrowed=True))
    return pictures
