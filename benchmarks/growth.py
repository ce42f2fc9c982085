"""How the loop grows with the batch, the size of the images and the number of classes.

A synthetic classifier of that size and number of classes judges CPPNs. Its forward pass is cheap, so that the tables
show what everything else costs: the ratio is far below the one under a real network, the milliseconds are the same.
Runs commit by the clock, and few commits fall into a measurement; what they cost is the business of ``memory.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks.loop import bench_loop
from benchmarks.own_process import in_own_process
from benchmarks.synthetic import synthetic_classifier
from evo_fool.experiment import Experiment

BATCHES = (100, 200, 400, 800, 1600, 3200)
SIZES = (64, 128, 256, 512)
CLASSES = (10, 100, 1000, 10_000)

_ROUNDS = 4

_WARM_UP = 20
"""Generations before each measurement, so that no row is in the archive's first rush while others are past it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What one row of a table is measured at: images a generation, their height and width in pixels, and classes."""

    batch: int
    size: int
    classes: int


BASE = Setting(batch=400, size=64, classes=1000)


def bench_growth(
    *,
    batches: Sequence[int] = BATCHES,
    sizes: Sequence[int] = SIZES,
    classes: Sequence[int] = CLASSES,
    base: Setting = BASE,
    seconds: float = 4.0,
    device: str = "auto",
) -> dict[str, Any]:
    """Three tables, in each of which one thing grows and the other two stay as in ``base``.

    A row is measured in a process of its own. One that several tables share is measured once.

    Args:
        batches: images a generation.
        sizes: heights and widths in pixels.
        classes: cells of the archive.
        base: what stays.
        seconds: time for each row, beside a start of some seconds.
        device: auto, cpu, cuda or cuda:N.

    Returns:
        JSON data: ``by_batch``, ``by_size`` and ``by_classes``, each a list of what :func:`measure` returns.

    Raises:
        ConfigError: no such device, or a setting that no run can have.
        EvoFoolError: a row takes more memory than there is.
    """
    tables = {
        "by_batch": [replace(base, batch=batch) for batch in batches],
        "by_size": [replace(base, size=size) for size in sizes],
        "by_classes": [replace(base, classes=count) for count in classes],
    }
    settings = dict.fromkeys(setting for table in tables.values() for setting in table)
    rows = {setting: in_own_process(measure, setting, seconds, device) for setting in settings}
    return {name: [rows[setting] for setting in table] for name, table in tables.items()}


def measure(setting: Setting, seconds: float, device: str) -> dict[str, Any]:
    """One row, measured in this process.

    Args:
        setting: at what.
        seconds: how long.
        device: auto, cpu, cuda or cuda:N.

    Returns:
        ``batch``, ``size`` and ``classes``; images a second of loop and forward pass, and their ``ratio``; ``stages``,
        shares of the loop's time; ``milliseconds_outside_forward``, a generation's time less a forward pass of its
        batch; ``peak_memory_mb`` of the process with all its libraries, up to the first generation measured, and
        ``peak_device_memory_mb``, None on a CPU; ``first_generation``, ``device`` and ``threads``.
    """
    experiment = Experiment.from_mapping(
        {
            "name": "growth",
            "batch": setting.batch,
            "device": device,
            "encoding": {"kind": "cppn"},
            # As the ImageNet presets: images up to 64 pixels would otherwise be committed in every generation.
            "checkpoint": {"generations": None, "seconds": 30.0},
        }
    )
    classifier = synthetic_classifier(size=setting.size, classes=setting.classes)
    found = bench_loop(experiment, seconds=seconds, warm_up=_WARM_UP, rounds=_ROUNDS, classifier=classifier)
    loop, forward = found["loop_images_per_second"], found["forward_images_per_second"]
    return {
        **asdict(setting),
        "loop_images_per_second": loop,
        "forward_images_per_second": forward,
        "ratio": found["ratio"],
        "milliseconds_outside_forward": 1000 * setting.batch * (1 / loop - 1 / forward),
        "peak_memory_mb": found["peak_memory_mb"],
        "peak_device_memory_mb": found["peak_device_memory_mb"],
        "stages": found["stages"],
        "first_generation": found["first_generation"],
        "device": found["device"],
        "threads": found["threads"],
    }
