"""``evo-fool bench``: speed as a ratio to a floor or a baseline that is measured in the same run."""

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
@output_option
def loop(
    experiment: str,
    assignments: tuple[str, ...],
    classifier: str | None,
    weights: str | None,
    seconds: float,
    warm_up: int | None,
    output: Output,
) -> None:
    """The whole loop of EXPERIMENT against the bare forward pass of its classifier."""
    from evo_fool.bench.loop import bench_loop

    settings = {"classifier.spec": classifier, "classifier.weights": weights}
    resolved = with_settings(load_experiment(experiment, assignments), settings)
    _show(bench_loop(resolved, seconds=seconds, warm_up=warm_up), output)


@bench.command()
@output_option
def render(output: Output) -> None:
    """Rendering of CPPNs against neat-python pixel by pixel."""
    from evo_fool.bench.render import bench_render

    _show(bench_render(), output)


@bench.command()
@output_option
def insert(output: Output) -> None:
    """Insertion of a batch into an archive of many classes."""
    from evo_fool.bench.insert import bench_insert

    _show(bench_insert(), output)


def _show(result: dict[str, Any], output: Output) -> None:
    if output.json:
        output.data(result)
    else:
        output.table(["measure", " value"], _flat(result))


def _flat(result: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in result.items():
        rows += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(f"{prefix}{key}", value)]
    return rows
