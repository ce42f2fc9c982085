"""From the names of studies to a report on disk, page by page, so that it can be stopped and read at any time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from evo_fool.errors import EvoFoolError
from evo_fool.plain import to_json
from evo_fool.reports.reproduction.markdown import markdown
from evo_fool.reports.reproduction.page import page
from evo_fool.reports.reproduction.report import Report, picture_path
from evo_fool.runs.environment import environment
from evo_fool.runs.files import write_whole
from evo_fool.studies import chosen, page_of
from evo_fool.studies.base import Section, skipped
from evo_fool.studies.workshop import Ledger, Stopped, Workshop


def reproduce(names: Sequence[str], workshop: Workshop, command: str) -> Report:
    """Make the pages that ``names`` mean and write the report into the workshop's folder, again after every page.

    Args:
        names: see :func:`evo_fool.studies.chosen`.
        workshop: where to work.
        command: what was typed, for the report.

    Raises:
        ConfigError: there is no such study.
        Stopped: asked to stop; the report so far is written, its ``complete`` false.
        EvoFoolError: the report cannot be written.
    """
    studies = chosen(names)
    sections: list[Section] = []
    for name in studies:
        try:
            sections.append(_section(name, workshop))
        except BaseException as error:
            if isinstance(error, Stopped | KeyboardInterrupt):
                write_report(_report(sections, workshop, command, complete=False), workshop.folder)
            raise
        report = _report(sections, workshop, command, complete=len(sections) == len(studies))
        write_report(report, workshop.folder)
        workshop.say(f"{sections[-1].title}: {sections[-1].verdict}. {sections[-1].why}")
    return report


def _section(name: str, workshop: Workshop) -> Section:
    """One page; what it rests on is added up where the study has not done so itself."""
    make: Callable[[Workshop], Section] = page_of(name)
    workshop.ledger = Ledger()
    workshop.say(f"study {name}")
    try:
        section = make(workshop)
    except EvoFoolError as error:
        # One study that cannot be made must not cost the others their pages; the report says what was wrong.
        return skipped(name, name.replace("-", " ").capitalize(), "", str(error))
    ledger, why = workshop.ledger, section.why
    if workshop.budget == "smoke" and section.verdict != "skipped":
        why = f"(Smoke budget: too small to judge by.) {why}"
    return replace(section, why=why, images=section.images or ledger.images, seconds=section.seconds or ledger.seconds)


def _report(sections: Sequence[Section], workshop: Workshop, command: str, *, complete: bool) -> Report:
    created = datetime.now(UTC).isoformat(timespec="seconds")
    record = environment(workshop.device)
    return Report(tuple(sections), workshop.budget, command, record, created, complete)


def write_report(report: Report, folder: Path) -> None:
    """Write ``report.html``, ``report.md``, ``report.json`` and the pictures, each file whole or not at all.

    Raises:
        EvoFoolError: the folder cannot be written.
    """
    for section in report.sections:
        for picture in section.pictures:
            write_whole(folder / picture_path(section, picture), picture.png)
    write_whole(folder / "report.md", markdown(report).encode())
    write_whole(folder / "report.json", to_json(report.as_json()).encode())
    write_whole(folder / "report.html", page(report).encode())
