"""``evo-fool study switching`` and ``study noise``: who stepped on whom in a run, and what noise alone achieves."""

from __future__ import annotations

from pathlib import Path

import click

from evo_fool.cli.options import classifier_options, run_argument
from evo_fool.cli.output import Output, output_option


@click.command()
@run_argument
@output_option
def switching(run: str, out: Path, output: Output) -> None:
    """Count goal switches in RUN: classes that an image took whose parent held only others."""
    from dataclasses import asdict

    from evo_fool.runs import find_run, open_run
    from evo_fool.studies.searches import switching as count

    with open_run(find_run(run, out)) as opened:
        found = count(opened)
    if output.json:
        shares = {"share": found.share, "elite_share": found.elite_share, "line_share": found.line_share}
        output.data(asdict(found) | shares)
        return
    output.say(f"{found.switches} of {found.captures} captures were goal switches ({100 * found.share:.1f} %)")
    output.say(
        f"of {found.elites} elites {found.switched_elites} took their class from a parent that never held it, "
        f"{found.switched_lines} have a goal switch in their line"
    )
    output.say(
        f"an elite has {found.line:g} ancestors, with {found.line_switches:g} goal switches among them (medians)"
    )


@click.command()
@click.argument("kinds", metavar="[KIND…]", nargs=-1)
@classifier_options
@click.option("--images", type=click.IntRange(min=1), default=10_000, show_default=True, help="Of each kind.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--natural",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="A folder of photographs a class, whose pixels the kind `permuted` puts in another order.",
)
@output_option
def noise(
    kinds: tuple[str, ...],
    classifier: str | None,
    weights: str | None,
    images: int,
    seed: int,
    natural: Path | None,
    output: Output,
) -> None:
    """Show a classifier random images and keep the best for each class: what it gives away for nothing.

    KIND is uniform, gaussian, constant, low-frequency or permuted.  [default: all but permuted]
    """
    import numpy as np

    from evo_fool.classifiers.photographs import read_photographs
    from evo_fool.classifiers.precision import choose_batch
    from evo_fool.classifiers.scoring import Scorer
    from evo_fool.classifiers.zoo import load_classifier
    from evo_fool.evaluation.environment import choose_device
    from evo_fool.sections import ClassifierConfig
    from evo_fool.studies.noise import KINDS, checked_kind, harvest_noise

    chosen = [checked_kind(kind) for kind in kinds] or [kind for kind in KINDS if kind != "permuted" or natural]
    device = choose_device("auto")
    judge = load_classifier(ClassifierConfig(spec=classifier or "lenet-mnist", weights=weights), device)
    scorer = Scorer(judge, batch=choose_batch(None, judge.size, device), view="auto", device=device)
    pixels = None if natural is None else read_photographs(judge, natural, limit=1000)[0]
    found = {
        kind: harvest_noise(kind, images, scorer, seed=seed, natural=pixels, check=lambda: None) for kind in chosen
    }
    if output.json:
        output.data({kind: harvest.as_json() for kind, harvest in found.items()})
        return
    output.say(f"{judge.name}: {images} images of each kind, the best for each of {len(judge.classes)} classes")
    output.table(
        ["kind", "median", "≥ .9", "≥ .99", "≥ .9999", "called", "share sure"],
        [
            (
                kind,
                round(float(np.median(h.best)), 6),
                *(h.reaching(threshold) for threshold in (0.9, 0.99, 0.9999)),
                h.classes_called,
                round(h.sure, 4),
            )
            for kind, h in found.items()
        ],
    )
    output.say("called: classes that are the first of some image; share sure: images at ≥ .99 for their first class")
