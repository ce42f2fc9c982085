"""Direct and CPPN-encoded images for the 1000 ImageNet classes (paper, sections 3.3 to 3.5, Figures 1, 6–9 and 12).

The median by images scored beside the paper's curve, how many classes are reached, the block of dogs and cats in which
CPPNs do worst, whether one encoding beats the other, and how alike the images for one class are over seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
Board = list[tuple[str, list[Cell]]]

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

    def load(self, context: Context) -> tuple[dict[str, Any], dict[str, Board]]:
        """The data, and the boards of elites by their pictures' names."""
        network = primary_network(context)
        if network is None:
            reason = "There are no weights of an ImageNet network: give --data a folder with imagenet/weights/NAME.pt"
            raise Skipped(f"{reason}, such as {PRIMARY}.pt.")
        seeds = self.seeds(context)
        data: dict[str, Any] = {"network": network[0], "alike": {}}
        boards: dict[str, Board] = {}
        for kind in _NAMES:
            chosen = seeds[:1] if kind.startswith("random") else seeds
            with opened(imagenet_run(context, *network, kind, seed) for seed in chosen) as runs:
                arm = Arm.of(runs)
                data[kind] = arm.to_json()
                if kind not in ("cppn", "pixels"):
                    continue
                surest = np.argsort(-arm.final[0]).tolist()
                name, n = ("figure 8", SHOWN) if kind == "cppn" else ("figure 6", 8)
                boards[name] = [("", _cells(runs[0], surest[i : i + 8])) for i in range(0, n, 8)]
                if len(seeds) > 1:
                    classes = range(0, len(runs[0].classes), 4)  # a quarter of them are sixty thousand pairs
                    data["alike"][kind] = likeness(np.stack([thumbnails(run, classes) for run in runs]))
                    if kind == "cppn":
                        named = zip(seeds, runs, strict=True)
                        boards["figure 9"] = [(f"seed {seed}", _cells(run, surest[:8])) for seed, run in named]
        data["other networks"] = {}
        for name, weights in context.data.imagenet_networks().items():
            if name != network[0]:
                with imagenet_run(context, name, weights, "cppn", seeds[0]) as run:
                    arm = Arm.of([run])
                data["other networks"][name] = {
                    "median": float(np.median(arm.final)),
                    "at_least_99": int(arm.at_least(0.99)[0]),
                    "images": int(arm.images[-1]),
                }
        return data, boards

    def measure(self, context: Context) -> dict[str, Any]:
        data: dict[str, Any] = self.loaded(context)[0]
        return data

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
        marks = {g * IMAGENET_BATCH for g, _ in IMAGENET_CPPN_MEDIAN if g * IMAGENET_BATCH <= last}
        rows = []
        for images in sorted({*marks, last}):
            paper, control = paper_median(images), spread(random.median_after(images))
            published = None if paper is None else percent(paper)
            for kind, note in _BESIDE.items():
                ours = spread(arms[kind].median_after(images))
                what = f"{_NAMES[kind]}: median over classes after {images:,} images"
                rows.append(Row(what, ours, published, control, note if published else ""))
        after = f"after {IMAGENET_DIRECT_IMAGES:,}"
        median, control = spread(pixels.median[:, -1]), spread(noise.median_after(seen))
        published = f"{as_printed(IMAGENET_DIRECT_MEDIAN)} {after}"
        what = f"direct: median over classes after {seen:,} images"
        rows.append(Row(what, median, published, control, "control: random pixels"))
        sure, control = _counts(pixels.at_least(0.99)), _counts(noise.at_least(0.99))
        rows.append(Row("direct: classes ≥ 99 %", sure, f"{IMAGENET_DIRECT_AT_LEAST_99} {after} images", control))
        for kind in _BESIDE:
            rows += _cppn_rows(_NAMES[kind], arms[kind], random, pixels)
        note = "mean absolute correlation of thumbnails; control: of different classes"
        for kind, alike in data["alike"].items():
            what = f"{_NAMES[kind]}: likeness of one class's images over seeds"
            rows.append(Row(what, f"{alike['same']:.3f}", None, f"{alike['different']:.3f}", note))
        for name, figures in data["other networks"].items():
            what = f"{_NAMES['cppn']}, on {name}: median after {figures['images']:,} images"
            note = f"{figures['at_least_99']} classes ≥ 99 %; one seed"
            rows.append(Row(what, percent(figures["median"]), note=note))
        return rows

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        arms, boards = _arms(data), self.loaded(context)[1]
        by_class = draw_by_class(
            {_NAMES[kind]: arms[kind].by_class for kind in ("paper", "cppn", "pixels")}, DOGS_AND_CATS
        )
        caption = (
            "Confidence class by class (dots) and the running median over 25 classes (lines). Shaded: dogs and cats."
        )
        captions = {
            "figure 8": "As Figure 8: CPPN images of the forty surest classes.",
            "figure 6": "As Figure 6: directly encoded images, the surest eight.",
            "figure 9": "One class a column, one run a row.",
        }
        return [_curves(arms), Picture("by class", by_class, caption)] + [
            Picture(name, board(boards[name], tile=88, label=110 if name == "figure 9" else 0), caption)
            for name, caption in captions.items()
            if name in boards
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
        weights = as_typed(context.data.imagenet_networks()[data["network"]])
        return tuple(
            f"evo-fool run {PRESETS[kind]} --classifier torchvision:{data['network']} --weights {weights} "
            f"--seed {context.seeds[0]} --generations {len(data[kind]['images']) - 1}"
            for kind in ("cppn", "pixels", "random")
        )


def _arms(data: dict[str, Any]) -> dict[str, Arm]:
    return {kind: Arm.from_json(data[kind]) for kind in _NAMES}


def _cppn_rows(name: str, arm: Arm, random: Arm, pixels: Arm) -> list[Row]:
    rows = []
    for least in (0.99, 0.9):
        ours, control = _counts(arm.at_least(least)), _counts(random.at_least(least))
        rows.append(Row(f"{name}: classes ≥ {100 * least:.0f} %", ours, None, control))
    shown, control = (percent(float(np.sort(a.by_class)[-SHOWN:].mean())) for a in (arm, random))
    note = (
        f"ours: the forty surest; paper: the forty of Figure 8, after {IMAGENET_CPPN_IMAGES:,} images, where the "
        f"median is {as_printed(IMAGENET_CPPN_FINAL)}"
    )
    rows.append(Row(f"{name}: mean confidence of forty images", shown, as_printed(IMAGENET_SHOWN_MEAN), control, note))
    block, control = arm.weak_block(), percent(random.weak_block().first_median)
    what = f"{name}: median of dogs and cats (classes {DOGS_AND_CATS[0]} to {DOGS_AND_CATS[1]})"
    note = f"elsewhere {percent(block.second_median)}; Mann–Whitney {block.text}"
    rows.append(Row(what, percent(block.first_median), "lower than elsewhere", control, note))
    both = mann_whitney(arm.by_class, pixels.by_class)
    note = f"Mann–Whitney over classes {both.text}"
    return [*rows, Row(f"{name} against direct", f"{share_text(both.effect)} of pairs", note=note)]


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
