"""``evo-fool apply``: a run's picture on photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from evo_fool.cli.options import classifier_options, run_argument
from evo_fool.cli.output import Output, output_option


@click.command()
@run_argument
@click.argument("photos", nargs=-1, type=click.Path(path_type=Path), metavar="[PHOTO]...")
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    metavar="DIR",
    default=Path("applied"),
    show_default=True,
    help="The folder to write into.",
)
@click.option(
    "--cell", metavar="NAME", help="Whose picture to apply.  [default: the only one, else that of 'anything else']"
)
@click.option("--device", metavar="auto|cpu|cuda", default="auto", help="Where to score.")
@classifier_options
@click.option("--force", is_flag=True, help="Replace files that are there.")
@output_option
def apply(run: str, photos: tuple[Path, ...], out: Path, to: Path, output: Output, **options: Any) -> int:
    """Apply a picture of RUN, whose scene is not alone, to each PHOTO.

    Each photograph, or each in a folder or an npz file, is written before and after as PNG, and these files are scored:
    a perturbation is added, a patch is put at one place. A program needs no PHOTO: it frames a held-out image of each
    label of its task. With --classifier another network answers.
    """
    from evo_fool.exchange.apply import Guess, UnusableError
    from evo_fool.exchange.apply import apply as apply_picture
    from evo_fool.runs import find_run, open_run
    from evo_fool.text import harmless, percent

    def line(guesses: tuple[Guess, ...]) -> str:
        return ", ".join(f"{guess.name} {percent(guess.p)}" for guess in guesses)

    with open_run(find_run(run, out)) as opened:
        try:
            done = apply_picture(opened, photos, to, **options)
        except UnusableError as error:
            for reason in error.reasons:
                click.echo(f"evo-fool: error: {harmless(reason)}", err=True)
            return error.exit_code
    if output.json:
        output.data({"path": str(opened.path), **done.to_json()})
        return 0
    for pair in done.pairs:
        output.say(pair.name + ("" if pair.label is None else f" ({pair.label})"))
        output.say(f"  before: {line(pair.top5_before)}; {pair.before}")
        output.say(f"  after:  {line(pair.top5_after)}; {pair.after}")
    whose = "" if done.own else ", which is not the run's"
    changed = sum(pair.fooled for pair in done.pairs)
    output.say(
        f"{changed} of {len(done.pairs)} answers of {done.classifier}{whose} changed by the picture of {done.cell}"
    )
    return 0
