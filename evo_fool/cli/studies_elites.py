"""``evo-fool study`` of elites: gradient ascent, transfer, repetition, attribution, paths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from evo_fool.cli.options import classifier_options, out_option, run_argument
from evo_fool.cli.output import Output, output_option
from evo_fool.errors import ConfigError

_SHOWN = 12
"""Images on a picture that is asked for with --to."""

_SETTINGS = ("none", "l2", "l2-blur", "l2-blur-pixels")

device_option = click.option("--device", metavar="auto|cpu|cuda", default="auto", help="Where to score.")
classes_option = click.option(
    "--class", "classes", multiple=True, metavar="CLASS", help="Only these, by index or name."
)


def _limit(default: int | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    shown = f"  [default: {default}]" if default else ""
    return click.option(
        "--limit",
        type=click.IntRange(min=1),
        default=default,
        help=f"At most so many classes, evenly spread.{shown}",
    )


def _to(what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    file = click.Path(dir_okay=False, path_type=Path)
    return click.option("--to", type=file, metavar="FILE.png", callback=_png, help=f"Draw {what} too.")


def _png(_context: click.Context, _option: click.Parameter, to: Path | None) -> Path | None:
    """Refuse another format before work is spent on the picture."""
    if to is not None and to.suffix.lower() != ".png":
        raise ConfigError(f"{to}: {to.suffix or 'no suffix'} is no format of study pictures; use .png")
    return to


@click.command("gradient-ascent")
@run_argument
@click.option("--setting", type=click.Choice([*_SETTINGS, "all"]), default="none", show_default=True)
@click.option("--start", type=click.Choice(["mean", "uniform", "zero"]), default="mean", show_default=True)
@click.option("--steps", type=click.IntRange(min=1), help="At most so many.  [default: the setting's]")
@click.option("--until", type=click.FloatRange(0, 1), help="End a climb at this confidence.  [default: never]")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@classes_option
@_limit(20)
@device_option
@classifier_options
@_to("the images")
@output_option
def gradient_ascent(
    run: str,
    out: Path,
    setting: str,
    start: str,
    steps: int | None,
    until: float | None,
    seed: int,
    classes: tuple[str, ...],
    limit: int,
    device: str,
    classifier: str | None,
    weights: str | None,
    to: Path | None,
    output: Output,
) -> None:
    """Climb the gradient for the classes of RUN on its network, beside its evolved images (Figure 13)."""
    from evo_fool.probability import probability
    from evo_fool.studies.gradient_ascent import SETTINGS, ascend, shortened

    elites, scorer, remark = _open(run, out, classes, limit, classifier, weights, device)
    mean = [0.1307] if scorer.classifier.name == "lenet-mnist" else None
    found, rows = {}, [("evolved", [(image, "") for image in elites.images[:_SHOWN]])]
    for name in _SETTINGS if setting == "all" else (setting,):
        chosen = SETTINGS[name] if steps is None else shortened(SETTINGS[name], steps)
        ascent = ascend(
            scorer.classifier, elites.targets.tolist(), chosen, start=start, seed=seed, mean=mean, until=until
        )
        found[name] = ascent.to_json()
        captions = map(_percent, probability(ascent.log_odds[:_SHOWN]))
        rows.append((name, list(zip(ascent.images[:_SHOWN], captions, strict=True))))
    columns = ["setting", "classes", "median", "share ≥ .99", "share ≥ .9999", "steps"]
    table = [
        (
            n,
            f["classes"],
            *map(_percent, (f["median"], *map(f["reaching"].get, ("0.99", "0.9999")))),
            f"{f['steps']:.0f}",
        )
        for n, f in found.items()
    ]
    _finish(output, found, columns, table, remark, to, rows)


@click.command()
@click.argument("runs", metavar="RUN [RUN…]", nargs=-1, required=True)
@out_option
@click.option("--judge", "judges", multiple=True, metavar="SPEC[@WEIGHTS]", help="One more network that judges.")
@click.option(
    "--classifier",
    "classifiers",
    multiple=True,
    metavar="SPEC[@WEIGHTS]",
    help="The network of a RUN, needed where its record names code or its weights have moved.",
)
@click.option("--noise", type=click.IntRange(min=1), default=500, show_default=True, help="Random images to compare.")
@device_option
@_to("the matrix")
@output_option
def transfer(
    runs: tuple[str, ...],
    out: Path,
    judges: tuple[str, ...],
    classifiers: tuple[str, ...],
    noise: int,
    device: str,
    to: Path | None,
    output: Output,
) -> None:
    """Show the elites of every RUN, and random images, to the networks of all of them and to other networks.

    Of the random images each network chooses, for each class, the one it is surest of, as evolution would.
    """
    from evo_fool.cli.studies_judges import judges_of
    from evo_fool.studies.elites import noise_set
    from evo_fool.studies.transfer import beside_noise, transfer_of_noise
    from evo_fool.studies.transfer import transfer as show

    sets, at_work, remarks = judges_of(runs, out, judges, classifiers, device)
    first = sets[0]
    random = noise_set(first.classes, first.images.shape[1:], noise, seed=1)
    matrix = beside_noise(show(sets, at_work), transfer_of_noise(random, at_work))
    if to is not None:
        from evo_fool.studies.charts import heat_map

        _write(to, heat_map(matrix.mean, matrix.sources, matrix.judges, row_label="images", label="judged by"))
    if output.json:
        output.data(matrix.to_json() | {"remark": "; ".join(remarks)})
        return
    for title, values in (("class kept", matrix.agreement), ("mean confidence", matrix.mean)):
        output.say(title)
        rows = [(name, *map(_percent, row)) for name, row in zip(matrix.sources, values, strict=True)]
        output.table(["images", *matrix.judges], rows)
        output.say()
    for remark in remarks:
        _remark(output, remark)


@click.command()
@run_argument
@click.option(
    "--tiles",
    multiple=True,
    type=click.IntRange(min=2),
    default=(2, 3, 4),
    show_default="2, 3, 4",
    help="Also repeat each elite so often a side.",
)
@classes_option
@_limit(None)
@device_option
@classifier_options
@_to("some of them")
@output_option
def repetition(
    run: str,
    out: Path,
    tiles: tuple[int, ...],
    classes: tuple[str, ...],
    limit: int | None,
    device: str,
    classifier: str | None,
    weights: str | None,
    to: Path | None,
    output: Output,
) -> None:
    """Remove all repeated elements but one from RUN's elites, or repeat each as a whole, and score that (Figure 10)."""
    import numpy as np

    from evo_fool.studies.elites import confidences
    from evo_fool.studies.repetition import ablate, tilings

    elites, scorer, remark = _open(run, out, classes, limit, classifier, weights, device)
    result = ablate(elites, scorer)
    whole = confidences(scorer, elites.images, elites.targets)
    repeated = tilings(elites, scorer, sorted(set(tiles)), whole)
    rows = [
        (
            elites.classes[elites.targets[row]],
            [(elites.images[row], _percent(result.before[i])), (result.images[i], _percent(result.one[i]))],
        )
        for i, row in enumerate(result.rows[:_SHOWN].tolist())
    ]
    table = [
        (
            *(elites.classes[elites.targets[row]], found.kind, found.count),
            *(_percent(p) for p in (result.before[i], result.one[i], result.none[i], result.elsewhere[i])),
        )
        for i, (row, found) in enumerate(zip(result.rows.tolist(), result.found, strict=True))
    ]
    output.say(f"{len(result.rows)} of {result.of} elites have repeated elements")
    for times_a_side, found in repeated.items():
        output.say(
            f"tiled {times_a_side} × {times_a_side}: median {_percent(found['median'])} "
            f"(as they are {_percent(float(np.median(whole)))}), raised for {_percent(found['raised'])} of the elites"
        )
    columns = ["class", "kind", "elements", "as it is", "one left", "none left", "elsewhere"]
    data = result.to_json() | {"all_elites": float(np.median(whole)), "tilings": repeated}
    _finish(output, data, columns, table, remark, to, rows)


def _open(
    run: str,
    out: Path,
    classes: Sequence[str],
    limit: int | None,
    classifier: str | None,
    weights: str | None,
    device: str,
) -> tuple[Any, Any, str]:
    """The elites that are asked for, their network at work, and what there is to remark."""
    from evo_fool.runs import find_run, open_run
    from evo_fool.sampling import evenly
    from evo_fool.studies.elites import elites_of, judge_of

    with open_run(find_run(run, out)) as opened:
        elites = elites_of(opened, classes or None)
        scorer, remark = judge_of(opened, classifier=classifier, weights=weights, device=device)
    if limit is not None and not classes and len(elites) > limit:
        elites = elites.pick(evenly(len(elites), limit))
    return elites, scorer, remark


def _finish(
    output: Output,
    data: dict[str, Any],
    columns: Sequence[str],
    table: Sequence[Sequence[Any]],
    remark: str,
    to: Path | None,
    rows: Sequence[Any],
) -> None:
    """Print what was found, and draw what there is to see."""
    if output.json:
        output.data(data | {"remark": remark})
    else:
        output.table(columns, table, text=("setting", "class", "kind"))
        _remark(output, remark)
    if to is not None and rows:
        from evo_fool.studies.charts import board

        _write(to, board(rows, tile=112))
        output.say(str(to))


def _remark(output: Output, remark: str) -> None:
    if remark:
        output.say(f"note: {remark}")


def _write(to: Path, png: bytes) -> None:
    from evo_fool.atomic_write import write_whole

    write_whole(to, png, "--to")


def _percent(value: float) -> str:
    from evo_fool.text import percent

    return "100 %" if value == 1 else percent(round(float(value), 9))
