"""``evo-fool run`` and ``evo-fool resume``: evolve, show progress, stop with a checkpoint, and print a summary."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evo_fool.cli.options import (
    DEFAULT_OUTPUTS,
    Duration,
    classifier_options,
    experiment_argument,
    load_experiment,
    out_option,
    photos_option,
    run_argument,
    source_options,
    with_settings,
)
from evo_fool.cli.output import Output, output_option
from evo_fool.presets import changed_label, find_experiment, preset_names

if TYPE_CHECKING:
    from evo_fool.experiment import Experiment
    from evo_fool.runs import Run
    from evo_fool.sections import ClassifierConfig

device_option = click.option("--device", metavar="auto|cpu|cuda", help="Where to compute.")
max_time_option = click.option(
    "--max-time", type=Duration(), metavar="10m", help="Stop with a checkpoint after so long."
)


@click.command()
@experiment_argument()
@out_option
@click.option("--name", help="A label, part of the run directory's name.")
@click.option("--seed", type=int, help="Decides every random number of the run.")
@click.option("--generations", type=int, help="Generations after the initial one.")
@device_option
@classifier_options
@source_options
@max_time_option
@click.option(
    "--warm-start",
    metavar="RUN",
    help="Begin with the elites of another run, scored again, in place of random genomes. The run's label says so.",
)
@click.option("--keep-photos", is_flag=True, help="Copy the scene's photographs into the run directory.")
@click.option("--check", is_flag=True, help="Load and check everything, say what would run, and run nothing.")
@output_option
def run(
    experiment: str,
    assignments: tuple[str, ...],
    out: Path,
    classifier: str | None,
    weights: str | None,
    classes: str | None,
    max_queries: int | None,
    max_time: float | None,
    warm_start: str | None,
    keep_photos: bool,
    check: bool,
    output: Output,
    **settings: Any,
) -> int:
    """Evolve fooling images as EXPERIMENT says: a YAML file, or the name of a shipped experiment.

    Ctrl-C finishes the generation, commits and stops; a second Ctrl-C stops at once, back to the last commit.
    """
    settings |= {"classifier.spec": classifier, "classifier.weights": weights}
    settings |= {"classifier.classes": classes, "classifier.max_queries": max_queries}
    if warm_start is not None:
        from evo_fool.runs import find_run

        settings["search.warm_start"] = str(find_run(warm_start, out))
    shipped = load_experiment(experiment)
    resolved = _labelled(experiment, shipped, with_settings(shipped, settings, assignments))
    if check:
        return _check(resolved, out, output)

    from evo_fool.session import evolve

    return _drive(lambda **hooks: evolve(resolved, out=out, keep_photos=keep_photos, **hooks), out, max_time, output)


def _check(experiment: Experiment, out: Path, output: Output) -> int:
    """Do and print what a run does before it writes anything."""
    from evo_fool.cli.diagnosis import writable
    from evo_fool.evaluation.assembly import plan

    writable(out)
    planned = plan(experiment)
    facts = planned.to_json()
    if output.json:
        output.data(facts)
        return 0
    channels, height, width = facts["image"]
    kind = {1: "grey", 3: "RGB"}.get(channels, f"{channels} planes of")
    targets = facts["targets"]
    rows = {
        "experiment": f"{facts['name']} ({facts['preset']}), seed {facts['seed']}",
        "classifier": f"{facts['classifier']}, {facts['classes']} classes, fingerprint {facts['fingerprint'][:12]}…",
        "images": f"{kind} {height}x{width}, {facts['encoding']}",
        "scene": _scene(facts["scene"]),
        "search": facts["search"] + (f" for {', '.join(targets[:5])}{', …' if targets[5:] else ''}" if targets else ""),
        "budget": f"{facts['batch']} images x {facts['generations']} generations",
        "scoring": f"{facts['precision']}, {facts['sub_batch']} views a pass, {facts['device']}, "
        f"{facts['threads']} threads",
        "preflight": str(planned.preflight),
    }
    output.table(["what", "would run"], rows.items(), text=("what", "would run"))
    return 0


def _scene(facts: dict[str, Any]) -> str:
    """A scene in one line: its kind, its cells, and what it was recorded with."""
    recorded = {key: value for key, value in facts.items() if key not in ("kind", "cells", "inputs")}
    shown = [f"{key} {str(value)[:12]}{'…' * (len(str(value)) > 12)}" for key, value in recorded.items()]
    each = f"{facts['inputs']} input(s) a picture"
    return ", ".join([facts["kind"], f"{facts['cells']} cells", each, *shown])


@click.command()
@run_argument
@click.option("--generations", type=int, help="A new total, to extend the run.")
@device_option
@classifier_options
@photos_option
@max_time_option
@output_option
def resume(run: str, out: Path, max_time: float | None, output: Output, **changes: Any) -> int:
    """Continue RUN from its last commit, or extend it with --generations."""
    from evo_fool.runs import find_run, open_run
    from evo_fool.session import resume as resume_run

    path = find_run(run, out)
    with open_run(path) as before:
        captures = int(before.summary()["captures"])
    return _drive(lambda **hooks: resume_run(path, **changes, **hooks), out, max_time, output, captures=captures)


def _drive(action: Callable[..., Run], out: Path, max_time: float | None, output: Output, *, captures: int = 0) -> int:
    """Evolve under a live line and a stop flag, report, and return the exit code."""
    from evo_fool.cli.progress import LiveLine
    from evo_fool.session.stopping import EXIT_CODES, StopFlag

    with StopFlag(max_time) as stop, LiveLine(err=output.json, captures=captures) as live:
        try:
            result = action(callbacks=(live, stop))
        except KeyboardInterrupt:
            if live.last is not None:
                output.say(f"stopped at once; continue from the last commit: {_command('resume', live.last.path, out)}")
            raise
    with result:
        summary, classifier = result.summary(), result.experiment.classifier
        raced = result.experiment.scene.kind != "alone"
    if output.json:
        output.data(summary)
    else:
        if raced and live.last is not None and live.last.possible:
            passes, possible = live.last.passes, live.last.possible
            saved = f", of {possible:,} without racing ({1 - passes / possible:.0%} saved)" if passes < possible else ""
            output.say(f"forward passes: {passes:,}{saved}")
        _say_summary(summary, out, classifier, output)
        _say_spent(classifier, output)
    return 0 if summary["status"] == "finished" else EXIT_CODES[stop()]


def _say_spent(classifier: ClassifierConfig, output: Output) -> None:
    """What servers were asked, where the classifier is one or has some for members."""
    from evo_fool.classifiers.spec import ClassifierSpec

    for url in [member.target for member in ClassifierSpec.of(classifier).members if member.kind == "http"]:
        from evo_fool.classifiers.sources.http import spent

        asked = spent(url)
        output.say(
            f"{url}: {asked.images:,} images sent in {asked.requests:,} requests, {asked.kept:,} known already, "
            f"{asked.seconds:.1f} s of waiting"
        )


def _say_summary(summary: dict[str, Any], out: Path, classifier: ClassifierConfig, output: Output) -> None:
    from evo_fool.classifiers.spec import ClassifierSpec
    from evo_fool.text import probability_text

    trusted = f" --classifier {shlex.quote(classifier.spec)}" if ClassifierSpec.of(classifier).hazard else ""
    at_least = ", ".join(f"{count} ≥ {threshold}" for threshold, count in summary["at_least"].items())
    path = Path(summary["path"])
    verbs = ["show", "sheet", "plot", "verify"]
    if summary["status"] != "finished":
        verbs.insert(0, "resume")
    output.say(
        f"{summary['status']} at generation {summary['generation']}: {summary['evaluations']} images "
        f"in {summary['wall_seconds']:.1f} s ({summary['images_per_second']:,.0f} images/s)"
    )
    if summary["targets"] == 1:
        output.say(f"confidence of its class: {probability_text(summary['median_confidence'])}")
    else:
        names = ("median", "mean", "min")
        shown = ", ".join(f"{name} {probability_text(summary[f'{name}_confidence'])}" for name in names)
        output.say(f"confidence: {shown}; of {summary['targets']} classes {at_least}")
    output.say(f"{path}")
    output.say()
    output.say("next:")
    for verb in verbs:
        output.say(f"  {_command(verb, path, out)}{trusted if verb in ('resume', 'verify') else ''}")


def _command(verb: str, path: Path, out: Path) -> str:
    """The command for one run: by its id where that is enough, else by its path."""
    name = path.name.rpartition("_")[2] if out == DEFAULT_OUTPUTS else str(path)
    return f"evo-fool {verb} {shlex.quote(name)}"


def _labelled(text: str, shipped: Experiment, experiment: Experiment) -> Experiment:
    """A preset whose settings were changed is no longer that preset, and every report should say so."""
    if experiment.preset != shipped.preset or experiment.preset == "custom":
        return experiment
    if shipped.preset in preset_names() and find_experiment(shipped.preset) != find_experiment(text):
        shipped = load_experiment(shipped.preset)  # an edited copy still names the preset it was copied from
    return experiment.model_copy(update={"preset": changed_label(shipped, experiment)})
