"""``evo-fool doctor``: check that this installation can work."""

from __future__ import annotations

from pathlib import Path

import click

from evo_fool.cli.options import out_option
from evo_fool.cli.output import Output, output_option


@click.command()
@out_option
@output_option
def doctor(out: Path, output: Output) -> int:
    """Check Python, packages, devices, the embedded classifier and the folder of runs; exit code 1 if one fails."""
    from evo_fool.cli.diagnosis import diagnose

    findings = diagnose(out)
    healthy = all(finding.ok for finding in findings)
    if output.json:
        checks = {f.name: {"ok": f.ok, "detail": f.detail, **f.facts} for f in findings}
        output.data({"ok": healthy, "checks": checks})
    else:
        output.table(["check", "", "found"], [[f.name, "ok" if f.ok else "FAILED", f.detail] for f in findings])
    return 0 if healthy else 1
