"""``evo-fool gradient METHOD``: pictures found by following gradients, each method's as a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evo_fool.cli.options import classifier_options, out_option
from evo_fool.cli.output import Output, output_option

if TYPE_CHECKING:
    from evo_fool.experiment import Experiment

Verb = Callable[..., Any]

_EPSILON = {"linf": 10.0, "l2": 2000.0}
"""Moosavi-Dezfooli et al. 2017, section 3."""


def _options(*options: Callable[[Verb], Verb]) -> Callable[[Verb], Verb]:
    """Several options as one decorator, in this order."""

    def decorate(verb: Verb) -> Verb:
        for option in reversed(options):
            verb = option(verb)
        return verb

    return decorate


def _whole(flag: str, help: str, default: int | None = None) -> Callable[[Verb], Verb]:
    kind, shown = click.IntRange(min=1), default is not None
    return click.option(flag, type=kind, metavar="N", help=help, default=default, show_default=shown)


def _number(flag: str, help: str, default: float | None = None) -> Callable[[Verb], Verb]:
    kind, shown = click.FloatRange(min=0), default is not None
    return click.option(flag, type=kind, metavar="X", help=help, default=default, show_default=shown)


class _OnPhotographs(click.Command):
    """Takes ``--between A B`` for ``--between A,B``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--between") + 1 if "--between" in args else len(args)
        if all(each.isdigit() for each in args[at : at + 2]) and len(args) > at + 1:
            args = [*args[:at], ",".join(args[at : at + 2]), *args[at + 2 :]]
        return super().parse_args(ctx, args)


_photos = _options(
    click.option(
        "--photos",
        required=True,
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="A folder of photographs, flat or one folder a class; one photograph; or an .npz with images.",
    ),
    _whole("--count", "So many of them, evenly spread.  [default: all]"),
    click.option("--between", metavar="A,B", help="Only places A to B - 1 by class, before --count."),
)
_common = _options(
    classifier_options,
    click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True),
    click.option("--name", help="A label, part of the run directory's name.  [default: the method]"),
    click.option("--device", metavar="auto|cpu|cuda", default="auto", help="Where to compute."),
    out_option,
    output_option,
)


@click.group()
def gradient() -> None:
    """Find pictures by following a network's gradient, where evolution asks for its answers only.

    Each method leaves a run, which show, export, verify and the gallery take like any other. Ctrl-C ends with the step
    at hand.
    """


@gradient.command()
@_whole("--limit", "At most so many classes, evenly spread.  [default: all]")
@click.option(
    "--setting",
    type=click.Choice(["none", "l2", "l2-blur", "l2-blur-pixels"]),
    default="none",
    show_default=True,
    help="How the image is kept regular.",
)
@click.option("--start", type=click.Choice(["mean", "uniform", "zero"]), default="mean", show_default=True)
@_whole("--steps", "At most so many.  [default: the setting's]")
@_number("--until", "End a climb at this confidence.", 0.99999)
@_common
def ascent(output: Output, **options: Any) -> int:
    """Climb the gradient of every class from noise: one image a class, without evolution (Figure 13)."""
    return _run("ascent", {"kind": "alone"}, ("limit", "setting", "start", "steps", "until"), output, **options)


@gradient.command(cls=_OnPhotographs)
@_photos
@click.option("--norm", type=click.Choice(["linf", "l2"]), default="linf", show_default=True, help="What is bounded.")
@_number("--epsilon", "The bound, of 255.  [default: 10 for linf, 2000 for l2]")
@click.option("--target", metavar="CLASS", help="The class to reach.  [default: any but the clean prediction]")
@click.option(
    "--way",
    type=click.Choice(["sgd", "deepfool"]),
    default="sgd",
    show_default=True,
    help="sgd: descend on the margin; deepfool: the loop of Moosavi-Dezfooli et al., which needs foolbox.",
)
@_whole("--passes", "Over the photographs.  [default: 12, deepfool at most 10]")
@_whole("--batch", "Photographs in one gradient.  [default: 25, deepfool 10]")
@click.option("--augment/--no-augment", default=None, help="Mirror and shift the photographs.  [default: augment]")
@_number("--until", "For deepfool: end once this share is fooled.  [default: 0.8]")
@_common
def universal(norm: str, epsilon: float | None, target: str | None, way: str, output: Output, **options: Any) -> int:
    """Find one perturbation that changes the network's answer to nearly every photograph."""
    scene = {
        "kind": "perturbation",
        "norm": norm,
        "epsilon": _EPSILON[norm] if epsilon is None else epsilon,
        "cells": "other" if target is None else (target,),
    }
    method = "universal" if way == "sgd" else "universal-deepfool"
    return _run(method, scene, ("passes", "batch", "augment", "until"), output, **options)


_precision = click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    default="float32",
    show_default=True,
    help="Of gradients, never of scores. bfloat16 is faster where the processor has it.",
)


@gradient.command(cls=_OnPhotographs)
@_photos
@click.option("--target", required=True, metavar="CLASS", help="The class to reach.")
@click.option("--form", type=click.Choice(["disc", "square"]), default="disc", show_default=True)
@_number("--share", "Of the photograph's area.", 0.1)
@_number("--rotation", "Largest angle in degrees, either way.", 22.5)
@_whole("--places", "On each photograph where the result is scored.", 4)
@_whole("--steps", "Of Adam.", 500)
@_whole("--every", "Steps between two pictures of the run.", 50)
@_whole("--batch", "Photographs in one gradient, each with a place of its own.", 16)
@_number("--rate", "Adam's.", 0.05)
@_precision
@_common
def patch(target: str, form: str, share: float, rotation: float, places: int, output: Output, **options: Any) -> int:
    """Find a patch that makes the network answer CLASS wherever it lies."""
    place = {"form": form, "share": share, "rotation": rotation, "places": places}
    settings = ("steps", "every", "batch", "rate", "precision")
    return _run("patch", {"kind": "patch", "cells": (target,)} | place, settings, output, **options)


@gradient.command()
@click.option("--task", default="squares", show_default=True, help="squares, mnist, cifar10, a folder or an .npz.")
@click.option("--data", metavar="PATH", help="Where mnist or cifar10 is.  [default: below $EVO_FOOL_DATA]")
@_whole("--inner", "Side of the task images in pixels.  [default: their own]")
@click.option("--mapping", type=click.Choice(["order", "greedy"]), default="order", show_default=True)
@_whole("--count", "Task images to learn from.", 1000)
@_whole("--held-out", "Others, for the accuracy.", 500)
@_whole("--epochs", "Over the task images.", 20)
@_whole("--batch", "Task images in one gradient.", 50)
@_number("--rate", "Adam's at the start.", 0.05)
@_number("--decay", "Factor on the rate every two epochs.", 0.96)
@_number("--penalty", "On the mean of W².", 0.05)
@_whole("--every", "Epochs between two pictures of the run, each of which is scored on all task images.", 1)
@_precision
@_common
def program(output: Output, **options: Any) -> int:
    """Find a frame that makes the network do another TASK, whose labels some of its classes stand for."""
    scene = {"kind": "program"} | {
        key: options.pop(key) for key in ("task", "data", "inner", "mapping", "count", "held_out")
    }
    settings = ("epochs", "batch", "rate", "decay", "penalty", "every", "precision")
    return _run("program", scene, settings, output, **options)


@gradient.command(cls=_OnPhotographs)
@_photos
@click.option(
    "--target",
    "targets",
    required=True,
    multiple=True,
    metavar="CLASS",
    help="Repeat it for more. random: one that the seed draws for each photograph, which is not its answer.",
)
@_whole("--searches", "Bisections of c after the first success.", 5)
@_whole("--iterations", "Most of one minimisation.", 50)
@_common
def lbfgs(targets: tuple[str, ...], output: Output, out: Path, **options: Any) -> int:
    """Change each photograph as little as possible so that the network answers each CLASS; one run a photograph.

    Ctrl-C ends with the photographs that are finished.
    """
    experiment = _experiment("lbfgs", {"kind": "perturbation", "cells": targets}, ("searches", "iterations"), **options)
    from evo_fool.cli.meter import Meter

    columns = ("photograph", "place", "target", "success", "distortion", "run")
    rows: list[tuple[str, int, str, bool, float, str]] = []
    with Meter("photographs and targets") as report:
        from evo_fool.session.gradient_run import lbfgs_runs  # torch, which takes seconds
        from evo_fool.session.stopping import EXIT_CODES, StopFlag

        with StopFlag() as stop:
            for done in lbfgs_runs(experiment, out=out, report=report, stop=stop):
                with done.run as run:
                    found = zip(run.classes, done.success.tolist(), done.distortion.tolist(), strict=True)
                    rows += [(done.photograph, done.place, *each, str(run.path)) for each in found]
    if output.json:
        pairs = [dict(zip(columns, row, strict=True)) for row in rows]
        output.data({"pairs": pairs, "success": sum(row[3] for row in rows) / len(rows) if rows else None})
    else:
        output.table(columns, rows, text=("photograph", "target", "run"))
    if stop():
        output.say(f"stopped; finished: {len(rows)}")
    return EXIT_CODES[stop()] if stop() else 0


def _experiment(
    method: str, scene: dict[str, Any], keys: tuple[str, ...], *, name: str | None, **options: Any
) -> Experiment:
    """The experiment of a verb's options: those in ``keys`` are the method's settings, where they are given."""
    from evo_fool.experiment import Experiment
    from evo_fool.scene_sections import places

    settings = {key: options.pop(key) for key in keys if key in options}
    if "photos" in options:
        scene |= {"photos": str(options.pop("photos")), "count": options.pop("count")}
        between = options.pop("between")
        scene["between"] = None if between is None else places(between)
    classifier = {key: options.pop(option) for key, option in (("spec", "classifier"), ("weights", "weights"))}
    given = {key: value for key, value in settings.items() if value is not None}
    return Experiment.from_mapping(
        {
            "name": name or f"gradient-{method}",
            "preset": f"gradient {method}",
            "batch": 1,
            "classifier": {key: value for key, value in classifier.items() if value is not None},
            "scene": scene,
            "search": {"kind": "gradient", "method": method, "settings": given},
            **options,
        },
        source=f"gradient {method}",
    )


def _run(
    method: str, scene: dict[str, Any], keys: tuple[str, ...], output: Output, *, out: Path, **options: Any
) -> int:
    """Follow the gradients, and print what the run and its best picture came to."""
    experiment = _experiment(method, scene, keys, **options)
    from evo_fool.cli.meter import Meter

    with Meter({"ascent": "classes", "patch": "steps", "program": "task images"}.get(method, "photographs")) as report:
        from evo_fool.session.gradient_run import gradient_run  # torch, which takes seconds
        from evo_fool.session.stopping import EXIT_CODES, StopFlag

        with StopFlag() as stop:
            run, facts = gradient_run(experiment, out=out, report=report, stop=stop)
    with run:
        summary = run.summary()
    if output.json:
        output.data(summary | {"report": facts})
    else:
        output.say(f"{summary['status']} after {summary['generation'] + 1} steps in {summary['wall_seconds']:.0f} s")
        facts = facts or {"classes": summary["occupied"], "median confidence": summary["median_confidence"]}
        output.table(["what", "found"], [[k, v] for k, v in facts.items() if isinstance(v, int | float | str)])
        output.say(summary["path"])
    return 0 if summary["status"] == "finished" else EXIT_CODES[stop()]
