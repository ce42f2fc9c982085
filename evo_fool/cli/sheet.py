"""``evo-fool sheet``: the contact sheet of a run."""

from __future__ import annotations

from pathlib import Path

import click

from evo_fool.cli.options import run_argument
from evo_fool.cli.output import Output, output_option


@click.command()
@run_argument
@click.option("--to", type=click.Path(path_type=Path), metavar="FILE", help="The picture.  [default: RUN/sheet.png]")
@click.option("--columns", type=int, metavar="N", help="Tiles in a row.")
@click.option("--tile", type=int, metavar="N", help="Side of a tile in pixels.")
@output_option
def sheet(run: str, out: Path, to: Path | None, columns: int | None, tile: int | None, output: Output) -> None:
    """Draw the elites of RUN as one PNG, with class names and confidences."""
    from evo_fool.reports.sheet import write_sheet
    from evo_fool.runs import find_run, open_run

    with open_run(find_run(run, out)) as opened:
        path = write_sheet(opened, to, columns=columns, tile=tile)
    if output.json:
        output.data({"path": str(path)})
    else:
        output.say(str(path))
