"""Whether one generation fits into memory, checked before a run begins.

Counts what is certainly held at once: the images of a batch, their genomes, the scene's photographs, and one scoring
batch as floats. The
network's own memory is unknown: what passes may still not fit, what is refused cannot.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from evo_fool.classifiers.views import view_count
from evo_fool.errors import ConfigError
from evo_fool.experiment import Experiment
from evo_fool.randomness import stream

if TYPE_CHECKING:
    from evo_fool.evaluation.assembly import Parts

_MEMINFO = Path("/proc/meminfo")
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Of the machine, and of a container, by either version of Linux's control groups."""


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Bytes that one generation holds at once.

    Attributes:
        images: of a batch, one byte a pixel and channel.
        genomes: parents and children; of the genetic algorithm, the populations of all classes.
        views: one scoring batch in float32.
        scene: the photographs that a scene holds.
    """

    images: int
    genomes: int
    views: int
    scene: int = 0

    @property
    def total(self) -> int:
        """The sum, in bytes."""
        return self.images + self.genomes + self.views + self.scene


def memory_need(experiment: Experiment, parts: Parts) -> MemoryNeed:
    """The bytes that a generation of ``experiment`` holds at once."""
    encoding, scorer = parts.encoding, parts.evaluator.scorer
    n = max(experiment.batch, experiment.initial_batch)
    image = math.prod(encoding.shape)
    none = encoding.random(0, stream(experiment.seed, "init", 0))
    populations = 2 + max(0, min(len(parts.targets), experiment.generations) - 1)
    views = view_count(scorer.view)
    rows = min(n * parts.scene.inputs // views, max(1, scorer.batch // views))
    return MemoryNeed(
        images=n * image,
        genomes=populations * n * none.dtype.itemsize * math.prod(none.shape[1:]),
        views=4 * rows * max(image, math.prod(parts.scene.shape) if parts.scene.nbytes else 0),
        scene=parts.scene.nbytes,
    )


def check_memory(experiment: Experiment, parts: Parts) -> None:
    """Refuse a batch that cannot fit; every batch passes where the free memory is unknown.

    Raises:
        ConfigError: what is needed, what is free, and which settings to lower.
    """
    need = memory_need(experiment, parts)
    if parts.device.type == "cuda":
        # Some encodings draw there; all genomes stay in the machine's own memory.
        drawn = parts.encoding.device != "cpu"
        there = MemoryNeed(need.images if drawn else 0, 0, need.views, need.scene)
        _compare(experiment, parts, there, torch.cuda.mem_get_info(parts.device)[0], f"on {parts.device}")
        need = MemoryNeed(0 if drawn else need.images, need.genomes, 0, need.scene)
    _compare(experiment, parts, need, available_memory(), "here")


def available_memory() -> int | None:
    """Bytes that this process can still allocate, with swap; None where the system does not tell."""
    try:
        lines = dict(line.split(":") for line in _MEMINFO.read_text().splitlines())
        found = sum(int(lines[name].split()[0]) * 1024 for name in ("MemAvailable", "SwapFree"))
    except (OSError, KeyError, ValueError):
        try:  # macOS tells the total only
            found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (OSError, ValueError):
            return None
    for limit in _LIMITS:
        try:
            found = min(found, int(limit.read_text()))
        except (OSError, ValueError):  # none of this kind, or "max"
            continue
    return found


def _compare(experiment: Experiment, parts: Parts, need: MemoryNeed, available: int | None, where: str) -> None:
    if available is None or need.total <= available:
        return
    n, encoding = max(experiment.batch, experiment.initial_batch), parts.encoding
    counted = {
        "images": need.images,
        "genomes": need.genomes,
        "one scoring batch": need.views,
        "photographs": need.scene,
    }
    listed = ", ".join(f"{what} {size / 1e9:.1f}" for what, size in counted.items() if size)
    raise ConfigError(
        f"batch = {n} images of {'x'.join(map(str, encoding.shape))} takes at least "
        f"{need.total / 1e9:.1f} GB ({listed}), and {available / 1e9:.1f} GB are free {where}; "
        "lower batch, encoding.size or scoring.batch, as in -S batch=20"
    )
