"""``evo-fool bench``: speed as a ratio to a floor or a baseline measured in the same run."""

from __future__ import annotations

from typing import Any

import click

from evo_fool.cli.options import (
    Duration,
    classifier_options,
    experiment_argument,
    load_experiment,
    with_settings,
)
from evo_fool.cli.output import Output, output_option

device_option = click.option("--device", metavar="auto|cpu|cuda", default="auto", help="Where to measure.")


@click.group()
def bench() -> None:
    """Measure speed against its floor and its baseline."""


@bench.command()
@experiment_argument(default="mnist-cppn")
@classifier_options
@click.option("--seconds", type=Duration(), default=10.0, show_default=True, help="How long to measure.")
@click.option(
    "--warm-up", type=click.IntRange(0), metavar="N", help="Generations to run first; default: about a second."
)
@click.option(
    "--from", "start", metavar="RUN", help="Measure where RUN stands, on a copy of it; EXPERIMENT is then RUN's own."
)
@output_option
def loop(
    experiment: str,
    assignments: tuple[str, ...],
    classifier: str | None,
    weights: str | None,
    seconds: float,
    warm_up: int | None,
    start: str | None,
    output: Output,
) -> None:
    """The whole loop of EXPERIMENT against the bare forward pass of its classifier."""
    from benchmarks.loop import bench_loop

    if start is None:
        settings = {"classifier.spec": classifier, "classifier.weights": weights}
        resolved = with_settings(load_experiment(experiment, assignments), settings)
        _show(bench_loop(resolved, seconds=seconds, warm_up=warm_up), output)
        return
    from evo_fool.evaluation.assembly import trusted_classifier
    from evo_fool.runs import find_run, open_run
    from evo_fool.runs.lock import writer

    path = find_run(start)
    with open_run(path) as run, writer(path):  # no writer while it is copied
        judge = trusted_classifier(run.experiment, classifier, weights)
        resolved = run.experiment.model_copy(update={"classifier": judge})
        _show(bench_loop(resolved, seconds=seconds, warm_up=warm_up, start=path), output)


@bench.command()
@output_option
def render(output: Output) -> None:
    """Rendering of CPPNs, on the CPU and on a GPU, against neat-python and other ways to do it."""
    from benchmarks.render import bench_render

    _show(bench_render(), output)


@bench.command()
@output_option
def insert(output: Output) -> None:
    """Insertion of a batch into an archive of many classes."""
    from benchmarks.insert import bench_insert

    _show(bench_insert(), output)


@bench.command()
@click.option("--seconds", type=Duration(), default=4.0, show_default=True, help="How long to measure each row.")
@device_option
@output_option
def growth(seconds: float, device: str, output: Output) -> None:
    """The loop as batch, image size and number of classes grow, under a cheap synthetic classifier.

    Each row is measured in a process of its own; all of them take some minutes.
    """
    from benchmarks.growth import bench_growth

    _show(bench_growth(seconds=seconds, device=device), output)


@bench.command()
@click.option("--generations", type=click.IntRange(1), default=30, show_default=True, help="Of each run.")
@click.option("--classes", type=click.IntRange(2), default=1000, show_default=True, help="Cells of the archive.")
@click.option("--size", type=click.IntRange(1, 4096), default=256, show_default=True, help="Pixels a side.")
@click.option(
    "--checkpoint", type=Duration(), default=30.0, show_default=True, help="How often the runs commit, by the clock."
)
@device_option
@output_option
def memory(generations: int, classes: int, size: int, checkpoint: float, device: str, output: Output) -> None:
    """Memory, disk by retention policy, and how long commits make the search wait.

    One run for each policy, under a cheap synthetic classifier, in a process and a temporary folder of its own.
    """
    from benchmarks.memory import bench_memory

    found = bench_memory(generations=generations, classes=classes, size=size, checkpoint=checkpoint, device=device)
    _show(found, output)


def _show(result: dict[str, Any], output: Output) -> None:
    """Single figures as one table, and each list of rows as a table of its own."""
    if output.json:
        output.data(result)
        return
    figures = _flat(result)
    tables = [(name, value) for name, value in figures if isinstance(value, list)]
    if plain := [(name, value) for name, value in figures if not isinstance(value, list)]:
        output.table(["measure", "value"], plain)
    for name, rows in tables:
        flat = [dict(_flat(row)) for row in rows]
        if flat:
            output.say(f"\n{name}")
            # Downwards: a row has more figures than a terminal is wide.
            columns = ["measure", *[str(number) for number in range(1, len(flat) + 1)]]
            output.table(columns, [(key, *[row[key] for row in flat]) for key in flat[0]])


def _flat(result: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in result.items():
        rows += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(f"{prefix}{key}", value)]
    return rows
