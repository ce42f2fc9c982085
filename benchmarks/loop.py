"""The whole loop against its floor: the bare forward pass of the same classifier at the same batch and threads, in
whatever arithmetic is the fastest on this machine: beside a slow pass every loop looks fast.

Both are measured in one process and in turn, so that the ratio holds when the machine's speed drifts. The loop is the
real one, into a real run directory: vary, render, score, insert, record, commit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.own_process import peak_memory_mb
from benchmarks.temporary_run import STAGES, TemporaryRun
from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.precision import bare_pass, candidates, time_precisions
from evo_fool.classifiers.scoring import Scorer
from evo_fool.evaluation.assembly import Parts, assemble, resolved
from evo_fool.experiment import Experiment
from evo_fool.randomness import stream


class _Stopwatch:
    """Sums the time spent inside the functions it wraps, by stage."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin at nothing."""
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self.images = dict.fromkeys(STAGES, 0)

    def around(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds[stage] += time.perf_counter() - start
                self.images[stage] += len(args[0]) if args and hasattr(args[0], "__len__") else 0

        return timed


def bench_loop(
    experiment: Experiment,
    *,
    seconds: float = 10.0,
    warm_up: int | None = None,
    rounds: int = 10,
    classifier: Classifier | None = None,
    start: Path | None = None,
) -> dict[str, Any]:
    """Images a second of the loop and of the bare forward pass, their ratio, and the share of each stage.

    Where a classifier screens in half precision, what it costs to confirm the best in float32 falls as the archive
    fills: ``confirmed`` is the share of images that were scored twice. Stages are timed on the host: what rendering
    leaves a GPU to do is waited for when its scores are fetched. Peak memory is the process's until the warm-up ended.

    Args:
        experiment: what to run; its number of generations is ignored.
        seconds: how long to measure, both together.
        warm_up: generations to run first; None: about a second, or a fifth of ``seconds`` if that is less.
        rounds: how often the two take turns; rates are medians over rounds.
        classifier: one that is ready, in place of the one that the experiment names.
        start: a run of this experiment to begin from, in its later and quieter generations; it is copied.
    """
    parts = assemble(experiment, classifier)
    experiment = resolved(experiment, parts)
    watch = _Stopwatch()
    with TemporaryRun(experiment, parts, watch.around, start) as run:
        # Warm up: kernels are compiled, memory is allocated, and the archive has left its first, busy generations.
        began = time.perf_counter()
        run.advance(2)
        least = min(1.0, seconds / 5)
        while run.generation < (warm_up or 0) or (warm_up is None and time.perf_counter() - began < least):
            run.advance(1)
        memory, device_memory = peak_memory_mb(), _peak_device_memory_mb(parts.device)
        times = time_passes(parts)
        floor = min(times, key=times.__getitem__)
        forward = forward_pass(parts, experiment.batch, floor)  # from here on its inputs take memory that no run needs
        forward()
        generations = _how_many(lambda: run.advance(1), seconds / 2 / rounds)
        passes = _how_many(forward, seconds / 2 / rounds)
        watch.reset()
        loop_rates, forward_rates, loop_seconds = [], [], 0.0
        committed = run.recorder.commit_seconds
        for _ in range(rounds):
            since = time.perf_counter()
            images = run.advance(generations)
            spent = time.perf_counter() - since
            loop_seconds += spent
            loop_rates.append(images / spent)
            since = time.perf_counter()
            for _ in range(passes):
                forward()
            forward_rates.append(passes * experiment.batch / (time.perf_counter() - since))
        committing = (run.recorder.commit_seconds - committed) / loop_seconds
    ratios = np.array(loop_rates) / np.array(forward_rates)
    stages = {stage: spent / loop_seconds for stage, spent in watch.seconds.items()}
    stages["other"] = max(0.0, 1.0 - sum(stages.values()))
    return {
        "experiment": experiment.name,
        "classifier": parts.classifier.name,
        "device": str(parts.device),
        "threads": torch.get_num_threads(),
        "batch": experiment.batch,
        "sub_batch": parts.evaluator.scorer.batch,
        "precision": parts.evaluator.scorer.precision,
        "floor": floor,
        "floor_candidates_ms": times,
        "first_generation": run.generation - generations * rounds,
        "generations": generations * rounds,
        "ratio": float(np.median(ratios)),
        "ratio_min": float(ratios.min()),
        "ratio_max": float(ratios.max()),
        "loop_images_per_second": float(np.median(loop_rates)),
        "forward_images_per_second": float(np.median(forward_rates)),
        "stages": stages,
        "confirmed": watch.images["score"] / watch.images["screen"] if watch.images["screen"] else 1.0,
        "commit_beside_the_loop": committing,
        "peak_memory_mb": memory,
        "peak_device_memory_mb": device_memory,
    }


def time_passes(parts: Parts) -> dict[str, float]:
    """Milliseconds an image of a bare pass, in every precision that ``auto`` would try and in the loop's own."""
    scorer = parts.evaluator.scorer
    tried = dict.fromkeys([*candidates(scorer.classifier, parts.device), scorer.precision])
    return time_precisions(scorer.classifier, scorer.batch, parts.device, tried)


def forward_pass(parts: Parts, batch: int, precision: str) -> Callable[[], None]:
    """The floor: the bare network in ``precision`` on inputs that are ready, in the loop's layout and sub-batches."""
    scorer = parts.evaluator.scorer
    images = parts.encoding.render(parts.encoding.random(batch, stream(0, "bench")))
    floor = Scorer(scorer.classifier, batch=scorer.batch, view=scorer.view, device=scorer.device, precision=precision)
    return bare_pass(floor, images)


def _peak_device_memory_mb(device: torch.device) -> float | None:
    """The most that tensors have taken on a GPU so far, in MB of 10^6 bytes; None on a CPU."""
    return torch.cuda.max_memory_allocated(device) / 1e6 if device.type == "cuda" else None


def _how_many(action: Callable[[], object], seconds: float) -> int:
    """How often ``action`` fits into so many seconds, at least once."""
    start = time.perf_counter()
    for _ in range(3):
        action()
    return max(1, int(3 * seconds / (time.perf_counter() - start)))
