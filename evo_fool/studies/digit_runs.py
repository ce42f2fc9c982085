"""The runs on digits that the report rests on, as long as the budget allows, and their curves over seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evo_fool.runs import Run
from evo_fool.studies.context import Context
from evo_fool.studies.run_finder import opened

SURE = 0.9999
"""What the paper calls fooled on MNIST: 99.99 %."""

EVOLVED = {"cppn": "mnist-cppn", "pixels": "paper/mnist-direct"}
"""Encoding -> experiment, with the paper's mutation."""

RANDOM = {kind: ("mnist-random", {"encoding.kind": kind}) for kind in ("pixels", "cppn")}
"""Encoding -> experiment and settings of the control: as many random images as the evolutions score."""

_SMOKE = {"generations": 20}


def digit_run(context: Context, preset: str, seed: int, settings: Mapping[str, Any] | None = None) -> Run:
    """A run of a shipped experiment on digits, found or evolved; the caller closes it.

    Args:
        context: where to look for it and to evolve it.
        preset: such as ``mnist-cppn``.
        seed: of the run.
        settings: dotted settings to change.
    """
    changed = dict(settings or {}) | {"seed": seed} | (_SMOKE if context.budget == "smoke" else {})
    return context.run(context.experiment(preset, changed))


@contextmanager
def digit_runs(context: Context, preset: str, settings: Mapping[str, Any] | None = None) -> Iterator[list[Run]]:
    """A :func:`digit_run` for each of the context's seeds, open."""
    with opened(digit_run(context, preset, seed, settings) for seed in context.seeds) as runs:
        yield runs


@dataclass(frozen=True, slots=True)
class Course:
    """How the runs of one experiment went, one a seed; generations count from 0.

    Attributes:
        seeds: of the runs.
        median: over digits, ``(seeds, generations)``, in [0, 1].
        lowest: of the worst digit, ``(seeds, generations)``, in [0, 1].
        sure: digits at :data:`SURE` or more at the end, int ``(seeds,)``.
        images: scored by all runs.
    """

    seeds: Sequence[int]
    median: np.ndarray
    lowest: np.ndarray
    sure: np.ndarray
    images: int

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Course:
        """Of runs with equally many generations."""
        metrics = [run.metrics for run in runs]
        median, lowest = (np.array([m[name] for m in metrics], dtype=float) for name in ("median", "min"))
        sure = np.array([int(m["at_least_9999"][-1]) for m in metrics])
        seeds = [run.experiment.seed for run in runs]
        return cls(seeds, median, lowest, sure, int(sum(m["evaluations"][-1] for m in metrics)))

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Course:
        """Back from :meth:`to_json`."""
        median, lowest, sure = (np.array(data[name]) for name in ("median", "lowest", "sure"))
        return cls(data["seeds"], median, lowest, sure, data["images"])

    def to_json(self) -> dict[str, Any]:
        """All of it, JSON-able, with the first generations at which thresholds are reached."""
        firsts = {"every_digit": self.first(self.lowest), "median": self.first(self.median)}
        return asdict(self) | {f"first_{name}_sure": first for name, first in firsts.items()}

    @property
    def last(self) -> int:
        """The last generation."""
        return self.median.shape[1] - 1

    @property
    def final(self) -> np.ndarray:
        """The median over digits at the end, ``(seeds,)``."""
        return self.at(self.last)

    @property
    def digits(self) -> int:
        """Digits at :data:`SURE` or more at the end, the median over seeds."""
        return int(np.median(self.sure))

    def at(self, generation: int) -> np.ndarray:
        """The median over digits at a generation, or at the end if that is earlier, ``(seeds,)``."""
        values: np.ndarray = self.median[:, min(generation, self.last)]
        return values

    def first(self, values: np.ndarray) -> list[int | None]:
        """For each seed the first generation at which ``values`` reaches :data:`SURE`; None: it never does."""
        return [int(row.argmax()) if row.any() else None for row in values >= SURE]
