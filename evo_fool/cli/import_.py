"""``evo-fool import``: images from elsewhere become a run, scored here."""

from __future__ import annotations

from pathlib import Path

import click

from evo_fool.cli.options import classifier_options, out_option
from evo_fool.cli.output import Output, output_option

_SHOWN = 5


@click.command("import")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--generation", type=int, metavar="G", help="Which map_gen_<G>.  [default: the highest]")
@click.option("--name", help="A label, part of the run directory's name.  [default: the folder's]")
@click.option(
    "--view",
    type=click.Choice(["auto", "resize", "centre", "ten-crop"]),
    default="auto",
    help="How images of another size than the classifier's meet it.  [default: auto, which resizes]",
)
@click.option("--device", metavar="auto|cpu|cuda", default="auto", help="Where to score.")
@classifier_options
@out_option
@output_option
def import_(
    folder: Path,
    generation: int | None,
    name: str | None,
    view: str,
    device: str,
    classifier: str | None,
    weights: str | None,
    out: Path,
    output: Output,
) -> None:
    """Score the images in DIR and make a run of them, each in the class that its file names.

    DIR holds map_gen_<g> folders as the image set of 2015 does, is one of them, or holds <class>_<probability>.png as
    evo-fool export writes them.
    """
    from evo_fool.exchange.importer import import_images
    from evo_fool.experiment import Experiment
    from evo_fool.text import probability_text

    settings = {
        "classifier": {"weights": weights} | ({} if classifier is None else {"spec": classifier}),
        "scoring": {"view": view},
    }
    chosen = Experiment.from_mapping(settings, source="import")
    done = import_images(
        folder,
        classifier=chosen.classifier,
        scoring=chosen.scoring,
        out=out,
        name=name,
        generation=generation,
        device=device,
    )
    done.run.close()
    for skip in done.skipped[:_SHOWN]:
        click.echo(f"evo-fool: skipped {skip.path.name!r}: {skip.reason}", err=True)
    if len(done.skipped) > _SHOWN:
        click.echo(f"evo-fool: skipped {len(done.skipped) - _SHOWN} more (--json lists them)", err=True)
    result = done.to_json()
    if output.json:
        output.data(result)
        return
    source = "" if done.generation is None else f" of generation {done.generation}"
    output.say(f"{done.images} images{source} in {len(done.comparisons)} classes, {len(done.skipped)} files skipped")
    rows = [
        [kind, *(probability_text(result[kind][k]) for k in ("mean", "median"))] for kind in ("claimed", "measured")
    ]
    output.table(["confidence", "mean", "median"], rows)
    output.say(str(done.run.path))
