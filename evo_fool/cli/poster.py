"""``evo-fool poster``: one elite at print size."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from evo_fool.cli.options import run_argument
from evo_fool.cli.output import Output, output_option
from evo_fool.cli.picture_options import dpi_option, rerender_option


@click.command()
@run_argument
@click.argument("class_", metavar="CLASS")
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A .png, .pdf or .tiff.  [default: poster-<class>.png in RUN]",
)
@click.option(
    "--size", default="30cm", show_default=True, metavar="LENGTH", help="Side of the image: 30cm, 297mm, 12in, 4096px."
)
@dpi_option(default=300)
@click.option("--caption/--no-caption", default=True, show_default=True, help="Name, confidence and origin below it.")
@rerender_option(default=True)
@output_option
def poster(run: str, class_: str, out: Path, to: Path | None, output: Output, **options: Any) -> None:
    """Draw the elite of one CLASS of RUN for print.

    A CPPN is drawn anew at the printer's resolution. Pixels become squares of one size, for which the resolution on
    record may be a little higher than --dpi.
    """
    from evo_fool.pictures.poster import write_poster
    from evo_fool.runs import find_run, open_run

    with open_run(find_run(run, out)) as opened:
        made = write_poster(opened, class_, to, **options)
    if output.json:
        output.data(asdict(made))
    else:
        output.say(f"{made.path}: {made.width}x{made.height} pixels at {made.dpi:.4g} dpi")
