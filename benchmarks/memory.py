"""What a run of many classes takes of memory and disk, and how long its commits make the search wait.

The early generations are the hardest: each improves many cells, so that there are many images to write. Generation 0
takes every cell. The classifier is synthetic; a real one adds the memory of its weights and activations.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.own_process import in_own_process, peak_memory_mb
from benchmarks.synthetic import synthetic_classifier
from benchmarks.temporary_run import TemporaryRun
from evo_fool.evaluation.assembly import assemble, resolved
from evo_fool.experiment import Experiment
from evo_fool.randomness import stream
from evo_fool.shape import sides

POLICIES = ("elites", "lineage", "all")

_SIZE = 256


def bench_memory(
    *,
    generations: int = 30,
    policies: Sequence[str] = POLICIES,
    classes: int = 1000,
    size: int = _SIZE,
    batch: int = 400,
    checkpoint: float = 30.0,
    device: str = "auto",
) -> dict[str, Any]:
    """A run for each retention policy, each in a process of its own.

    Args:
        generations: of each run.
        policies: of :data:`POLICIES`.
        classes: cells of the archive.
        size: height and width of the images, in pixels.
        batch: images a generation.
        checkpoint: seconds between commits.
        device: auto, cpu, cuda or cuda:N.

    Returns:
        JSON data: the arguments, and ``by_policy``, a list of what :func:`measure` returns.

    Raises:
        ConfigError: no such device or policy, or a setting that no run can have.
        EvoFoolError: memory or disk do not suffice.
    """
    experiments = [
        Experiment.from_mapping(
            {
                "name": "memory",
                "batch": batch,
                "device": device,
                "encoding": {"kind": "cppn", "size": size},
                "checkpoint": {"generations": None, "seconds": checkpoint},
                "retention": {"keep": policy},
            }
        )
        for policy in policies
    ]
    return {
        "generations": generations,
        "classes": classes,
        "size": size,
        "batch": batch,
        "checkpoint_seconds": checkpoint,
        "by_policy": [in_own_process(measure, experiment, classes, generations) for experiment in experiments],
    }


@dataclass
class _Diary:
    """What each generation took, written down as it ends."""

    folder: Path | None = None
    ended: float = 0.0
    seconds: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    captures: list[int] = field(default_factory=list)
    disk: list[int] = field(default_factory=list)
    commits: list[float] = field(default_factory=list)

    def around(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Time the recorder: while it gathers, or waits for the commit before, the search stands still."""
        if stage != "commit":
            return function

        def timed(population: Any, scored: Any, insertions: Any, row: Any) -> None:
            start = time.perf_counter()
            function(population, scored, insertions, row)
            now = time.perf_counter()
            self.waits.append(now - start)
            self.seconds.append(now - self.ended)
            self.captures.append(len(insertions))
            self.disk.append(disk_bytes(self.folder) if self.folder else 0)
            self.ended = time.perf_counter()

        return timed

    def around_commit(self, commit: Callable[[Any], None]) -> Callable[..., None]:
        """Time the writing itself, which goes on beside the search."""

        def timed(batch: Any) -> None:
            start = time.perf_counter()
            commit(batch)
            self.commits.append(time.perf_counter() - start)

        return timed


def measure(experiment: Experiment, classes: int, generations: int) -> dict[str, Any]:
    """One run, in this process.

    Args:
        experiment: what to run; the size of its encoding is also the classifier's.
        classes: of the synthetic classifier.
        generations: at least 1.

    Returns:
        ``keep``, the policy; ``peak_memory_mb`` of this process since it began; ``disk_mb`` in the end and
        ``peak_disk_mb`` with the log at its longest; ``images_kept``; ``commits`` and ``longest_commit_seconds``,
        beside the search; ``longest_wait_seconds``, the longest that the search stood still for the recorder, and the
        generation and number of cells changed then; the same for the longest generation; ``median_generation_seconds``
        and ``last_commit_seconds``, for which the end of the run waits.
    """
    classifier = synthetic_classifier(size=max(sides(experiment.encoding.size or _SIZE)), classes=classes)
    parts = assemble(experiment, classifier)
    experiment = resolved(experiment, parts)
    # Code that is compiled on its first use would make the first generations the longest.
    rng = stream(0, "bench")
    parts.evaluator.evaluate(parts.encoding.mutate(parts.encoding.random(2, rng), rng, 0))
    diary = _Diary()
    with TemporaryRun(experiment, parts, diary.around) as run:
        diary.folder = run.path
        run.store.commit = diary.around_commit(run.store.commit)  # type: ignore[method-assign]
        diary.ended = began = time.perf_counter()
        images = run.advance(generations)
        kept = len(run.recorder.lineage.sizes)
        start = time.perf_counter()
        run.recorder.commit()
        run.recorder.flush()
        diary.disk.append(disk_bytes(run.path))
        run.store.finish()
        last_commit = time.perf_counter() - start
        elapsed = time.perf_counter() - began
        disk = disk_bytes(run.path)
    slowest, stalled = int(np.argmax(diary.seconds)), int(np.argmax(diary.waits))
    return {
        "keep": experiment.retention.keep,
        "limit_mb": experiment.retention.limit_mb,
        "images_per_second": images / elapsed,
        "peak_memory_mb": peak_memory_mb(),
        "disk_mb": disk / 1e6,
        "peak_disk_mb": max(diary.disk) / 1e6,
        "images_kept": kept,
        "commits": len(diary.commits),
        "longest_commit_seconds": max(diary.commits),
        "last_commit_seconds": last_commit,
        "longest_wait_seconds": diary.waits[stalled],
        "longest_wait_generation": stalled,
        "longest_wait_cells_changed": diary.captures[stalled],
        "longest_generation_seconds": diary.seconds[slowest],
        "longest_generation": slowest,
        "longest_generation_cells_changed": diary.captures[slowest],
        "median_generation_seconds": float(np.median(diary.seconds)),
        "device": str(parts.device),
    }


def disk_bytes(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
