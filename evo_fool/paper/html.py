"""The report as one HTML page that also prints well: a summary table, then a printed page a study."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evo_fool.paper.report import Report, duration, picture_path, shown, shown_setting

TEMPLATES = Path(__file__).with_name("templates")


def page(report: Report) -> str:
    """The whole report; pictures are links to their files."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"shown": _unbroken, "duration": duration, "setting": shown_setting}
    template = environment.get_template("report.html")
    return template.render(report=report, picture_path=picture_path, packages=report.environment.get("packages", {}))


def _unbroken(value: str | float | None) -> str:
    """A figure whose percent sign stays with its number."""
    return shown(value).replace(" %", "\u00a0%")
