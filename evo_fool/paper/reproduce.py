"""From the names of studies to a report on disk, page by page, so that it can be stopped and read at any time."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from evo_fool.atomic_write import whole_folder
from evo_fool.errors import EvoFoolError
from evo_fool.evaluation.environment import environment
from evo_fool.paper.pages import html, markdown
from evo_fool.paper.report import Report, earlier_sections, picture_path
from evo_fool.studies import chosen, study_of
from evo_fool.studies.context import Context, Stopped
from evo_fool.studies.ledger import Ledger
from evo_fool.studies.section import Section


def reproduce(names: Sequence[str], context: Context, command: str, *, own_pictures: bool = False) -> Report:
    """Make the pages that ``names`` mean and write the report into the context's folder, again after every page.

    Pages of the same budget that an earlier call left there and that are not made anew stay in the report.

    Args:
        names: see :func:`evo_fool.studies.chosen`.
        context: where to work.
        command: what was typed, for the report.
        own_pictures: leave out pictures in which images of the data folder can be seen.

    Raises:
        ConfigError: there is no such study.
        Stopped: asked to stop; the report so far is written, its ``complete`` false.
        EvoFoolError: the report cannot be written.
    """
    studies = chosen(names)
    made: dict[str, Section] = {}
    before = {
        section.key: _shown(section, own_pictures) for section in earlier_sections(context.folder, context.budget)
    }
    for name in studies:
        try:
            made[name] = _shown(_section(name, context), own_pictures)
        except BaseException as error:
            if isinstance(error, Stopped | KeyboardInterrupt):
                write_report(_report(before | made, context, command, complete=False), context.folder)
            raise
        complete = len(made) == len(studies) and all(section.verdict != "failed" for section in made.values())
        report = _report(before | made, context, command, complete=complete)
        write_report(report, context.folder)
        context.say(f"{made[name].title}: {made[name].verdict}. {made[name].why}")
    return report


def _shown(section: Section, own_pictures: bool) -> Section:
    return replace(section, pictures=tuple(p for p in section.pictures if not (own_pictures and p.borrowed)))


def _section(name: str, context: Context) -> Section:
    """One section, with what the ledger counted for it."""
    context.ledger = Ledger()
    context.say(f"study {name}")
    study = study_of(name)
    try:
        section = study.section(context)
    except EvoFoolError as error:
        # One study that cannot be made must not cost the others their sections; the report says what was wrong.
        section = Section(key=name, title=study.title, figures=study.figures, verdict="failed", why=str(error))
    why = section.why
    if context.budget == "smoke" and section.verdict not in ("skipped", "failed"):
        why = f"(Smoke budget: too small to judge by.) {why}"
    ledger, commands = context.ledger, (_command(name, context), *section.commands)
    return replace(section, why=why, commands=commands, images=ledger.images, seconds=ledger.seconds)


def _command(name: str, context: Context) -> str:
    """What makes one page again."""
    data = [] if context.data.folder is None else ["--data", str(context.data.folder)]
    seeds = ",".join(map(str, context.seeds))
    return shlex.join(["evo-fool", "reproduce", name, "--budget", context.budget, "--seeds", seeds, *data])


def _report(sections: Mapping[str, Section], context: Context, command: str, *, complete: bool) -> Report:
    created = datetime.now(UTC).isoformat(timespec="seconds")
    record = environment(context.device)
    ordered = tuple(sections[name] for name in chosen(list(sections)))
    return Report(ordered, context.budget, command, record, created, complete)


def write_report(report: Report, folder: Path) -> None:
    """Write ``report.html``, ``report.md``, ``report.json`` and the pictures, all together or not at all.

    Raises:
        EvoFoolError: the folder cannot be written.
    """
    with whole_folder(folder, "--out") as put:
        for section in report.sections:
            for picture in section.pictures:
                put(picture_path(section, picture), picture.png)
        put("report.md", markdown(report).encode())
        put("report.json", json.dumps(report.as_json(), ensure_ascii=False, allow_nan=False).encode())
        put("report.html", html(report).encode())
