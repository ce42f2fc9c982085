"""Direct and CPPN-encoded images for the ten digits (paper, sections 3.1 and 3.2, Figures 4 and 5).

Five evolutions an encoding: the median over digits by generation, the first generation at which every digit is at
99.99 %, and the images; by the project's default, which is the paper's text on MNIST, and by the released code, with
random images as control.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evo_fool.runs import Run
from evo_fool.studies.charts import Curve, board, draw_confidence
from evo_fool.studies.context import Context
from evo_fool.studies.digit_runs import EVOLVED, RANDOM, Course, digit_runs
from evo_fool.studies.options import Options
from evo_fool.studies.published import MNIST_DIRECT_EVERY_DIGIT, MNIST_GENERATIONS, MNIST_MEDIAN, MNIST_REFERENCE
from evo_fool.studies.section import Picture, Row, spread
from evo_fool.studies.study import Study
from evo_fool.text import percent

PRESETS = {
    "direct": EVOLVED["pixels"],
    "CPPN": EVOLVED["cppn"],
    "direct, released code": "released-code/mnist-direct",
    "CPPN, released code": "released-code/mnist-cppn",
}
"""Label -> shipped experiment."""

_SAME = {"mnist-cppn": "paper/mnist-cppn"}
"""Shipped experiments that are the same search on MNIST."""

_MEASURED = "the same rules on the authors' LeNet:"
_EVERY_DIGIT = {
    "direct": f"{_MEASURED} 125 to 191, one of twelve not within 200",
    "CPPN, released code": f"{_MEASURED} about 1000",
}


class Mnist(Study[Options]):
    """Data: label -> the JSON of its :class:`.Course`."""

    key = "mnist"
    title = "Direct and CPPN on MNIST"
    figures = "Figures 4 and 5"
    before = MNIST_DIRECT_EVERY_DIGIT

    def load(self, context: Context) -> tuple[dict[str, Course], dict[str, list[list[tuple[np.ndarray | None, str]]]]]:
        """How the runs of each label went, and the elites of each run."""
        experiments: dict[str, tuple[str, Mapping[str, Any]]] = {
            **{label: (preset, {}) for label, preset in PRESETS.items()},
            **{f"random {kind}": experiment for kind, experiment in RANDOM.items()},
        }
        courses, shown = {}, {}
        for label, experiment in experiments.items():
            with digit_runs(context, *experiment) as runs:
                courses[label] = Course.of(runs)
                shown[label] = [_elites(run) for run in runs]
        return courses, shown

    def measure(self, context: Context) -> dict[str, Any]:
        return {label: course.to_json() for label, course in self.loaded(context)[0].items()}

    def claims(self, data: dict[str, Any]) -> dict[str, bool]:
        found = self.values(data)
        claims = {}
        for name, random in (("direct", "pixels"), ("cppn", "cppns")):
            claims[name] = bool((found[name].final >= MNIST_MEDIAN).all())
            if (found[random].final >= MNIST_MEDIAN).all():
                claims[f"{name}_by_chance"] = False
        firsts = found["direct"].first(found["direct"].lowest)
        claims["every_digit"] = all(first is not None and first < MNIST_DIRECT_EVERY_DIGIT for first in firsts)
        return claims

    def values(self, data: dict[str, Any]) -> Mapping[str, Any]:
        names = {"direct": "direct", "cppn": "CPPN", "pixels": "random pixels", "cppns": "random cppn"}
        courses = {name: Course.from_json(data[label]) for name, label in names.items()}
        direct = courses["direct"]
        return courses | {"every_digit": generations_text(direct.first(direct.lowest), direct.last)}

    def rows(self, data: dict[str, Any]) -> list[Row]:
        courses = {label: Course.from_json(entry) for label, entry in data.items()}
        rows = []
        for label in PRESETS:
            c, released = courses[label], label.endswith("released code")
            random = courses["random pixels" if label.startswith("direct") else "random cppn"]
            what, published = f"{label}: median over digits at generation {min(200, c.last)}", "≥ 99.99 %"
            note = f"{len(c.seeds)} seeds: median and range" if len(c.seeds) > 1 else "one seed"
            rows.append(Row(what, spread(c.at(200)), None if released else published, spread(random.at(200)), note))
            found, control = (generations_text(course.first(course.median), course.last) for course in (c, random))
            note = "control: as for the default, normalised coordinates and no crossover" if released else ""
            rows.append(Row(f"{label}: median ≥ 99.99 % from generation", found, None, control, note))
            what, found = f"{label}: every digit ≥ 99.99 % from generation", generations_text(c.first(c.lowest), c.last)
            before = f"< {MNIST_DIRECT_EVERY_DIGIT}" if label == "direct" else None
            rows.append(Row(what, found, before, f"{random.digits} of 10 digits", _EVERY_DIGIT.get(label, "")))
            if c.last > 200:
                rows.append(Row(f"{label}: lowest digit at generation {c.last}", spread(c.lowest[:, -1])))
        for label in PRESETS:
            for generation, measured in zip(MNIST_GENERATIONS, MNIST_REFERENCE[label], strict=True):
                if generation <= courses[label].last and measured is not None:
                    what, ours = f"{label}: median at generation {generation}", spread(courses[label].at(generation))
                    rows.append(Row(what, ours, note=f"{_MEASURED} {percent(measured)}"))
        return rows

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        courses, shown = self.loaded(context)
        boards = []
        for number, label in ((4, "direct"), (5, "CPPN")):
            named = [(f"seed {seed}", row) for seed, row in zip(courses[label].seeds, shown[label], strict=True)]
            caption = (
                f"As Figure {number}: {label} images that the network takes for 0 to 9, one row a run, after "
                f"{courses[label].last} generations."
            )
            boards.append(Picture(f"figure {number}", board(named, label=70), caption))
        released = [(label.split(",")[0], shown[label][0]) for label in PRESETS if "released" in label]
        caption = "The same by the released code's settings."
        return [_curves(courses), *boards, Picture("released code", board(released, label=70), caption)]

    def settings(self, context: Context, data: dict[str, Any]) -> dict[str, Any]:
        presets = (preset + (f" (= {_SAME[preset]})" if preset in _SAME else "") for preset in PRESETS.values())
        return {
            "presets": ", ".join(presets),
            "classifier": "lenet-mnist",
            "generations": {label: Course.from_json(data[label]).last for label in PRESETS},
        }

    def seeds(self, context: Context) -> tuple[int, ...]:
        return context.seeds

    def commands(self, context: Context, data: dict[str, Any]) -> tuple[str, ...]:
        runs = (*PRESETS.values(), "mnist-random", "mnist-random -S encoding.kind=cppn")
        return tuple(f"evo-fool run {run} --seed {context.seeds[0]}" for run in runs)


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


def _elites(run: Run) -> list[tuple[np.ndarray | None, str]]:
    """The elite of every digit with its confidence as caption."""
    return [(run.image(cell), percent(run[cell].probability)) if cell in run else (None, "") for cell in run.targets]


def _curves(courses: Mapping[str, Course]) -> Picture:
    curves = []
    for label, c in courses.items():
        upto, random = min(200, c.last) + 1, label.startswith("random")
        style = {"linestyle": ":", "linewidth": 1.4} if random else {}
        name = f"{label}, as many images" if random else label
        curves.append(Curve(name, np.arange(upto), c.median[:, :upto], style))
    edge = max(float(curve.x[-1]) for curve in curves)
    flat = {"linestyle": "--", "linewidth": 1, "color": "#1f1f24"}
    curves.append(Curve("paper at generation 200: at least", np.array([0, edge]), np.full(2, MNIST_MEDIAN), flat))
    return Picture(
        "median",
        draw_confidence(curves, xlabel="generation of 200 images", ylabel="median confidence over ten digits"),
        "Median confidence over the ten digits by generation, on a scale of log-odds; lines are medians over "
        "seeds, bands their range. What is surer than 99.9999 % lies on the upper edge.",
    )
