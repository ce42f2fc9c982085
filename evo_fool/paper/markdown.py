"""The report as Markdown, as it reads on a forge: a summary table, then a section a study."""

from __future__ import annotations

from collections.abc import Iterator

from evo_fool.paper.report import Report, duration, picture_path, shown, shown_setting
from evo_fool.studies.section import Section


def markdown(report: Report) -> str:
    """The whole report."""
    return "\n".join([*_head(report), *(line for section in report.sections for line in _page(section))])


def summary_table(report: Report) -> str:
    """One line a study: what of the paper it stands beside, what came of it and why."""
    lines = ["| study | paper | verdict | why | images | time |", "|---|---|---|---|--:|--:|"]
    for section in report.sections:
        link = f"[{_cell(section.title)}](#{_anchor(section.title)})"
        why = _cell(section.why)
        numbers = f"{shown(section.images or None)} | {duration(section.seconds)}"
        lines.append(f"| {link} | {_cell(section.figures) or '–'} | **{section.verdict}** | {why} | {numbers} |")
    return "\n".join(lines)


def _head(report: Report) -> Iterator[str]:
    packages = report.environment.get("packages", {})
    versions = ", ".join(f"{name} {version}" for name, version in packages.items())
    yield "# The paper's results beside ours"
    yield ""
    yield "Nguyen, Yosinski & Clune, *Deep Neural Networks are Easily Fooled*, CVPR 2015."
    yield ""
    yield f"Budget `{report.budget}`, {report.created}. Typed last:"
    yield ""
    yield f"    {report.command}"
    yield ""
    if report.trouble:
        yield f"**{report.trouble}**"
        yield ""
    yield summary_table(report)
    yield ""
    yield (
        "A dash: no such figure in the paper, or none that is available. “New”: the paper has no such result. "
        "Images and time are those of the runs that a page rests on; pages that share runs count them each."
    )
    yield ""
    yield (
        f"Python {report.environment.get('python')}, {versions}; {report.environment.get('cpus')} "
        f"× {report.environment.get('processor')}, device {report.environment.get('device_name')}."
    )
    yield ""


def _page(section: Section) -> Iterator[str]:
    yield f"## {section.title}"
    yield ""
    yield f"{section.figures + ' of the paper. ' if section.figures else ''}**{section.verdict.capitalize()}.** " + (
        section.why
    )
    yield ""
    if section.rows:
        yield "| | ours | paper | control | |"
        yield "|---|--:|--:|--:|---|"
        for row in section.rows:
            figures = " | ".join(_cell(shown(value)) for value in (row.ours, row.paper, row.control))
            yield f"| {_cell(row.what)} | {figures} | {_cell(row.note)} |"
        yield ""
    for picture in section.pictures:
        yield f"![{_cell(picture.caption)}]({picture_path(section, picture)})"
        yield ""
        yield f"*{_cell(picture.caption)}*"
        yield ""
    for command in section.commands:
        yield f"    {command}"
    if section.commands:
        yield ""
    if facts := _facts(section):
        yield facts
        yield ""


def _facts(section: Section) -> str:
    facts = []
    if section.seeds:
        facts.append(f"seeds {', '.join(map(str, section.seeds))}")
    if section.images:
        facts.append(f"{section.images:,} images scored")
    if section.seconds:
        facts.append(duration(section.seconds))
    facts += [f"{key}: {shown_setting(value)}" for key, value in section.settings.items()]
    return "; ".join(map(_cell, facts)) + "." if facts else ""


def _cell(text: str) -> str:
    """Text on one line that no table and no markup takes for its own."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _anchor(title: str) -> str:
    """The anchor that a forge gives a heading."""
    return "".join(c for c in title.lower() if c.isalnum() or c in " -_").replace(" ", "-")
