"""``evo-fool doctor``: check that this installation, and a classifier, can work."""

from __future__ import annotations

from pathlib import Path

import click

from evo_fool.cli.options import classifier_options, out_option, source_options
from evo_fool.cli.output import Output, output_option


@click.command()
@classifier_options
@source_options
@click.option(
    "--photos",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Photographs, one folder a class, named by WordNet id or class name: prints top-1 and top-5.",
)
@out_option
@output_option
def doctor(
    classifier: str | None,
    weights: str | None,
    classes: str | None,
    max_queries: int | None,
    photos: Path | None,
    out: Path,
    output: Output,
) -> int:
    """Check Python, packages, devices, the embedded classifier and the folder of runs.

    The exit code is 1 if a check fails.

    With --classifier also that network, before a long run: its weights load completely, it is given what it was
    trained on, different images get different scores, and with --photos how many photographs it gets right.
    """
    if classifier is None and (weights is not None or photos is not None):
        raise click.UsageError(f"{'--weights' if weights is not None else '--photos'} needs --classifier SPEC")
    from evo_fool.cli.diagnosis import diagnose_installation

    findings = diagnose_installation(out)
    if classifier is not None:
        from evo_fool.cli.diagnosis_classifier import diagnose_classifier
        from evo_fool.experiment import Experiment

        named = {"spec": classifier, "weights": weights, "classes": classes, "max_queries": max_queries}
        config = Experiment.from_mapping({"classifier": named}, "--classifier")
        findings += diagnose_classifier(config.classifier, photos)
    healthy = all(finding.ok for finding in findings)
    if output.json:
        checks = {f.name: {"ok": f.ok, "detail": f.detail, **f.facts} for f in findings}
        output.data({"ok": healthy, "checks": checks})
    else:
        rows = [[f.name, "ok" if f.ok else "FAILED", f.detail] for f in findings]
        output.table(columns := ["check", "", "found"], rows, text=columns)
    return 0 if healthy else 1
