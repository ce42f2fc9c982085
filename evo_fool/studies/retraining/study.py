"""Retraining on MNIST: does a class of fooling images, or being taught to be unsure of them, end the fooling?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, count, islice
from typing import Any

import numpy as np

from evo_fool.studies.charts import Curve, board, draw_confidence
from evo_fool.studies.context import Context
from evo_fool.studies.digit_runs import digit_run
from evo_fool.studies.published import RETRAINED_MNIST_MEDIANS, RETRAINED_RECOGNISED, as_printed
from evo_fool.studies.retraining import Loop, Options
from evo_fool.studies.retraining.measure import elites_of_digits, run_loop
from evo_fool.studies.run_finder import opened
from evo_fool.studies.section import Picture, Row
from evo_fool.studies.study import Study
from evo_fool.studies.training import mnist_of
from evo_fool.text import percent

_CLASS, _UNSURE = "fooling class", "unsure (CEDA)"
_NAMES = {"class": _CLASS, "unsure": _UNSURE}


class Retraining(Study[Options]):
    key = "retraining"
    title = "Retraining with a class of fooling images"
    figures = "Figure 11"

    def loops(self, context: Context) -> dict[str, Loop]:
        """Name -> loop: the one asked for, or both arms in the size of the budget."""
        if self.options is not None:
            return {_NAMES[self.options.arm]: self.options}
        few = {"iterations": 2, "images": 100, "epochs": 1, "generations": 10, "batch": 100, "noise": 2000}
        many = {"iterations": 15, "epochs": 14, "noise": 60_000}
        sizes: dict[str, Any] = context.scale(smoke=few | {"digits": 6000}, laptop={}, paper=many)
        sizes |= {"seed": context.seeds[0]}
        return {_CLASS: Loop(**sizes), _UNSURE: Loop(**{"arm": "unsure", "iterations": 3} | sizes)}

    def load(self, context: Context) -> dict[str, tuple[list[dict[str, Any]], list[np.ndarray]]]:
        """Name of a loop -> its networks, see :func:`.run_loop`, and the elites against each."""
        data, loops = mnist_of(context), self.loops(context)
        # Images of the page on MNIST, as far as no loop teaches them.
        seeds = unseen_seeds(context.seeds, list(loops.values()))
        with opened(digit_run(context, "mnist-cppn", seed) for seed in seeds) as runs:
            unseen = np.concatenate([elites_of_digits(run) for run in runs])
        return {name: run_loop(context, loop, data, unseen) for name, loop in loops.items()}

    def measure(self, context: Context) -> dict[str, Any]:
        return {name: networks for name, (networks, _) in self.loaded(context).items()}

    def values(self, data: dict[str, Any]) -> dict[str, Any]:
        networks = data.get(_CLASS)
        later = None if networks is None else [network["median"] for network in networks[1:]]
        # Networks are compared with as many of the paper's: over more of them the lowest would be lower by chance.
        theirs = RETRAINED_MNIST_MEDIANS[1 : 1 + len(later or ())]
        return {"later": later, "theirs": theirs, "printed": as_printed} | (
            {"unsure": data[_UNSURE]} if _UNSURE in data else {}
        )

    def claims(self, data: dict[str, Any]) -> dict[str, bool]:
        values = self.values(data)
        later = values["later"]  # a loop of one network says nothing about retraining, which is no claim that held
        return {} if later is None else {"lowest": bool(later) and min(later) >= min(values["theirs"])}

    def rows(self, data: dict[str, Any]) -> list[Row]:
        return [row for name, networks in data.items() for row in _rows(name, networks)]

    def document(self, data: dict[str, Any]) -> dict[str, Any]:
        ((_, networks),) = data.items()
        loop = self.options and self.options.model_dump(include=set(Loop.model_fields))
        return {"loop": loop, "iterations": networks}

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        curves, rows = [], []
        for name, networks in data.items():
            medians = np.array([network["median"] for network in networks])
            curves.append(Curve(name, np.arange(len(medians)) + 1, medians, {"marker": "o"}))
            label = "class" if name == _CLASS else "CEDA"
            for network, images in zip(networks, self.loaded(context)[name][1], strict=True):
                shown = zip(images, map(percent, network["probabilities"]), strict=True)
                rows.append((f"{label} {network['number']}", list(shown)))
        known = np.array(RETRAINED_MNIST_MEDIANS[: max(map(len, data.values()))])
        style = {"linestyle": "--", "linewidth": 1.4, "color": "#1f1f24", "marker": "o", "markersize": 3.5}
        curves.append(Curve("paper (Figure 11)", np.arange(len(known)) + 1, known, style))
        return [
            Picture(
                "medians",
                draw_confidence(curves, xlabel="network i", ylabel="median confidence over ten digits"),
                "Median confidence of the images evolved against DNN_i, on a scale of log-odds.",
            ),
            Picture(
                "images",
                board(rows, label=80),
                "What evolution finds for 0 to 9 against each network: with a fooling class, and taught to be unsure.",
            ),
        ]

    def settings(self, context: Context, data: dict[str, Any]) -> dict[str, Any]:
        loops = self.loops(context)
        return {name: loop.model_dump() for name, loop in loops.items()} | {
            "cells": "eleven once there is a fooling class; medians are over the ten digits",
            "first and last generation": "the last is what the final archive breeds next",
            "loops": f"one loop of each kind, one seed: {context.seeds[0]}",
            "seeds of unseen images": unseen_seeds(context.seeds, list(loops.values())),
        }

    def seeds(self, context: Context) -> tuple[int, ...]:
        loops = list(self.loops(context).values())
        taught = (loop.seed_of(i) for loop in loops for i in range(1, loop.iterations + 1))
        return tuple(dict.fromkeys([*unseen_seeds(context.seeds, loops), *taught]))


def unseen_seeds(seeds: Sequence[int], taught: Sequence[Loop]) -> tuple[int, ...]:
    """As many seeds as ``seeds``: these, except where the runs of loops have them; further ones replace those.

    Runs of one seed begin with the same images, whatever their network, and the loops teach first generations.

    >>> unseen_seeds((0, 1, 2), [Loop(seed=0, iterations=1)])
    (0, 2, 3)
    """
    known = {loop.seed_of(number) for loop in taught for number in range(1, loop.iterations + 1)}
    free = (seed for seed in chain(seeds, count(max(seeds) + 1)) if seed not in known)
    return tuple(islice(free, len(seeds)))


def _rows(name: str, networks: Sequence[dict[str, Any]]) -> list[Row]:
    """Per network: its median beside the paper's, what noise reaches, and its errors on digits."""
    rows, errors = [], []
    for net in networks:
        i = net["number"]
        paper = RETRAINED_MNIST_MEDIANS[i - 1 : i] if name == _CLASS else ()
        rows.append(
            Row(
                f"{name}: median confidence against DNN_{i}",
                percent(net["median"]),
                as_printed(paper[0]) if paper else None,
                f"noise {percent(net['noise_median'])}, random CPPNs {percent(net['cppn_median'])}",
                f"trained with {net['taught']} fooling images; {net['images']:,} images, of each control as many; "
                "one loop, one seed",
            )
        )
        called = "" if net["recognised"] is None else f"; called fooling: {100 * net['recognised']:.0f} %"
        errors.append(
            Row(
                f"{name}: DNN_{i}, error on test digits",
                f"{100 * net['test_error']:.2f} %",
                note=f"turned away: {100 * net['false_alarms']:.2f} % of digits, {100 * net['turned_away']:.0f} % of "
                f"{net['unseen']} unseen CPPN images{called}",
            )
        )
    for net in networks[1:2]:
        if net["recognised"] is not None:
            some, of = RETRAINED_RECOGNISED
            rows.append(
                Row(
                    f"{name}: unseen CPPN images that DNN_{net['number']} calls fooling",
                    f"{round(net['recognised'] * net['unseen'])} of {net['unseen']}",
                    note=f"evolved against another network; the paper tells only of ImageNet: {some} of {of}",
                )
            )
    return rows + errors
