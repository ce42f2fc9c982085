"""``evo-fool timelapse``: a run, or one class of it, as a film."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from evo_fool.cli.options import run_argument
from evo_fool.cli.output import Output, output_option
from evo_fool.cli.picture_options import board_options, rerender_option


@click.command()
@run_argument
@click.argument("class_", metavar="[CLASS]", required=False)
@click.option(
    "--to", type=click.Path(path_type=Path), required=True, metavar="FILE", help="A .gif, .webp or .mp4 (needs PyAV)."
)
@click.option("--frames", type=int, default=120, show_default=True, metavar="N", help="At most so many.")
@click.option("--fps", type=float, default=10.0, show_default=True, metavar="N", help="Frames a second, up to 50.")
@click.option("--log", is_flag=True, help="Logarithmic generations, to see the first ones; not with CLASS.")
@board_options
@rerender_option(default=False)
@output_option
def timelapse(run: str, class_: str | None, out: Path, to: Path, output: Output, **options: Any) -> None:
    """Film all classes of RUN over the generations, or one CLASS from holder to holder.

    Retention may have given up old images (retention.keep). In a film of all classes such a tile is hatched; a film of
    one CLASS leaves them out.
    """
    from evo_fool.pictures.timelapse import write_timelapse
    from evo_fool.runs import find_run, open_run

    with open_run(find_run(run, out)) as opened:
        film = write_timelapse(opened, to, class_, **options)
    if output.json:
        output.data(asdict(film))
        return
    output.say(f"{film.path}: {film.frames} frames of {film.width}x{film.height} pixels")
    if film.forgotten:
        where = "hatched tiles" if class_ is None else "left out"
        output.say(f"{film.forgotten} of {film.shown + film.forgotten} images are not kept any more: {where}")
