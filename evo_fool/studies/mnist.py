"""Direct and CPPN-encoded images for the ten digits (paper, sections 3.1 and 3.2, Figures 4 and 5).

Five evolutions an encoding: the median over digits by generation, the first generation at which every digit is at
99.99 %, and the images; by the project's default, the paper's text and the released code, with random images as
control.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo_fool.runs import Run
from evo_fool.studies.charts import Curve, board, draw_confidence
from evo_fool.studies.context import Context
from evo_fool.studies.digit_runs import digit_run
from evo_fool.studies.published import (
    MNIST_DIRECT_EVERY_DIGIT,
    MNIST_GENERATIONS,
    MNIST_MEDIAN,
    MNIST_REFERENCE,
)
from evo_fool.studies.run_finder import opened
from evo_fool.studies.section import Picture, Row, Section, judged
from evo_fool.text import percent

KEY, TITLE, FIGURES = "mnist", "Direct and CPPN on MNIST", "Figures 4 and 5"

SURE = 0.9999
"""What the paper calls fooled on MNIST: 99.99 %."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to evolve digits, over seeds.

    Attributes:
        label: what the report calls it.
        preset: the shipped experiment.
        same: another shipped experiment that is the same search on MNIST, or "".
        reference: its trajectory in :data:`.MNIST_REFERENCE`, or "".
    """

    label: str
    preset: str
    same: str = ""
    reference: str = ""


VARIANTS = (
    Variant("direct", "mnist-pixels", "paper/mnist-direct", "direct"),
    Variant("CPPN", "mnist-cppn", "paper/mnist-cppn", "CPPN, normalised coordinates"),
    Variant("direct, released code", "released-code/mnist-direct", "", "direct with the code's crossover"),
    Variant("CPPN, released code", "released-code/mnist-cppn", "", "CPPN, raw coordinates"),
)


@dataclass(frozen=True, slots=True)
class Course:
    """How several runs of one experiment went.

    Attributes:
        seeds: one a run.
        generations: int ``(n,)``, ascending from 0.
        median: over classes, ``(seeds, n)``, in [0, 1].
        lowest: the worst class, ``(seeds, n)``, in [0, 1].
        sure: classes at :data:`SURE` or more, int ``(seeds, n)``.
        images: scored by all runs.
    """

    seeds: tuple[int, ...]
    generations: np.ndarray
    median: np.ndarray
    lowest: np.ndarray
    sure: np.ndarray
    images: int

    def first(self, values: np.ndarray, threshold: float) -> list[int | None]:
        """For each seed the first generation at which ``values`` reaches a threshold; None: it never does."""
        reached = values >= threshold
        return [int(self.generations[row.argmax()]) if row.any() else None for row in reached]

    def at(self, generation: int) -> int:
        """The column of a generation, or of the last one before it."""
        return int(np.searchsorted(self.generations, generation, side="right")) - 1

    def as_json(self) -> dict[str, Any]:
        """The medians and minima, JSON-able."""
        return {
            "seeds": self.seeds,
            "median": self.median,
            "lowest": self.lowest,
            "first_every_digit_sure": self.first(self.lowest, SURE),
            "first_median_sure": self.first(self.median, SURE),
            "images": self.images,
        }


def course(runs: Sequence[Run]) -> Course:
    """How runs of one experiment went, one a seed; they have equally many generations."""
    metrics = [run.metrics for run in runs]
    return Course(
        seeds=tuple(run.experiment.seed for run in runs),
        generations=metrics[0]["generation"].astype(int),
        median=np.array([m["median"] for m in metrics], dtype=float),
        lowest=np.array([m["min"] for m in metrics], dtype=float),
        sure=np.array([m["at_least_9999"] for m in metrics], dtype=int),
        images=int(sum(int(m["evaluations"][-1]) for m in metrics)),
    )


def generations_text(found: Sequence[int | None], last: int) -> str:
    """First generations over seeds for people.

    >>> generations_text([131, 150, None], 200), generations_text([5], 200), generations_text([None], 200)
    ('131 to 150; 1 of 3 not within 200', '5', 'not within 200')
    """
    there = sorted(generation for generation in found if generation is not None)
    if not there:
        return f"not within {last}"
    text = f"{there[0]} to {there[-1]}" if there[0] < there[-1] else f"{there[0]}"
    missing = len(found) - len(there)
    return text + (f"; {missing} of {len(found)} not within {last}" if missing else "")


def spread(values: np.ndarray) -> str:
    """Probabilities over seeds for people: the median, and the range where there is one.

    >>> spread(np.array([0.5])), spread(np.array([0.2, 0.5, 0.9]))
    ('50.0 %', '50.0 % (20.0 % to 90.0 %)')
    """
    low, middle, high = (percent(float(v)) for v in (np.min(values), np.median(values), np.max(values)))
    return middle if low == high else f"{middle} ({low} to {high})"


def section(context: Context) -> Section:
    """The page."""
    courses: dict[str, Course] = {}
    shown: list[tuple[str, list[list[tuple[np.ndarray | None, str]]]]] = []
    for variant in VARIANTS:
        with opened(digit_run(context, variant.preset, seed) for seed in context.seeds) as runs:
            courses[variant.label] = course(runs)
            shown.append((variant.label, [digits(run) for run in runs]))
    controls: dict[str, Course] = {}
    for kind in ("pixels", "cppn"):
        with opened(random_runs(context, kind)) as runs:
            controls[kind] = course(runs)
    verdict, why = judged(claims(courses, controls))
    return Section(
        key=KEY,
        title=TITLE,
        figures=FIGURES,
        verdict=verdict,
        why=f"{why} {noise_alone(controls)}",
        rows=tuple(_rows(courses, controls)),
        pictures=tuple(_pictures(courses, controls, shown)),
        settings={
            "presets": ", ".join(v.preset + (f" (= {v.same})" if v.same else "") for v in VARIANTS),
            "classifier": "lenet-mnist",
            "generations": {label: int(c.generations[-1]) for label, c in courses.items()},
        },
        seeds=tuple(context.seeds),
        commands=(
            *(f"evo-fool run {v.preset} --seed {context.seeds[0]}" for v in VARIANTS),
            f"evo-fool run mnist-random --seed {context.seeds[0]}",
            f"evo-fool run mnist-random -S encoding.kind=cppn --seed {context.seeds[0]}",
        ),
        data={label: c.as_json() for label, c in courses.items()}
        | {f"random {kind}": c.as_json() for kind, c in controls.items()},
    )


def random_runs(context: Context, kind: str) -> Iterator[Run]:
    """The control: as many fresh random images of one encoding, for every seed."""
    return (digit_run(context, "mnist-random", seed, {"encoding.kind": kind}) for seed in context.seeds)


def digits(run: Run) -> list[tuple[np.ndarray | None, str]]:
    """The elite of every digit with its confidence as caption."""
    return [(run.image(cell), percent(run[cell].probability)) if cell in run else (None, "") for cell in run.targets]


def claims(courses: dict[str, Course], controls: dict[str, Course]) -> list[tuple[bool, str]]:
    """What the paper says about Figures 4 and 5, and whether it held; and whether evolution had a part in it.

    Args:
        courses: of the variants, by label.
        controls: of as many random images, by encoding.
    """
    direct, cppn = courses["direct"], courses["CPPN"]
    result = []
    for name, c, random in (("Direct", direct, controls["pixels"]), ("CPPN", cppn, controls["cppn"])):
        last = min(200, int(c.generations[-1]))
        final, alone = c.median[:, c.at(200)], random.median[:, random.at(200)]
        result.append(
            (
                bool((final >= MNIST_MEDIAN).all()),
                f"{name}: the median over digits is {spread(final)} at generation {last} (paper ≥ 99.99 %).",
            )
        )
        if (alone >= MNIST_MEDIAN).all():
            sure = f"{int(np.median(c.sure[:, c.at(200)]))} against {int(np.median(random.sure[:, random.at(200)]))}"
            result.append(
                (
                    False,
                    f"{name}: as many random images, never evolved, have a median of {spread(alone)}, so the figure "
                    f"shows what the encoding does, not what evolution does ({sure} of 10 digits at 99.99 %).",
                )
            )
    first = direct.first(direct.lowest, SURE)
    within = [generation is not None and generation < MNIST_DIRECT_EVERY_DIGIT for generation in first]
    result.append(
        (
            all(within),
            f"Direct: generation from which every digit is at 99.99 %: "
            f"{generations_text(first, int(direct.generations[-1]))} (paper: before {MNIST_DIRECT_EVERY_DIGIT}).",
        )
    )
    return result


def noise_alone(controls: dict[str, Course]) -> str:
    """What as many random images reach, for the claims to be read with it."""
    parts = [
        f"{kind} {spread(c.median[:, -1])} and {int(np.median(c.sure[:, -1]))} of 10 digits at 99.99 %"
        for kind, c in (("random pixels", controls["pixels"]), ("random CPPNs", controls["cppn"]))
    ]
    return f"Control, as many random images: {', '.join(parts)}."


def _rows(courses: dict[str, Course], controls: dict[str, Course]) -> list[Row]:
    rows = []
    for variant in VARIANTS:
        c = courses[variant.label]
        random = controls["pixels" if variant.label.startswith("direct") else "cppn"]
        last = int(c.generations[-1])
        plain = not variant.preset.startswith("released-code/")
        rows += [
            Row(
                f"{variant.label}: median over digits at generation {min(200, last)}",
                spread(c.median[:, c.at(200)]),
                "≥ 99.99 %" if plain else None,
                spread(random.median[:, random.at(200)]),
                f"{len(c.seeds)} seeds: median and range" if len(c.seeds) > 1 else "one seed",
            ),
            Row(
                f"{variant.label}: median ≥ 99.99 % from generation",
                generations_text(c.first(c.median, SURE), last),
                None,
                generations_text(random.first(random.median, SURE), int(random.generations[-1])),
                "" if plain else "control: as for the default, normalised coordinates and no crossover",
            ),
            Row(
                f"{variant.label}: every digit ≥ 99.99 % from generation",
                generations_text(c.first(c.lowest, SURE), last),
                f"< {MNIST_DIRECT_EVERY_DIGIT}" if variant.label == "direct" else None,
                f"{int(np.median(random.sure[:, -1]))} of 10 digits",
                _measured_note(variant),
            ),
        ]
        if last > 200:
            rows.append(Row(f"{variant.label}: lowest digit at generation {last}", spread(c.lowest[:, -1])))
    for variant in VARIANTS:
        c, reference = courses[variant.label], MNIST_REFERENCE[variant.reference]
        for generation, measured in zip(MNIST_GENERATIONS, reference, strict=True):
            if generation <= c.generations[-1] and measured is not None:
                rows.append(
                    Row(
                        f"{variant.label}: median at generation {generation}",
                        spread(c.median[:, c.at(generation)]),
                        note=f"the same rules on the authors' LeNet: {percent(measured)}",
                    )
                )
    return rows


def _measured_note(variant: Variant) -> str:
    if variant.label == "direct":
        return "the same rules on the authors' LeNet: 125 to 191, one of twelve not within 200"
    if variant.label == "CPPN, released code":
        return "the same rules on the authors' LeNet: about 1000"
    return ""


def _pictures(
    courses: dict[str, Course],
    controls: dict[str, Course],
    shown: Sequence[tuple[str, list[list[tuple[np.ndarray | None, str]]]]],
) -> list[Picture]:
    upto = {label: c.at(200) + 1 for label, c in courses.items()}
    curves = [Curve(label, c.generations[: upto[label]], c.median[:, : upto[label]]) for label, c in courses.items()]
    curves += [
        Curve(f"random {kind}, as many images", c.generations, c.median, {"linestyle": ":", "linewidth": 1.4})
        for kind, c in controls.items()
    ]
    edge = min(200, max(int(c.generations[-1]) for c in courses.values()))
    flat = {"linestyle": "--", "linewidth": 1, "color": "#1f1f24"}
    curves.append(Curve("paper at generation 200: at least", np.array([0, edge]), np.full(2, MNIST_MEDIAN), flat))
    pictures = [
        Picture(
            "median",
            draw_confidence(curves, xlabel="generation of 200 images", ylabel="median confidence over ten digits"),
            "Median confidence over the ten digits by generation, on a scale of log-odds; lines are medians over "
            "seeds, bands their range. What is surer than 99.9999 % lies on the upper edge.",
        )
    ]
    for number, label in ((4, "direct"), (5, "CPPN")):
        rows = next(images for name, images in shown if name == label)
        named = [(f"seed {seed}", cells) for seed, cells in zip(courses[label].seeds, rows, strict=True)]
        pictures.append(
            Picture(
                f"figure {number}",
                board(named, label=70),
                f"As Figure {number}: {label} images that the network takes for 0 to 9, one row a run, "
                f"after {int(courses[label].generations[-1])} generations.",
            )
        )
    released = [(label.removesuffix(", released code"), images[0]) for label, images in shown if "released" in label]
    pictures.append(Picture("released code", board(released, label=70), "The same by the released code's settings."))
    return pictures
