"""The report as Markdown, as it reads on a forge, and as one HTML page that also prints well; from Jinja templates."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from evo_fool.paper.report import Report, picture_path
from evo_fool.studies.section import Section


def markdown(report: Report) -> str:
    """The whole report: a summary table, then a section a study; pictures are links to their files."""
    return _render("report.md", report).rstrip() + "\n"


def html(report: Report) -> str:
    """The same as HTML; a study begins a printed page."""
    return _render("report.html", report)


def _render(template: str, report: Report) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "anchor": _anchor,
        "cell": _cell,
        "duration": duration,
        "facts": _facts,
        "setting": shown_setting,
        "shown": shown,
        "unbroken": lambda text: text.replace(" %", "\u00a0%"),
    }
    packages = report.environment.get("packages", {})
    return environment.get_template(template).render(report=report, picture_path=picture_path, packages=packages)


def _facts(section: Section) -> list[str]:
    """What a section rests on: seeds, images, time and settings."""
    facts = [f"seeds {', '.join(map(str, section.seeds))}"] if section.seeds else []
    facts += [f"{section.images:,} images scored"] if section.images else []
    facts += [duration(section.seconds)] if section.seconds else []
    return facts + [f"{key}: {shown_setting(value)}" for key, value in section.settings.items()]


def _cell(text: str) -> str:
    """Text on one line, escaped for a table and for Markdown."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _anchor(title: str) -> str:
    """The anchor that a forge gives a heading."""
    return "".join(c for c in title.lower() if c.isalnum() or c in " -_").replace(" ", "-")


def shown(value: str | float | None) -> str:
    """A figure of a table: texts as they are, numbers in four digits, a dash for none.

    >>> shown("99.9 %"), shown(0.123456), shown(12), shown(40200.0), shown(None)
    ('99.9 %', '0.1235', '12', '40,200', '–')
    """
    match value:
        case None:
            return "–"
        case str():
            return value
        case int():
            return f"{value:,}"
        case _:
            return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def shown_setting(value: object) -> str:
    """A setting of a section.

    >>> shown_setting({"steps": 500, "starts": ["zero", "uniform"]}), shown_setting(0.01), shown_setting(True)
    ('steps 500, starts zero, uniform', '0.01', 'yes')
    """
    match value:
        case dict():
            return ", ".join(f"{key} {shown_setting(item)}" for key, item in value.items())
        case list() | tuple():
            return ", ".join(map(shown_setting, value))
        case bool():
            return "yes" if value else "no"
        case None | str() | int() | float():
            return shown(value)
        case _:
            return str(value)


def duration(seconds: float) -> str:
    """A time.

    >>> duration(0), duration(8.44), duration(75), duration(7260)
    ('–', '8.4 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds <= 0:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left} min" if hours else f"{minutes} min {rest} s"
