"""How much of "fooled" is noise alone (the control that the paper's Figures 4 to 9 lack).

As many random images as an evolution scores, of several kinds: for each class the best of them, and how many classes
they reach. A network that is sure of noise is fooled by it, but mostly into the same few classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evo_fool.probability import probability
from evo_fool.randomness import stream
from evo_fool.studies.charts import Curve, board, draw_confidence
from evo_fool.studies.context import Context
from evo_fool.studies.controls.measure import digit_arms, imagenet_arms, natural_digits
from evo_fool.studies.imagenet_runs import PRIMARY, primary_network
from evo_fool.studies.noise import KINDS
from evo_fool.studies.noise.measure import random_images
from evo_fool.studies.noise.study import reached
from evo_fool.studies.options import Options
from evo_fool.studies.section import Picture, Row
from evo_fool.studies.study import Study
from evo_fool.text import percent


class Controls(Study[Options]):
    """Data: network -> its arms, see :func:`~evo_fool.studies.noise.measure.arm`."""

    key = "controls"
    title = "What noise alone achieves"
    primary = PRIMARY

    def measure(self, context: Context) -> dict[str, Any]:
        data = {"MNIST": digit_arms(context)}
        if network := primary_network(context):
            data[f"ImageNet, {network[0]}"] = imagenet_arms(context, *network)
        return data

    def rows(self, data: dict[str, Any]) -> list[Row]:
        rows = []
        for title, arm in ((title, arm) for title, arms in data.items() for arm in arms):
            what = f"{title}: {arm['label']}, best of {arm['n']:,} for each class, median"
            median = percent(arm["median"])
            ours, control = (median, None) if _evolved(arm) else (None, median)
            rows.append(Row(what, ours, None, control, reached(arm)))
        return rows

    def values(self, data: dict[str, Any]) -> Mapping[str, Any]:
        return {
            "networks": {
                title: {
                    "evolved": [arm for arm in arms if _evolved(arm)],
                    "best": max((arm for arm in arms if not _evolved(arm)), key=lambda arm: arm["median"]),
                    "uniform": next(arm for arm in arms if arm["label"] == "uniform noise"),
                }
                for title, arms in data.items()
            }
        }

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        digits, *others = (_curve(title, arms) for title, arms in data.items())
        return [digits, *others, *_samples(context)]

    def settings(self, context: Context, data: dict[str, Any]) -> dict[str, Any]:
        return {"kinds of noise": KINDS, "images": {title: arms[0]["n"] for title, arms in data.items()}}

    def commands(self, context: Context, data: dict[str, Any]) -> tuple[str, ...]:
        return (
            "evo-fool run mnist-random",
            "evo-fool run mnist-random -S encoding.kind=cppn",
            f"evo-fool study noise {' '.join(kind for kind in KINDS if kind != 'permuted')} --classifier lenet-mnist",
        )


def _evolved(arm: Mapping[str, Any]) -> bool:
    return str(arm["label"]).startswith("evolved")


def _curve(title: str, arms: Sequence[Mapping[str, Any]]) -> Picture:
    curves = []
    for arm in arms:
        style = {"linestyle": "-" if _evolved(arm) else ":"}
        curves.append(Curve(arm["label"], np.array(arm["steps"]), np.array(arm["medians"]), style))
    return Picture(
        f"{title} median",
        draw_confidence(curves, xlabel="images scored", ylabel="best so far of each class, median", log_x=True),
        f"{title}: the best image so far of each class, median over classes, on a scale of log-odds. Solid: evolved; "
        "dotted: random.",
    )


def _samples(context: Context) -> list[Picture]:
    """A few images of each kind, with what LeNet takes them for; those made of natural images by themselves."""
    classifier, natural = context.classifier(), natural_digits(context)
    shape = classifier.shape
    rows = {}
    for kind in KINDS:
        if kind == "permuted" and natural is None:
            continue
        images = random_images(kind, 10, shape, stream(context.seeds[0], f"noise {kind}", 0), natural)
        log_odds = context.scorer(classifier).score(images)
        names = [f"{classifier.classes[row.argmax()]}: {percent(float(probability(row.max())))}" for row in log_odds]
        rows[kind] = list(zip(images, names, strict=True))
    permuted = rows.pop("permuted", None)
    caption = "Random images of each kind, with the digit that LeNet takes each for."
    pictures = [Picture("samples", board(list(rows.items())), caption)]
    if permuted:
        caption = "Test digits with their pixels permuted, with the digit that LeNet takes each for."
        pictures.append(Picture("permuted", board([("permuted", permuted)]), caption, borrowed=True))
    return pictures
