"""``evo-fool verify`` and ``evo-fool digest``: check a run, and identify its content."""

from __future__ import annotations

from pathlib import Path

import click

from evo_fool.cli.options import classifier_options, photos_option, run_argument
from evo_fool.cli.output import Output, output_option
from evo_fool.errors import CorruptRunError


@click.command()
@run_argument
@click.option("--device", metavar="auto|cpu|cuda", default="auto", help="Where to score.")
@classifier_options
@photos_option
@output_option
def verify(
    run: str,
    out: Path,
    device: str,
    classifier: str | None,
    weights: str | None,
    photos: str | None,
    output: Output,
) -> int:
    """Check RUN's files, and render and score every elite again.

    Exit code 5 if something is damaged, 1 if all is intact but something does not repeat.
    """
    from evo_fool.runs import find_run, open_run
    from evo_fool.runs import verify as verify_run

    with open_run(find_run(run, out)) as opened:
        found = verify_run(opened, classifier=classifier, weights=weights, device=device, photos=photos)
    if output.json:
        output.data({"path": str(opened.path), **found.to_json()})
    else:
        for sentence in found.damage:
            output.say(f"damage: {sentence}")
        for sentence in found.deviations:
            output.say(f"deviation: {sentence}")
        for sentence in found.unchecked:
            output.say(f"not checked: {sentence}")
        output.say(
            f"{opened.path}: {len(found.damage)} damaged, {len(found.deviations)} deviations; "
            f"{found.genomes} genomes and images compared with their hashes, {found.elites} images scored again in "
            f"{found.cells} places, largest difference {found.largest_difference:.2g}"
        )
        if not found.sealed:
            output.say("made by an earlier version: its tables have no seals until the run is resumed")
    if found.damage:
        return CorruptRunError.exit_code
    return 1 if found.deviations else 0


@click.command()
@run_argument
@output_option
def digest(run: str, out: Path, output: Output) -> None:
    """Print the SHA-256 over RUN's elites, captures and metrics without wall times."""
    from evo_fool.runs import digest as digest_store
    from evo_fool.runs import find_run, open_run

    with open_run(find_run(run, out)) as opened:
        total = digest_store(opened.store)
    if output.json:
        output.data({"path": str(opened.path), "digest": total})
    else:
        output.say(total)
