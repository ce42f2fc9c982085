"""``evo-fool export``: a run's elites as files for other programs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from evo_fool.cli.options import run_argument
from evo_fool.cli.output import Output, output_option


@click.command()
@run_argument
@click.option("--to", type=click.Path(path_type=Path), required=True, metavar="DIR", help="The folder to write into.")
@click.option(
    "--what",
    type=click.Choice(["png", "genomes", "npz", "layout2015", "all", "site"]),
    multiple=True,
    default=["png"],
    help="Images, genomes, one elites.npz, the folders of the 2015 image set, all of these, or the gallery as a static "
    "site; can be repeated.  [default: png]",
)
@click.option("--size", type=int, metavar="N", help="Height and width of the images; the stored images if not given.")
@click.option(
    "--min-confidence", type=click.FloatRange(0, 1), default=0.0, metavar="P", help="Leave out less confident elites."
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
@output_option
def export(
    run: str,
    out: Path,
    to: Path,
    what: tuple[str, ...],
    size: int | None,
    min_confidence: float,
    force: bool,
    output: Output,
) -> None:
    """Write the elites of RUN into DIR, as PNGs named <class>_<probability>.png.

    Without --size the images are exactly those that were scored. With it, CPPNs are rendered again at that size and
    pixel images are enlarged. A site has its own sizes, and every class: it opens from DIR/index.html without a server.
    """
    if "site" in what:
        if set(what) != {"site"} or size is not None or min_confidence:
            raise click.UsageError("--what site goes by itself: without another --what, --size and --min-confidence")
        _export_site(run, out, to, force, output)
        return
    from evo_fool.exchange.export import KINDS
    from evo_fool.exchange.export import export as export_run
    from evo_fool.runs import find_run, open_run

    with open_run(find_run(run, out)) as opened:
        done = export_run(
            opened,
            to,
            what=KINDS if "all" in what else what,
            size=size,
            min_confidence=min_confidence,
            force=force,
        )
    if output.json:
        output.data({"path": str(opened.path), **done.to_json()})
        return
    left_out = f"; {done.left_out} below {min_confidence:g} left out" if done.left_out else ""
    output.say(f"{to}: {len(done.files)} files of {done.elites} elites{left_out}")


def _export_site(run: str, out: Path, to: Path, force: bool, output: Output) -> None:
    from evo_fool.gallery.site import write_site
    from evo_fool.runs import find_run, open_run

    def tell(done: int, of: int) -> None:
        if sys.stderr is not None and sys.stderr.isatty():
            click.echo(f"\r{done} of {of} classes", nl=done == of, err=True)

    with open_run(find_run(run, out)) as opened:
        site = write_site(opened, to, force=force, progress=tell)
    if output.json:
        output.data({"path": str(opened.path), **site.to_json()})
        return
    output.say(f"{site.index}: {site.pages} classes, {site.files} files, {site.bytes / 1e6:.1f} MB")
