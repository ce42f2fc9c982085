"""The report's page on retraining (paper, section 3.7 and Figure 11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain, count, islice

import numpy as np

from evo_fool.studies.charts import Curve, board, draw_confidence
from evo_fool.studies.context import Context
from evo_fool.studies.digit_runs import digit_run
from evo_fool.studies.page import skipped
from evo_fool.studies.published import RETRAINED_MNIST_MEDIANS, RETRAINED_RECOGNISED, as_printed
from evo_fool.studies.retraining import Iteration, Loop, run_loop, unseen_images
from evo_fool.studies.run_finder import opened
from evo_fool.studies.section import Picture, Row, Section, judged
from evo_fool.text import percent

KEY, TITLE, FIGURES = "retraining", "Retraining with a class of fooling images", "Figure 11"

_NAMES = {"class": "fooling class", "unsure": "unsure (CEDA)"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one loop.

    Attributes:
        loop: what was done.
        iterations: one a network.
        elites: of each network's run, uint8 ``(10, 1, 28, 28)``.
    """

    loop: Loop
    iterations: list[Iteration]
    elites: list[np.ndarray]

    @property
    def name(self) -> str:
        """What the report calls it."""
        return _NAMES[self.loop.arm]

    @property
    def medians(self) -> np.ndarray:
        """Median confidence by network, ``(iterations,)``."""
        return np.array([i.median for i in self.iterations])


def loops(context: Context) -> list[Loop]:
    """Both arms in the size of the budget."""
    common = {
        "images": context.scale(smoke=100, laptop=1000, paper=1000),
        "epochs": context.scale(smoke=1, laptop=3, paper=14),
        "generations": context.scale(smoke=10, laptop=200, paper=200),
        "batch": context.scale(smoke=100, laptop=200, paper=200),
        "noise": context.scale(smoke=2000, laptop=20_000, paper=60_000),
        "digits": context.scale(smoke=6000, laptop=None, paper=None),
        "seed": context.seeds[0],
    }
    return [
        Loop(arm="class", iterations=context.scale(smoke=2, laptop=5, paper=15), **common),  # type: ignore[arg-type]
        Loop(arm="unsure", iterations=context.scale(smoke=2, laptop=3, paper=15), **common),  # type: ignore[arg-type]
    ]


def unseen_seeds(seeds: Sequence[int], taught: Sequence[Loop]) -> tuple[int, ...]:
    """As many seeds as ``seeds``: these, but for such as the runs of loops have, which further ones replace.

    Runs of one seed begin with the same images, whatever their network, and the loops teach first generations.

    >>> unseen_seeds((0, 1, 2), [Loop(seed=0, iterations=1)])
    (0, 2, 3)
    """
    known = {loop.seed_of(number) for loop in taught for number in range(1, loop.iterations + 1)}
    free = (seed for seed in chain(seeds, count(max(seeds) + 1)) if seed not in known)
    return tuple(islice(free, len(seeds)))


def unseen(context: Context, taught: Sequence[Loop]) -> np.ndarray:
    """CPPN images that were evolved against the network of the package, uint8 ``(n, 1, 28, 28)``.

    They are those of the page on MNIST, but for seeds that loops are taught with.
    """
    with opened(digit_run(context, "mnist-cppn", seed) for seed in unseen_seeds(context.seeds, taught)) as runs:
        return unseen_images(runs)


def section(context: Context) -> Section:
    """The page."""
    if context.data.mnist() is None:
        return skipped(KEY, TITLE, FIGURES, "It trains on MNIST, and the data folder has none: --data DIR.")
    planned = loops(context)
    strangers = unseen(context, planned)
    outcomes = [Outcome(loop, *run_loop(context, loop, strangers)) for loop in planned]
    verdict, why = judged(claims(outcomes[0]))
    retrained, unsure = outcomes
    return Section(
        key=KEY,
        title=TITLE,
        figures=FIGURES,
        verdict=verdict,
        why=f"{why} One loop of each kind, one seed: how much this varies is not known. {modern(unsure)}",
        rows=tuple(rows_of(retrained, paper=True) + rows_of(unsure, paper=False)),
        pictures=tuple(_pictures(outcomes)),
        settings={outcome.name: asdict(outcome.loop) for outcome in outcomes}
        | {
            "cells": "eleven once there is a fooling class; medians are over the ten digits",
            "first and last generation": "the last is what the final archive breeds next",
            "loops": f"one loop of each kind, one seed: {context.seeds[0]}",
            "seeds of unseen images": unseen_seeds(context.seeds, planned),
        },
        seeds=tuple(
            dict.fromkeys(
                [
                    *unseen_seeds(context.seeds, planned),
                    *(o.loop.seed_of(i.number) for o in outcomes for i in o.iterations),
                ]
            )
        ),
        data={outcome.name: [asdict(i) for i in outcome.iterations] for outcome in outcomes},
    )


def claims(outcome: Outcome) -> list[tuple[bool, str]]:
    """What the paper says about retraining on MNIST, and whether it held; of at least two networks.

    A loop of less says nothing about retraining, which is no claim that held.
    """
    later = outcome.medians[1:]
    if not len(later):
        return [(False, "Nothing was retrained.")]
    lowest = float(later.min())
    # Networks are compared with as many of the paper's: over more of them the lowest would be lower by chance.
    known = RETRAINED_MNIST_MEDIANS[1 : len(outcome.medians)]
    return [
        (
            lowest >= min(known),
            f"However often MNIST is retrained with a fooling class, evolution finds new images: the lowest median of "
            f"{len(later)} retrained network{'s' * (len(later) > 1)} is {percent(lowest)} (the paper's first "
            f"{len(known)}: {as_printed(min(known))}).",
        )
    ]


def modern(outcome: Outcome) -> str:
    """What the modern arm comes to."""
    first, last = outcome.iterations[0], outcome.iterations[-1]
    return (
        f"Taught to be unsure of noise (CEDA) the first network is fooled at a median of {percent(first.median)}; "
        f"taught with the fooling images of {last.number - 1} run(s) besides, at {percent(last.median)}, with "
        f"{100 * last.test_error:.2f} % error on digits."
    )


def rows_of(outcome: Outcome, *, paper: bool) -> list[Row]:
    """A line a network: its median beside the paper's, what noise reaches, and what it is worth on digits."""
    rows = []
    for i in outcome.iterations:
        theirs = RETRAINED_MNIST_MEDIANS[i.number - 1] if paper and i.number <= len(RETRAINED_MNIST_MEDIANS) else None
        rows.append(
            Row(
                f"{outcome.name}: median confidence against DNN_{i.number}",
                percent(i.median),
                None if theirs is None else as_printed(theirs),
                f"noise {percent(i.noise_median)}, random CPPNs {percent(i.cppn_median)}",
                f"trained with {i.taught} fooling images; {i.images:,} images, of each control as many; one loop, one "
                "seed",
            )
        )
    for i in outcome.iterations[1:2]:
        if i.recognised is not None:
            some, of = RETRAINED_RECOGNISED
            rows.append(
                Row(
                    f"{outcome.name}: unseen CPPN images that DNN_{i.number} calls fooling",
                    f"{round(i.recognised * i.unseen)} of {i.unseen}",
                    note=f"evolved against another network; the paper tells only of ImageNet: {some} of {of}",
                )
            )
    for i in outcome.iterations:
        called = "" if i.recognised is None else f"; called fooling: {100 * i.recognised:.0f} %"
        rows.append(
            Row(
                f"{outcome.name}: DNN_{i.number}, error on test digits",
                f"{100 * i.test_error:.2f} %",
                note=f"turned away: {100 * i.false_alarms:.2f} % of digits, {100 * i.turned_away:.0f} % of {i.unseen} "
                f"unseen CPPN images{called}",
            )
        )
    return rows


def _pictures(outcomes: Sequence[Outcome]) -> list[Picture]:
    length = max(len(o.iterations) for o in outcomes)
    known = np.array(RETRAINED_MNIST_MEDIANS[:length])
    curves = [Curve(o.name, np.arange(1, len(o.medians) + 1), o.medians, {"marker": "o"}) for o in outcomes]
    style = {"linestyle": "--", "linewidth": 1.4, "color": "#1f1f24", "marker": "o", "markersize": 3.5}
    curves.append(Curve("paper (Figure 11)", np.arange(1, len(known) + 1), known, style))
    rows = [
        (
            f"{'class' if o.loop.arm == 'class' else 'CEDA'} {i.number}",
            [(image, percent(p)) for image, p in zip(images, i.probabilities, strict=True)],
        )
        for o in outcomes
        for i, images in zip(o.iterations, o.elites, strict=True)
    ]
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
