"""``evo-fool sheet``: the contact sheet of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from evo_fool.cli.options import run_argument
from evo_fool.cli.output import Output, output_option
from evo_fool.cli.picture_options import board_options, dpi_option, rerender_option


@click.command()
@run_argument
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A .png, .pdf or .tiff.  [default: sheet.png in RUN]",
)
@click.option(
    "--class",
    "classes",
    multiple=True,
    metavar="CLASS",
    help="Only this class; repeat it for more, in this order.",
)
@click.option("--generation", type=int, metavar="G", help="As of the end of this generation; the last if not given.")
@board_options
@rerender_option(default=False)
@dpi_option(default=96)
@output_option
def sheet(run: str, out: Path, to: Path | None, classes: tuple[str, ...], output: Output, **options: Any) -> None:
    """Draw the elites of RUN as one picture, with class names and confidences.

    Images that are not kept any more, as those of an earlier --generation may be, are hatched.
    """
    from evo_fool.pictures.sheet import write_sheet
    from evo_fool.runs import find_run, open_run

    with open_run(find_run(run, out)) as opened:
        path = write_sheet(opened, to, classes=classes or None, **options)
    if output.json:
        output.data({"path": str(path)})
    else:
        output.say(str(path))
