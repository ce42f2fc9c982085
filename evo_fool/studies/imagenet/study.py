"""Direct and CPPN-encoded images for the 1000 ImageNet classes (paper, sections 3.3 to 3.5, Figures 1, 6–9 and 12).

The median by images scored beside the paper's curve, how many classes are reached, the block of dogs and cats in which
CPPNs do worst, whether one encoding beats the other, and how alike the images for one class are over seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evo_fool.runs import Run
from evo_fool.studies.charts import Curve, board, draw_by_class, draw_confidence
from evo_fool.studies.context import Context
from evo_fool.studies.imagenet.measure import Arm, likeness, paper_median, thumbnails
from evo_fool.studies.imagenet_runs import PRESETS, PRIMARY, imagenet_run, primary_network
from evo_fool.studies.mann_whitney import mann_whitney
from evo_fool.studies.options import Options
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
from evo_fool.studies.section import Picture, Row, share_text, spread
from evo_fool.studies.study import Skipped, Study
from evo_fool.text import percent

Cell = tuple[np.ndarray | None, str]

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
class Found:
    """What is read off the runs.

    Attributes:
        network: its name and its weights.
        arms: by kind of run.
        generations: of the runs of each kind.
        alike: kind -> :func:`.likeness` over seeds; empty for one seed.
        boards: name of a picture -> its rows.
    """

    network: tuple[str, Path]
    arms: dict[str, Arm]
    generations: dict[str, int]
    alike: dict[str, dict[str, float]]
    boards: dict[str, list[tuple[str, list[Cell]]]]


class ImageNet(Study[Options]):
    """Data: kind of run -> its arm, and ``network``, ``alike`` and ``other networks``."""

    key = "imagenet"
    title = "Direct and CPPN on ImageNet"
    figures = "Figures 1, 6 to 9 and 12"
    direct_after = (
        f"{as_printed(IMAGENET_DIRECT_MEDIAN)} and {IMAGENET_DIRECT_AT_LEAST_99} classes after "
        f"{IMAGENET_DIRECT_IMAGES:,}"
    )

    def seeds(self, context: Context) -> tuple[int, ...]:
        return context.seeds if context.budget == "paper" else context.seeds[:2]

    def load(self, context: Context) -> Found:
        network = primary_network(context)
        if network is None:
            raise Skipped(
                "There are no weights of an ImageNet network: give --data a folder with imagenet/weights/NAME.pt, such "
                f"as {PRIMARY}.pt."
            )
        seeds = self.seeds(context)
        found = Found(network, {}, {}, {}, {})
        for kind in ("cppn", "paper", "pixels", "random", "random-pixels"):
            chosen = seeds[:1] if kind.startswith("random") else seeds
            with opened(imagenet_run(context, *network, kind, seed) for seed in chosen) as runs:
                found.arms[kind] = Arm.of(runs)
                found.generations[kind] = runs[0].experiment.generations
                if kind not in ("cppn", "pixels"):
                    continue
                if len(seeds) > 1:
                    classes = range(0, len(runs[0].classes), 4)  # a quarter of them are sixty thousand pairs
                    found.alike[kind] = likeness(np.stack([thumbnails(run, classes) for run in runs]))
                best = np.argsort(-found.arms[kind].final[0]).tolist()
                number, n = ("8", SHOWN) if kind == "cppn" else ("6", 8)
                cells = _cells(runs[0], best[:n])
                found.boards[f"figure {number}"] = [("", cells[i : i + 8]) for i in range(0, n, 8)]
                if kind == "cppn" and len(runs) > 1:
                    named = zip(seeds, runs, strict=True)
                    found.boards["figure 9"] = [(f"seed {seed}", _cells(run, best[:8])) for seed, run in named]
        return found

    def measure(self, context: Context) -> dict[str, Any]:
        found = self.loaded(context)
        return {kind: arm.to_json() for kind, arm in found.arms.items()} | {
            "network": found.network[0],
            "alike": found.alike,
            "other networks": _others(context, found.network[0], self.seeds(context)[0]),
        }

    def claims(self, data: dict[str, Any]) -> dict[str, bool]:
        found = self.values(data)
        held, both, block = {}, found["both"], found["block"]
        if found["paper"] is not None:
            held["curve"] = bool((found["ours"] >= found["paper"]).all())
        return held | {
            "beats_direct": both.first_larger and both.p < 1e-4,
            "dogs_and_cats": not block.first_larger and block.p < 0.01,
            "direct": found["enough"]
            and found["direct"] >= IMAGENET_DIRECT_MEDIAN
            and bool((found["sure"] >= IMAGENET_DIRECT_AT_LEAST_99).all()),
        }

    def values(self, data: dict[str, Any]) -> Mapping[str, Any]:
        arms = _arms(data)
        cppn, pixels = arms["paper"], arms["pixels"]
        images = int(min(cppn.images[-1], IMAGENET_CPPN_MEDIAN[-1][0] * IMAGENET_BATCH))
        return {
            "images": images,
            "ours": cppn.median_after(images),
            "paper": paper_median(images),
            "cppn": float(np.median(cppn.final)),
            "direct": float(np.median(pixels.final)),
            "both": mann_whitney(cppn.by_class, pixels.by_class),
            "block": cppn.weak_block(),
            "seen": int(pixels.images[-1]),
            "enough": bool(pixels.images[-1] >= IMAGENET_DIRECT_IMAGES),
            "sure": pixels.at_least(0.99),
            "counts": _counts,
            "chance": {
                kind: {"median": float(np.median(arms[kind].final)), "reached": _counts(arms[kind].at_least(0.9))}
                for kind in ("random", "random-pixels")
            },
        }

    def rows(self, data: dict[str, Any]) -> list[Row]:
        arms = _arms(data)
        pixels, random, noise = (arms[kind] for kind in ("pixels", "random", "random-pixels"))
        last, seen = int(arms["cppn"].images[-1]), int(pixels.images[-1])
        marks = [g * IMAGENET_BATCH for g, _ in IMAGENET_CPPN_MEDIAN if g * IMAGENET_BATCH <= last]
        rows = []
        for images in sorted({*marks, last}):
            paper = paper_median(images)
            rows += [
                Row(
                    f"{_NAMES[kind]}: median over classes after {images:,} images",
                    spread(arms[kind].median_after(images)),
                    None if paper is None else percent(paper),
                    spread(random.median_after(images)),
                    _BESIDE[kind] if paper is not None else "",
                )
                for kind in ("paper", "cppn")
            ]
        rows += [
            Row(
                f"direct: median over classes after {seen:,} images",
                spread(pixels.median[:, -1]),
                f"{as_printed(IMAGENET_DIRECT_MEDIAN)} after {IMAGENET_DIRECT_IMAGES:,}",
                spread(noise.median_after(seen)),
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
            rows += _cppn_rows(_NAMES[kind], arms[kind], random, pixels)
        rows += [
            Row(
                f"{_NAMES[kind]}: likeness of one class's images over seeds",
                f"{alike['same']:.3f}",
                None,
                f"{alike['different']:.3f}",
                "mean absolute correlation of thumbnails; control: of different classes",
            )
            for kind, alike in data["alike"].items()
        ]
        return rows + [
            Row(
                f"{_NAMES['cppn']}, on {name}: median after {figures['images']:,} images",
                percent(figures["median"]),
                note=f"{figures['at_least_99']} classes ≥ 99 %; one seed",
            )
            for name, figures in data["other networks"].items()
        ]

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        found = self.loaded(context)
        by_class = {_NAMES[kind]: found.arms[kind].by_class for kind in ("paper", "cppn", "pixels")}
        captions = {
            "figure 8": (0, "As Figure 8: CPPN images of the forty surest classes."),
            "figure 6": (0, "As Figure 6: directly encoded images, the surest eight."),
            "figure 9": (110, "One class a column, one run a row."),
        }
        return [
            _curves(found.arms),
            Picture(
                "by class",
                draw_by_class(by_class, DOGS_AND_CATS),
                "Confidence class by class (dots) and the running median over 25 classes (lines). Shaded: dogs and "
                "cats.",
            ),
            *(
                Picture(name, board(found.boards[name], tile=88, label=label), caption)
                for name, (label, caption) in captions.items()
                if name in found.boards
            ),
        ]

    def settings(self, context: Context, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "network": data["network"],
            "other networks": list(data["other networks"]),
            "presets": sorted(set(PRESETS.values())),
            "the paper's search": "as in the text; ten crops of 256² images with --budget paper, else one view",
            "images": {kind: int(arm.images[-1]) for kind, arm in _arms(data).items()},
        }

    def commands(self, context: Context, data: dict[str, Any]) -> tuple[str, ...]:
        found = self.loaded(context)
        name, weights = found.network
        return tuple(
            f"evo-fool run {PRESETS[kind]} --classifier torchvision:{name} --weights {as_typed(weights)} "
            f"--seed {context.seeds[0]} --generations {found.generations[kind]}"
            for kind in ("cppn", "pixels", "random")
        )


def _arms(data: dict[str, Any]) -> dict[str, Arm]:
    return {kind: Arm.from_json(data[kind]) for kind in _NAMES}


def _others(context: Context, primary: str, seed: int) -> dict[str, dict[str, Any]]:
    """CPPNs on every other network at hand, one seed each."""
    found: dict[str, dict[str, Any]] = {}
    for name, weights in context.data.imagenet_networks().items():
        if name != primary:
            with imagenet_run(context, name, weights, "cppn", seed) as run:
                arm = Arm.of([run])
            found[name] = {
                "median": float(np.median(arm.final)),
                "at_least_99": int(arm.at_least(0.99)[0]),
                "images": int(arm.images[-1]),
            }
    return found


def _cppn_rows(name: str, arm: Arm, random: Arm, pixels: Arm) -> list[Row]:
    block, both = arm.weak_block(), mann_whitney(arm.by_class, pixels.by_class)

    def shown(arm: Arm) -> str:
        return percent(float(np.sort(arm.by_class)[-SHOWN:].mean()))

    return [
        *(
            Row(
                f"{name}: classes ≥ {100 * least:.0f} %",
                _counts(arm.at_least(least)),
                None,
                _counts(random.at_least(least)),
            )
            for least in (0.99, 0.9)
        ),
        Row(
            f"{name}: mean confidence of forty images",
            shown(arm),
            as_printed(IMAGENET_SHOWN_MEAN),
            shown(random),
            f"ours: the forty surest; paper: the forty of Figure 8, after {IMAGENET_CPPN_IMAGES:,} images, where the "
            f"median is {as_printed(IMAGENET_CPPN_FINAL)}",
        ),
        Row(
            f"{name}: median of dogs and cats (classes {DOGS_AND_CATS[0]} to {DOGS_AND_CATS[1]})",
            percent(block.first_median),
            "lower than elsewhere",
            percent(random.weak_block().first_median),
            f"elsewhere {percent(block.second_median)}; Mann–Whitney {block.text}",
        ),
        Row(
            f"{name} against direct",
            f"{share_text(both.effect)} of pairs",
            note=f"Mann–Whitney over classes {both.text}",
        ),
    ]


def _counts(found: np.ndarray) -> str:
    low, high = int(found.min()), int(found.max())
    return f"{low}" if low == high else f"{low} to {high}"


def _curves(arms: Mapping[str, Arm]) -> Picture:
    curves = [Curve(_NAMES[kind], arm.images, arm.median) for kind, arm in arms.items()]
    paper = np.array(IMAGENET_CPPN_MEDIAN)
    shown = paper[:, 0] * IMAGENET_BATCH <= 1.5 * max(int(arm.images[-1]) for arm in arms.values())
    if shown.any():
        dashed = {"color": "#1f1f24", "linestyle": "--", "marker": "o", "markersize": 3.5, "linewidth": 1.4}
        label = "paper: CPPN, AlexNet, ten crops (digitised)"
        curves.append(Curve(label, paper[shown, 0] * IMAGENET_BATCH, paper[shown, 1], dashed))
    ylabel = "median confidence over 1000 classes"
    drawn = draw_confidence(curves, xlabel="images scored", ylabel=ylabel, log_odds=False)
    return Picture("median", drawn, "Median confidence by images scored, beside the paper's curve.")


def _cells(run: Run, classes: Sequence[int]) -> list[Cell]:
    """The elites of these classes, with their names and confidences as captions."""
    return [
        (run.image(cls), f"{run.classes[cls]}\n{percent(run[cls].probability)}")
        if cls in run
        else (None, run.classes[cls])
        for cls in classes
    ]


def as_typed(path: Path) -> str:
    """A path as one would type it here: relative where it lies below the current folder."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
