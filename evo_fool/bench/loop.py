"""The whole loop against its floor: the bare forward pass of the same classifier at the same batch and threads.

Both are measured in one process and in turn, so that the ratio holds when the machine's speed drifts. The loop is the
real one, into a real run directory: vary, render, score, insert, record, commit.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
from deap import base, tools

from evo_fool.evolution.loop import evolve as run_loop
from evo_fool.evolution.statistics import build_statistics
from evo_fool.evolution.toolbox import build_toolbox
from evo_fool.experiment import Experiment
from evo_fool.randomness import stream
from evo_fool.runs.assembly import Parts, assemble, resolved
from evo_fool.runs.directory import create_directory
from evo_fool.runs.lineage import Lineage
from evo_fool.runs.recorder import Recorder
from evo_fool.runs.session import describe
from evo_fool.runs.store import Store

STAGES = ("vary", "render", "screen", "score", "insert", "commit")

_ROUNDS = 10


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


def bench_loop(experiment: Experiment, *, seconds: float = 10.0, warm_up: int | None = None) -> dict[str, Any]:
    """Images a second of the loop and of the bare forward pass, their ratio, and the share of each stage.

    Where a classifier screens in half precision, what it costs to confirm the best in float32 falls as the archive
    fills: ``confirmed`` is the share of images that were scored twice.

    Args:
        experiment: what to run; its number of generations is ignored.
        seconds: how long to measure, both together.
        warm_up: generations to run first; None: about a second, or a fifth of ``seconds`` if that is less.
    """
    parts = assemble(experiment)
    experiment = resolved(experiment, parts)
    with tempfile.TemporaryDirectory(prefix="evo-fool-bench-") as folder, ExitStack() as stack:
        directory = create_directory(Path(folder), experiment.name, *describe(experiment, parts))
        store = Store(directory)
        watch = _Stopwatch()
        toolbox = _timed_toolbox(experiment, parts, watch)
        lineage = Lineage(experiment.retention)
        recorder = stack.enter_context(
            Recorder(store, parts.encoding, toolbox.strategy, lineage, experiment.checkpoint)
        )
        record = watch.around("commit", recorder)
        generation = 0

        def loop(generations: int) -> int:
            nonlocal generation
            before = toolbox.strategy.evaluations
            run_loop(
                toolbox,
                first=generation,
                last=generation + generations - 1,
                statistics=build_statistics(),
                logbook=tools.Logbook(),
                record=record,
            )
            recorder.flush()  # a commit that is still being written belongs to the loop, not to what comes next
            generation += generations
            return int(toolbox.strategy.evaluations - before)

        forward = forward_pass(parts, experiment.batch)
        # Warm up: kernels are compiled, memory is allocated, and the archive has left its first, busy generations.
        began = time.perf_counter()
        loop(2)
        while generation < (warm_up or 0) or (warm_up is None and time.perf_counter() - began < min(1.0, seconds / 5)):
            loop(1)
        forward()
        generations = _how_many(lambda: loop(1), seconds / 2 / _ROUNDS)
        passes = _how_many(forward, seconds / 2 / _ROUNDS)
        watch.reset()
        loop_rates, forward_rates, loop_seconds = [], [], 0.0
        committed = recorder.commit_seconds
        for _ in range(_ROUNDS):
            start = time.perf_counter()
            images = loop(generations)
            spent = time.perf_counter() - start
            loop_seconds += spent
            loop_rates.append(images / spent)
            start = time.perf_counter()
            for _ in range(passes):
                forward()
            forward_rates.append(passes * experiment.batch / (time.perf_counter() - start))
        committing = (recorder.commit_seconds - committed) / loop_seconds
        store.finish()
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
        "first_generation": generation - generations * _ROUNDS,
        "generations": generations * _ROUNDS,
        "ratio": float(np.median(ratios)),
        "ratio_min": float(ratios.min()),
        "ratio_max": float(ratios.max()),
        "loop_images_per_second": float(np.median(loop_rates)),
        "forward_images_per_second": float(np.median(forward_rates)),
        "stages": stages,
        "confirmed": watch.images["score"] / watch.images["screen"] if watch.images["screen"] else 1.0,
        "commit_beside_the_loop": committing,
    }


def forward_pass(parts: Parts, batch: int) -> Callable[[], object]:
    """The floor: the bare network on inputs that are ready, in the loop's layout, precision and sub-batches."""
    scorer, network = parts.evaluator.scorer, parts.evaluator.scorer.network
    images = parts.encoding.render(parts.encoding.random(batch, stream(0, "bench")))
    inputs = [scorer.prepare(views, network) for views in scorer.views(images)]

    def forward() -> None:
        with torch.inference_mode():
            for chunk in inputs:
                network(chunk)
            if parts.device.type == "cuda":
                torch.cuda.synchronize(parts.device)

    return forward


def _timed_toolbox(experiment: Experiment, parts: Parts, watch: _Stopwatch) -> base.Toolbox:
    """The experiment's toolbox with a stopwatch around every stage."""
    evaluator = parts.evaluator
    evaluator.encoding.render = watch.around("render", evaluator.encoding.render)  # type: ignore[method-assign]
    evaluator.scorer.screen = watch.around("screen", evaluator.scorer.screen)  # type: ignore[method-assign]
    evaluator.scorer.score = watch.around("score", evaluator.scorer.score)  # type: ignore[method-assign]
    toolbox = build_toolbox(experiment, parts.encoding, evaluator, parts.targets)
    toolbox.register("generate", watch.around("vary", toolbox.strategy.generate))
    toolbox.register("update", watch.around("insert", toolbox.strategy.update))
    return toolbox


def _how_many(action: Callable[[], object], seconds: float) -> int:
    """How often ``action`` fits into so many seconds, at least once."""
    start = time.perf_counter()
    for _ in range(3):
        action()
    return max(1, int(3 * seconds / (time.perf_counter() - start)))
