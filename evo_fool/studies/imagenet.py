"""Direct and CPPN-encoded images for the 1000 ImageNet classes (paper, sections 3.3 to 3.5, Figures 1, 6–9 and 12).

The median by images scored beside the paper's curve, how many classes are reached, the block of dogs and cats in which
CPPNs do worst, whether one encoding beats the other, and how alike the images for one class are over seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evo_fool.probability import probability
from evo_fool.runs import Run
from evo_fool.studies.charts import Curve, board, draw_by_class, draw_confidence
from evo_fool.studies.context import Context
from evo_fool.studies.imagenet_runs import PRESETS, PRIMARY, as_typed, imagenet_run, primary_network
from evo_fool.studies.mann_whitney import Comparison, mann_whitney
from evo_fool.studies.mnist import spread
from evo_fool.studies.page import skipped
from evo_fool.studies.published import (
    DOGS_AND_CATS,
    IMAGENET_BATCH,
    IMAGENET_CPPN_FINAL,
    IMAGENET_CPPN_IMAGES,
    IMAGENET_CPPN_MEDIAN,
    IMAGENET_DIRECT_AT_LEAST_99,
    IMAGENET_DIRECT_IMAGES,
    IMAGENET_DIRECT_MEDIAN,
    IMAGENET_SHOWN_MEAN,
    as_printed,
)
from evo_fool.studies.run_finder import opened
from evo_fool.studies.section import Picture, Row, Section, judged, share_text
from evo_fool.studies.similarity import Likeness, likeness, thumbnails
from evo_fool.text import percent

KEY, TITLE, FIGURES = "imagenet", "Direct and CPPN on ImageNet", "Figures 1, 6 to 9 and 12"

SHOWN = 40
"""Images in the paper's Figure 8."""

_NAMES = {
    "cppn": "CPPN, our search",
    "paper": "CPPN, the paper's search",
    "pixels": "direct",
    "random": "random CPPNs",
    "random-pixels": "random pixels",
}
_BESIDE = {
    "paper": "paper: AlexNet, ten crops, digitised; control: random CPPNs",
    "cppn": "no like for like: faster growth, crossover and recent parents, one view; control: random CPPNs",
}


@dataclass(frozen=True, slots=True)
class Arm:
    """The runs of one encoding on one network, one a seed.

    Attributes:
        label: what the report calls it.
        seeds: of the runs.
        images: scored, by generation, int ``(n,)``.
        median: over classes, ``(seeds, n)``.
        final: confidence of every class at the end, ``(seeds, classes)``; 0 for an empty cell.
    """

    label: str
    seeds: tuple[int, ...]
    images: np.ndarray
    median: np.ndarray
    final: np.ndarray

    def median_after(self, images: int) -> np.ndarray:
        """The median of each seed when so many images had been scored, ``(seeds,)``."""
        return self.median[:, max(0, int(np.searchsorted(self.images, images, "right")) - 1)]

    def at_least(self, threshold: float) -> np.ndarray:
        """Classes of each seed that reach a probability, int ``(seeds,)``."""
        return (self.final >= threshold).sum(axis=1)


def arm_of(label: str, runs: Sequence[Run]) -> Arm:
    """Read an arm from its runs, which have equally many generations."""
    metrics = [run.metrics for run in runs]
    final = np.zeros((len(runs), len(runs[0].classes)))
    for row, run in zip(final, runs, strict=True):
        for elite in run.elites:
            row[elite.class_index] = float(probability(np.array([elite.log_odds]))[0])
    seeds = tuple(run.experiment.seed for run in runs)
    return Arm(label, seeds, metrics[0]["evaluations"].astype(int), np.array([m["median"] for m in metrics]), final)


def paper_median(images: float) -> float | None:
    """The paper's CPPN median after so many images, between the digitised points; None outside them.

    >>> paper_median(80 * 400), paper_median(150 * 400), paper_median(100)
    (0.13, 0.215, None)
    """
    curve = np.array(IMAGENET_CPPN_MEDIAN)
    at = curve[:, 0] * IMAGENET_BATCH
    if not at[0] <= images <= at[-1]:
        return None
    return round(float(np.interp(images, at, curve[:, 1])), 4)


def by_class(final: np.ndarray) -> np.ndarray:
    """The median over seeds of every class, ``(classes,)``: seeds repeat a class, they are no further classes."""
    middle: np.ndarray = np.median(final, axis=0)
    return middle


def weak_block(final: np.ndarray) -> Comparison:
    """Dogs and cats against all other classes: their confidences, medians over seeds, compared.

    Args:
        final: ``(seeds, 1000)``.
    """
    confidence = by_class(final)
    inside = np.zeros(len(confidence), bool)
    inside[DOGS_AND_CATS[0] : DOGS_AND_CATS[1] + 1] = True
    return mann_whitney(confidence[inside], confidence[~inside])


def section(context: Context) -> Section:
    """The page."""
    network = primary_network(context)
    if network is None:
        reason = (
            "There are no weights of an ImageNet network: give --data a folder with imagenet/weights/NAME.pt, such as "
            f"{PRIMARY}.pt."
        )
        return skipped(KEY, TITLE, FIGURES, reason)
    seeds = context.seeds if context.budget == "paper" else context.seeds[:2]
    arms_of_seeds = {"cppn": seeds, "paper": seeds, "pixels": seeds, "random": seeds[:1], "random-pixels": seeds[:1]}
    with ExitStack() as stack:
        runs = {
            kind: stack.enter_context(opened(imagenet_run(context, *network, kind, seed) for seed in chosen))
            for kind, chosen in arms_of_seeds.items()
        }
        return _page(context, network, seeds, runs)


def _page(context: Context, network: tuple[str, Path], seeds: Sequence[int], runs: dict[str, list[Run]]) -> Section:
    arms = {kind: arm_of(f"{_NAMES[kind]} on {network[0]}", group) for kind, group in runs.items()}
    others = _others(context, network[0], seeds[0])
    alike = None
    if len(seeds) > 1:
        classes = range(0, len(runs["cppn"][0].classes), 4)  # a quarter of them are sixty thousand pairs
        alike = {
            kind: likeness(np.stack([thumbnails(run, classes) for run in runs[kind]])) for kind in ("cppn", "pixels")
        }
    verdict, why = judged(claims(arms, network[0]))
    return Section(
        key=KEY,
        title=TITLE,
        figures=FIGURES,
        verdict=verdict,
        why=f"{why} {_controls(arms)}",
        rows=tuple(_rows(arms, others, alike)),
        pictures=tuple(_pictures(arms, runs)),
        settings={
            "network": network[0],
            "other networks": list(others),
            "presets": sorted(set(PRESETS.values())),
            "the paper's search": "as in the text; ten crops of 256² images with --budget paper, else one view",
            "images": {kind: int(arm.images[-1]) for kind, arm in arms.items()},
        },
        seeds=tuple(seeds),
        commands=tuple(
            f"evo-fool run {PRESETS[kind]} --classifier torchvision:{network[0]} --weights {as_typed(network[1])} "
            f"--seed {seeds[0]} --generations {runs[kind][0].experiment.generations}"
            for kind in ("cppn", "pixels", "random")
        ),
        data={kind: _json(arm) for kind, arm in arms.items()} | {"other networks": others},
    )


def _others(context: Context, primary: str, seed: int) -> dict[str, dict[str, Any]]:
    """CPPNs on every other network at hand, one seed each."""
    found: dict[str, dict[str, Any]] = {}
    for name, weights in context.data.imagenet_networks().items():
        if name != primary:
            with imagenet_run(context, name, weights, "cppn", seed) as run:
                arm = arm_of(name, [run])
                found[name] = {
                    "median": float(np.median(arm.final)),
                    "at_least_99": int(arm.at_least(0.99)[0]),
                    "images": int(arm.images[-1]),
                }
    return found


def claims(arms: dict[str, Arm], network: str) -> list[tuple[bool, str]]:
    """What the paper says about Figures 6 to 9, and whether it held by the paper's search at our number of images."""
    cppn, pixels = arms["paper"], arms["pixels"]
    images = int(min(cppn.images[-1], IMAGENET_CPPN_MEDIAN[-1][0] * IMAGENET_BATCH))
    ours, paper = cppn.median_after(images), paper_median(images)
    direct, seen = float(np.median(pixels.final)), int(pixels.images[-1])
    both = mann_whitney(by_class(cppn.final), by_class(pixels.final))
    block = weak_block(cppn.final)
    result = []
    if paper is not None:
        result.append(
            (
                bool((ours >= paper).all()),
                f"CPPN by the paper's search: median over 1000 classes of {network} {spread(ours)} after {images:,} "
                f"images (paper, AlexNet in ten crops: {percent(paper)}).",
            )
        )
    result.append(
        (
            both.first_larger and both.p < 1e-4,
            f"CPPN images reach more than direct ones ({percent(float(np.median(cppn.final)))} against "
            f"{percent(direct)}; Mann–Whitney over classes {both.text}).",
        )
    )
    result.append(
        (
            not block.first_larger and block.p < 0.01,
            f"Dogs and cats are the harder classes: median {percent(block.first_median)} against "
            f"{percent(block.second_median)} elsewhere (Mann–Whitney {block.text}).",
        )
    )
    if seen >= IMAGENET_DIRECT_IMAGES:
        sure = pixels.at_least(0.99)
        text = f"Direct: median {percent(direct)}, {_counts(sure)} classes ≥ 99 % after {seen:,} images"
        held = direct >= IMAGENET_DIRECT_MEDIAN and bool((sure >= IMAGENET_DIRECT_AT_LEAST_99).all())
    else:
        text, held = f"Direct: {percent(direct)} after {seen:,} images is no test of the paper's figure", False
    after = f"{as_printed(IMAGENET_DIRECT_MEDIAN)} and {IMAGENET_DIRECT_AT_LEAST_99} classes"
    result.append((held, f"{text} (paper: {after} after {IMAGENET_DIRECT_IMAGES:,})."))
    return result


def _controls(arms: dict[str, Arm]) -> str:
    """What as many random images reach, for the claims to be read with it."""
    parts = [
        f"{_NAMES[kind]} {percent(float(np.median(arms[kind].final)))} and {_counts(arms[kind].at_least(0.9))} of 1000 "
        "classes at 90 %"
        for kind in ("random", "random-pixels")
    ]
    return f"Control, as many images, median: {'; '.join(parts)}."


def _rows(arms: dict[str, Arm], others: dict[str, dict[str, Any]], alike: dict[str, Likeness] | None) -> list[Row]:
    cppn, pixels, random, noise = (arms[kind] for kind in ("cppn", "pixels", "random", "random-pixels"))
    rows = []
    marks = [g * IMAGENET_BATCH for g, _ in IMAGENET_CPPN_MEDIAN if g * IMAGENET_BATCH <= cppn.images[-1]]
    for images in sorted({*marks, int(cppn.images[-1])}):
        paper = paper_median(images)
        for kind in ("paper", "cppn"):
            rows.append(
                Row(
                    f"{_NAMES[kind]}: median over classes after {images:,} images",
                    spread(arms[kind].median_after(images)),
                    None if paper is None else percent(paper),
                    spread(random.median_after(images)),
                    _BESIDE[kind] if paper is not None else "",
                )
            )
    rows += [
        Row(
            f"direct: median over classes after {int(pixels.images[-1]):,} images",
            spread(pixels.median[:, -1]),
            f"{as_printed(IMAGENET_DIRECT_MEDIAN)} after {IMAGENET_DIRECT_IMAGES:,}",
            spread(noise.median_after(int(pixels.images[-1]))),
            "control: random pixels",
        ),
        Row(
            "direct: classes ≥ 99 %",
            _counts(pixels.at_least(0.99)),
            f"{IMAGENET_DIRECT_AT_LEAST_99} after {IMAGENET_DIRECT_IMAGES:,} images",
            _counts(noise.at_least(0.99)),
        ),
    ]
    for kind in ("paper", "cppn"):
        arm, control = arms[kind], random
        rows += [
            Row(f"{_NAMES[kind]}: classes ≥ 99 %", _counts(arm.at_least(0.99)), None, _counts(control.at_least(0.99))),
            Row(f"{_NAMES[kind]}: classes ≥ 90 %", _counts(arm.at_least(0.9)), None, _counts(control.at_least(0.9))),
            Row(
                f"{_NAMES[kind]}: mean confidence of forty images",
                percent(float(np.sort(by_class(arm.final))[-SHOWN:].mean())),
                as_printed(IMAGENET_SHOWN_MEAN),
                percent(float(np.sort(by_class(control.final))[-SHOWN:].mean())),
                f"ours: the forty surest; paper: the forty of Figure 8, after {IMAGENET_CPPN_IMAGES:,} images, where "
                f"the median is {as_printed(IMAGENET_CPPN_FINAL)}",
            ),
        ]
        block = weak_block(arm.final)
        rows.append(
            Row(
                f"{_NAMES[kind]}: median of dogs and cats (classes {DOGS_AND_CATS[0]} to {DOGS_AND_CATS[1]})",
                percent(block.first_median),
                "lower than elsewhere",
                percent(weak_block(control.final).first_median),
                f"elsewhere {percent(block.second_median)}; Mann–Whitney {block.text}",
            )
        )
        both = mann_whitney(by_class(arm.final), by_class(pixels.final))
        note = f"Mann–Whitney over classes {both.text}"
        rows.append(Row(f"{_NAMES[kind]} against direct", f"{share_text(both.effect)} of pairs", note=note))
    for kind, found in (alike or {}).items():
        rows.append(
            Row(
                f"{_NAMES[kind]}: likeness of one class's images over seeds",
                f"{found.same:.3f}",
                None,
                f"{found.different:.3f}",
                "mean absolute correlation of thumbnails; control: of different classes",
            )
        )
    for name, figures in others.items():
        rows.append(
            Row(
                f"{_NAMES['cppn']}, on {name}: median after {figures['images']:,} images",
                percent(figures["median"]),
                None,
                None,
                f"{figures['at_least_99']} classes ≥ 99 %; one seed",
            )
        )
    return rows


def _counts(found: np.ndarray) -> str:
    low, high = int(found.min()), int(found.max())
    return f"{low}" if low == high else f"{low} to {high}"


def _json(arm: Arm) -> dict[str, Any]:
    return {name: getattr(arm, name) for name in ("seeds", "images", "median", "final")}


def _pictures(arms: dict[str, Arm], opened: dict[str, list[Run]]) -> list[Picture]:
    cppn = arms["cppn"]
    last = int(max(arm.images[-1] for arm in arms.values()))
    paper = np.array(IMAGENET_CPPN_MEDIAN)
    shown = paper[:, 0] * IMAGENET_BATCH <= 1.5 * last
    curves = [Curve(_NAMES[kind], arm.images, arm.median) for kind, arm in arms.items()]
    if shown.any():
        dashed = {"color": "#1f1f24", "linestyle": "--", "marker": "o", "markersize": 3.5, "linewidth": 1.4}
        label = "paper: CPPN, AlexNet, ten crops (digitised)"
        curves.append(Curve(label, paper[shown, 0] * IMAGENET_BATCH, paper[shown, 1], dashed))
    pictures = [
        Picture(
            "median",
            draw_confidence(
                curves, xlabel="images scored", ylabel="median confidence over 1000 classes", log_odds=False
            ),
            "Median confidence by images scored, beside the paper's curve.",
        ),
        Picture(
            "by class",
            draw_by_class(
                {_NAMES[kind]: by_class(arms[kind].final) for kind in ("paper", "cppn", "pixels")}, DOGS_AND_CATS
            ),
            "Confidence class by class (dots) and the running median over 25 classes (lines). Shaded: dogs and cats.",
        ),
    ]
    run, best = opened["cppn"][0], np.argsort(-cppn.final[0])[:SHOWN]
    pictures.append(
        Picture("figure 8", _board(run, best, columns=8), "As Figure 8: CPPN images of the forty surest classes.")
    )
    direct = opened["pixels"][0]
    surest = np.argsort(-arms["pixels"].final[0])[:8]
    pictures.append(
        Picture(
            "figure 6", _board(direct, surest, columns=8), "As Figure 6: directly encoded images, the surest eight."
        )
    )
    if len(opened["cppn"]) > 1:
        rows = []
        for other, seed in zip(opened["cppn"], cppn.seeds, strict=True):
            rows.append((f"seed {seed}", [_cell(other, int(cls)) for cls in best[:8]]))
        pictures.append(Picture("figure 9", board(rows, tile=88), "One class a column, one run a row."))
    return pictures


def _board(run: Run, classes: np.ndarray, *, columns: int) -> bytes:
    cells = [_cell(run, int(cls)) for cls in classes]
    return board([("", cells[i : i + columns]) for i in range(0, len(cells), columns)], tile=88, label=0)


def _cell(run: Run, cls: int) -> tuple[np.ndarray | None, str]:
    if cls not in run:
        return None, run.classes[cls]
    return run.image(cls), f"{run.classes[cls]}\n{percent(run[cls].probability)}"
