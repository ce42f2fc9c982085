"""``evo-fool plot``: convergence of one run, or of several in one figure."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from evo_fool.cli.options import out_option
from evo_fool.cli.output import Output, output_option


@click.command()
@click.argument("runs", metavar="RUN [RUN…]", nargs=-1, required=True)
@out_option
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A .png, .svg or .pdf.  [default: convergence.png, or beside-paper.png, in the first RUN]",
)
@click.option("--log", is_flag=True, help="Logarithmic generations, to see the first ones.")
@click.option(
    "--paper", is_flag=True, help="For ImageNet: only the median, by images evaluated, beside the paper's curve."
)
@output_option
def plot(runs: tuple[str, ...], out: Path, to: Path | None, log: bool, paper: bool, output: Output) -> None:
    """Plot how RUN converged: confidence, coverage, QD score and captures by generation."""
    from evo_fool.paper.convergence import write_beside_paper
    from evo_fool.pictures.convergence import write_convergence
    from evo_fool.runs import find_run, open_run

    with ExitStack() as stack:
        opened = [stack.enter_context(open_run(find_run(text, out))) for text in runs]
        path = (write_beside_paper if paper else write_convergence)(opened, to, log=log)
    if output.json:
        output.data({"path": str(path)})
    else:
        output.say(str(path))
