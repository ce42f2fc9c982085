"""``evo-fool study retraining`` and ``study generative``: studies that train networks of their own on MNIST."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from evo_fool.cli.output import Output, output_option


def _place(verb: Callable[..., Any]) -> Callable[..., Any]:
    """``--data`` and ``--out``, which such studies share with ``reproduce``."""
    data = click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="EVO_FOOL_DATA",
        show_envvar=True,
        required=True,
        metavar="DIR",
        help="The folder that holds mnist/ or MNIST/raw.",
    )
    out = click.option(
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("outputs/studies"),
        show_default=True,
        metavar="DIR",
        help="Where runs, weights and sub-results go. The same DIR again goes on where it stopped.",
    )
    return data(out(verb))


@click.command()
@_place
@click.option(
    "--arm",
    type=click.Choice(["class", "unsure"]),
    default="class",
    show_default=True,
    help="class: fooling images become a class of their own (the paper). unsure: the network is taught to be unsure of "
    "them and of noise (CEDA).",
)
@click.option("--iterations", type=click.IntRange(min=1), default=5, show_default=True, help="Networks; the paper: 15.")
@click.option("--images", type=click.IntRange(min=2), help="Fooling images from each run.  [default: 1000]")
@click.option("--epochs", type=click.IntRange(min=1), help="Passes over the training images.  [default: 3]")
@click.option("--generations", type=click.IntRange(min=0), help="Generations of each run.  [default: 200]")
@click.option("--batch", type=click.IntRange(min=1), help="Images a generation.  [default: 200]")
@click.option(
    "--noise", type=click.IntRange(min=1), help="Images of noise that --arm unsure learns from.  [default: 20000]"
)
@click.option("--digits", type=click.IntRange(min=100), help="Training images used.  [default: all]")
@click.option(
    "--unseen",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    metavar="N",
    help="Runs of mnist-cppn, ten images each, against the network of the package: are their images recognised?",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of the loop.")
@output_option
def retraining(
    data: Path,
    out: Path,
    arm: Any,
    iterations: int,
    unseen: int,
    seed: int,
    output: Output,
    **sizes: int | None,
) -> int:
    """Train on fooling images and evolve again, round after round (Figures 11 and 12)."""
    from dataclasses import asdict

    from evo_fool.studies.retraining import Loop, mnist_of, run_loop
    from evo_fool.studies.retraining_page import unseen as unseen_of

    loop = Loop(arm=arm, iterations=iterations, seed=seed, **{k: v for k, v in sizes.items() if v is not None})

    def work(context: Any) -> None:
        mnist_of(context)  # before anything is evolved
        found, _ = run_loop(context, loop, unseen_of(context, [loop]))
        if output.json:
            output.data({"loop": asdict(loop), "iterations": [asdict(i) for i in found]})
            return
        names = ("median", "test_error", "false_alarms", "recognised", "turned_away", "noise_median", "cppn_median")
        columns = ["network", "taught", *(name.replace("_", " ") for name in names)]
        output.table(columns, [[i.number, i.taught, *(getattr(i, name) for name in names)] for i in found], text=())

    return _worked(work, out, data, tuple(range(1, unseen + 1)), output)


@click.command()
@_place
@click.option("--vae-epochs", type=click.IntRange(min=1), help="Passes for the autoencoders.  [default: 40]")
@click.option("--lenet-epochs", type=click.IntRange(min=1), help="Passes for the LeNet.  [default: 5]")
@click.option("--generations", type=click.IntRange(min=0), help="Generations of each attack.  [default: 200]")
@click.option("--digits", type=click.IntRange(min=100), help="Training images used.  [default: all]")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@output_option
def generative(data: Path, out: Path, seed: int, output: Output, **sizes: int | None) -> int:
    """Attack a LeNet and one autoencoder a digit, calibrated alike, by the same evolution."""
    from dataclasses import asdict

    from evo_fool.studies.generative import ENCODINGS, Contest, attack, find_worth, train_judges

    contest = Contest(seed=seed, **{k: v for k, v in sizes.items() if v is not None})

    def work(context: Any) -> None:
        judges = train_judges(context, contest)
        worths = [find_worth(context, judge, contest) for judge in judges]
        attacks = [[attack(context, judge, kind, contest, seed) for kind in ENCODINGS] for judge in judges]
        rows = [
            {"judge": judge.name, "weights": str(judge.weights), **asdict(worth)}
            | {f"evolved_{found.encoding}": float(found.medians[-1]) for found in against}
            for judge, worth, against in zip(judges, worths, attacks, strict=True)
        ]
        if output.json:
            output.data({"contest": asdict(contest), "judges": rows})
            return
        shown = [key for key in rows[0] if key != "weights"]
        output.table(
            ["", *(row["judge"] for row in rows)],
            [[key.replace("_", " "), *(row[key] for row in rows)] for key in shown[1:]],
        )

    return _worked(work, out, data, (seed,), output)


def _worked(work: Callable[[Any], None], out: Path, data: Path, seeds: tuple[int, ...], output: Output) -> int:
    """Do it in a context; the exit code is that of a run that was asked to stop, or 0."""
    from evo_fool.session.stopping import EXIT_CODES, StopFlag
    from evo_fool.studies.context import Context, Stopped

    def say(line: str) -> None:
        click.echo(line, err=True)

    with StopFlag() as stop:
        try:
            work(Context(out, "laptop", data, say, seeds, stop=stop))
        except Stopped as stopped:
            say(f"stopped ({stopped}); the same command goes on")
            return EXIT_CODES.get(str(stopped), 1)
    return 0
