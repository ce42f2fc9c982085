"""``evo-fool ls``, ``show`` and ``compare``; nothing here writes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evo_fool.cli.options import DEFAULT_OUTPUTS, out_option, run_argument
from evo_fool.cli.output import Output, output_option
from evo_fool.errors import CorruptRunError, EvoFoolError, RunNotFoundError

if TYPE_CHECKING:
    from evo_fool.experiment import Experiment
    from evo_fool.runs import Run

_SHOWN_CLASSES = 40


@click.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=DEFAULT_OUTPUTS)
@output_option
def ls(folder: Path, output: Output) -> None:
    """List the runs in DIR (default: outputs), oldest first."""
    from evo_fool.runs import list_runs

    if folder != DEFAULT_OUTPUTS and not folder.is_dir():
        raise RunNotFoundError(f"{folder}: no such folder; give the folder that run directories are in")
    summaries = [_summary_or_damage(path) for path in list_runs(folder)]
    if output.json:
        output.data(summaries)
        return
    if not summaries:
        output.say(f"{folder}: no runs yet; start one with: evo-fool run mnist-cppn")
        return
    columns = ["id", "name", "status", "generation", "median", "≥ .99", "classes", "images/s", "MB"]
    output.table(columns, [_row(summary) for summary in summaries], text=("id", "name", "status"))


@click.command()
@run_argument
@click.argument("class_", metavar="[CLASS]", required=False)
@output_option
def show(run: str, class_: str | None, out: Path, output: Output) -> None:
    """Show what RUN reached, or everything about the elite of one CLASS.

    CLASS is an index, a name, or another name such as ImageNet's WordNet ids and synonyms.
    """
    from evo_fool.runs import find_run, open_run

    with open_run(find_run(run, out)) as opened:
        if class_ is None:
            _show_run(opened, output)
        else:
            _show_class(opened, class_, output)


@click.command()
@click.argument("runs", nargs=-1, required=True)
@out_option
@output_option
def compare(runs: tuple[str, ...], out: Path, output: Output) -> None:
    """Put RUNs side by side: what they reached, how soon, and which settings differ."""
    from evo_fool.runs import find_run, open_run
    from evo_fool.runs.experiment_diff import differing_settings, flat, transposed

    if len(runs) < 2:
        raise click.UsageError("give at least two runs to compare")
    columns: list[dict[str, Any]] = []
    experiments: list[Experiment] = []
    for text in runs:
        with open_run(find_run(text, out)) as opened:
            columns.append(opened.summary() | {"median_reached": _median_reached(opened)})
            experiments.append(opened.experiment)
    differences = differing_settings(experiments)
    if output.json:
        output.data({"runs": columns, "differences": differences})
        return
    rows = differences | transposed([flat(column) for column in columns])
    names = [Path(column["path"]).name for column in columns]
    output.table(["", *names], [[key, *values] for key, values in rows.items() if key != "path"])


def _show_run(run: Run, output: Output) -> None:
    from evo_fool.runs.experiment_diff import flat

    summary, elites = run.summary(), run.elites
    if output.json:
        output.data(summary | {"elites": [asdict(elite) for elite in elites]})
        return
    output.table(["", ""], [[key.replace("_", " "), value] for key, value in flat(summary).items()])
    output.say()
    shown = elites if len(elites) <= _SHOWN_CLASSES else sorted(elites, key=lambda e: e.log_odds)[:_SHOWN_CLASSES]
    from evo_fool.text import probability_text

    if len(shown) < len(elites):
        output.say(f"the {len(shown)} least confident of {len(elites)} classes (--json has all of them):")
    output.table(
        ["class", "name", "confidence", "log-odds", "since generation", "image"],
        [[e.class_index, e.class_name, probability_text(e.probability), e.log_odds, e.generation, e.id] for e in shown],
        text=("name",),
    )


def _show_class(run: Run, text: str, output: Output) -> None:
    index = run.class_index(text)
    elite = run[index]
    captures = [
        {"generation": at, "image": id, "previous": None if previous < 0 else previous, "log_odds": log_odds}
        for at, cell, id, previous, log_odds in run.captures.tolist()
        if cell == index
    ]
    from evo_fool.runs.individuals import describe_genome

    genome = describe_genome(run, elite.id)
    aliases = run.class_aliases[index]
    data = asdict(elite) | {"class_aliases": aliases}
    data |= {"image_shape": run.image(index).shape, "captures": captures, "genome": genome}
    if output.json:
        output.data(data)
        return
    rows = asdict(elite) | ({"class_aliases": ", ".join(aliases)} if aliases else {})
    output.table(["", ""], [[key.replace("_", " "), value] for key, value in rows.items()])
    output.say()
    output.say(f"captured {len(captures)} times:")
    output.table(
        ["generation", "image", "from", "log-odds"],
        [[c["generation"], c["image"], c["previous"], c["log_odds"]] for c in captures[-_SHOWN_CLASSES:]],
        text=(),
    )


def _summary_or_damage(path: Path) -> dict[str, Any]:
    """One damaged run does not hide the others."""
    from evo_fool.runs import open_run

    try:
        with open_run(path) as run:
            return run.summary()
    except EvoFoolError as error:
        return {"path": str(path), "status": _unreadable(error), "error": str(error)}


def _unreadable(error: EvoFoolError) -> str:
    """A run that cannot be read may be whole, as where the disk fails or files cannot be locked."""
    return "damaged" if isinstance(error, CorruptRunError) else "unreadable"


def _row(summary: dict[str, Any]) -> list[Any]:
    from evo_fool.text import probability_text

    if "error" in summary:
        return [None, Path(summary["path"]).name, summary["status"], *[None] * 6]
    return [
        summary["id"],
        summary["name"],
        summary["status"],
        f"{summary['generation']}/{summary['generations']}",
        probability_text(summary["median_confidence"]),
        summary["at_least"]["0.99"],
        summary["classes"],
        round(summary["images_per_second"]),
        f"{summary['disk_bytes'] / 1e6:.1f}",
    ]


def _median_reached(run: Run) -> dict[str, int | None]:
    """The first generation whose median is at least each threshold; None: never."""
    metrics = run.metrics
    reached: dict[str, int | None] = {}
    for threshold in (0.9, 0.99, 0.9999):
        hits = metrics["generation"][metrics["median"] >= threshold]
        reached[f"{threshold:g}"] = int(hits[0]) if len(hits) else None
    return reached
