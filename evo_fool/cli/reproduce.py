"""``evo-fool reproduce``: the paper's figures beside ours, as a report."""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evo_fool.cli.output import Output, output_option

if TYPE_CHECKING:
    from evo_fool.cli.progress import LiveLine
    from evo_fool.session import Progress


@click.command()
@click.argument("figures", metavar="FIGURE|all [FIGURE…]", nargs=-1, required=True)
@click.option(
    "--budget",
    type=click.Choice(["smoke", "laptop", "paper"]),
    default="laptop",
    show_default=True,
    help="smoke: minutes, whether it works. laptop: every MNIST figure in half an hour. paper: the paper's own sizes.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("outputs/reproduction"),
    show_default=True,
    metavar="DIR",
    help="Where the report, its runs and its sub-results go. The same DIR again goes on where it stopped.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="EVO_FOOL_DATA",
    show_envvar=True,
    metavar="DIR",
    help="Holds mnist/, imagenet/weights/NAME.pt and imagenet/photos/CLASS/; a figure that lacks its data is skipped.",
)
@click.option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    multiple=True,
    metavar="DIR",
    help="Take finished runs from this folder too, such as outputs.",
)
@click.option("--seeds", metavar="1,2,3", help="Other seeds.  [default: 1 for smoke, 1 to 5 otherwise]")
@click.option(
    "--own-pictures",
    is_flag=True,
    help="Leave out pictures in which images of --data can be seen, so that the report may be published.",
)
@output_option
def reproduce(
    figures: tuple[str, ...],
    budget: Any,
    out: Path,
    data: Path | None,
    runs: tuple[Path, ...],
    seeds: str | None,
    own_pictures: bool,
    output: Output,
) -> int:
    """Run what FIGURE needs, or take it from earlier runs, and write a report beside the paper's figures.

    The report is report.html, report.md and report.json, with its pictures.

    FIGURE is a number of the paper, such as 4, or the name of a study, such as transfer. Ctrl-C stops after the
    generation at hand; the same command goes on.
    """
    from evo_fool.studies import chosen

    numbers = _numbers(seeds)
    chosen(figures)  # a mistyped name is found before torch is loaded

    from evo_fool.paper.reproduce import reproduce as make
    from evo_fool.session.stopping import EXIT_CODES, StopFlag
    from evo_fool.studies.context import Context, Stopped

    options = ["--budget", budget, "--out", str(out)] + (["--data", str(data)] if data else [])
    options += [part for folder in runs for part in ("--runs", str(folder))] + (["--seeds", seeds] if seeds else [])
    options += ["--own-pictures"] if own_pictures else []
    command = shlex.join(["evo-fool", "reproduce", *figures, *options])
    with StopFlag() as stop, _Watch(err=output.json) as watch:
        context = Context(out, budget, data, output.say, numbers, runs=runs, observer=watch, stop=stop)
        try:
            report = make(figures, context, command, own_pictures=own_pictures)
        except (Stopped, KeyboardInterrupt) as error:
            output.say(f"stopped; what is done is in {out / 'report.html'}; go on with: {command}")
            return EXIT_CODES["ctrl-c"] if isinstance(error, KeyboardInterrupt) else EXIT_CODES.get(str(error), 1)
    code = 1 if report.failed else 0
    if output.json:
        output.data(report.as_json())
        return code
    output.say()
    output.table(
        ["study", "paper", "verdict", "images", "seconds"],
        [(s.key, s.figures or "-", s.verdict, s.images, round(s.seconds)) for s in report.sections],
        text=("study", "paper", "verdict"),
    )
    output.say()
    output.say(str(out / "report.html"))
    if report.trouble:
        output.say(report.trouble)
    return code


def _numbers(seeds: str | None) -> list[int] | None:
    if seeds is None:
        return None
    try:
        numbers = [int(part) for part in seeds.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 0 or len(set(numbers)) < len(numbers):
        raise click.BadParameter(
            f"{seeds!r}: give distinct whole numbers from 0 on, such as 1,2,3", param_hint="--seeds"
        )
    return numbers


class _Watch(ExitStack):
    """A live line for each run, one after the other."""

    def __init__(self, *, err: bool) -> None:
        super().__init__()
        self._err = err
        self._live: LiveLine | None = None

    def __call__(self, progress: Progress) -> None:
        from evo_fool.cli.progress import LiveLine

        if self._live is None or self._live.last is None or self._live.last.path != progress.path:
            self.close()
            self._live = self.enter_context(LiveLine(err=self._err))
        self._live(progress)
        if progress.generation == progress.generations:
            self.close()
