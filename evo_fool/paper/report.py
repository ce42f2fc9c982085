"""The report as a value: its pages, what they rest on, and how a figure is written."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from evo_fool.jsonable import plain
from evo_fool.studies.section import Picture, Section

FORMAT = 1
"""Of ``report.json``."""

IMAGES = "images"
"""The folder of a report's pictures, beside its pages."""


@dataclass(frozen=True, slots=True)
class Report:
    """What ``evo-fool reproduce`` found out.

    Attributes:
        sections: its pages, in the order of :data:`evo_fool.studies.STUDIES`.
        budget: ``smoke``, ``laptop`` or ``paper``.
        command: what was typed last.
        environment: versions, processor, threads and device, see :func:`evo_fool.evaluation.environment.environment`.
        created: UTC, to the second, ISO 8601.
        complete: whether every page that was asked for is there; false also where one of them failed.
    """

    sections: tuple[Section, ...]
    budget: str
    command: str
    environment: dict[str, Any]
    created: str
    complete: bool

    @property
    def failed(self) -> list[str]:
        """The keys of pages that an error ended."""
        return [section.key for section in self.sections if section.verdict == "failed"]

    @property
    def trouble(self) -> str:
        """Why it is not complete, for people; "" where it is."""
        if self.failed:
            return f"Incomplete: {', '.join(self.failed)} failed; the page says why. The same command tries again."
        return "" if self.complete else "Incomplete: it was stopped. The same command goes on where it stopped."

    def as_json(self) -> dict[str, Any]:
        """The whole of it, JSON-able; pictures by the paths of their files."""
        return {
            "format": FORMAT,
            "created": self.created,
            "complete": self.complete,
            "budget": self.budget,
            "command": self.command,
            "environment": plain(self.environment),
            "sections": [_section(section) for section in self.sections],
        }


def _section(section: Section) -> dict[str, Any]:
    record = {
        name: getattr(section, name)
        for name in ("key", "title", "figures", "verdict", "why", "images", "seconds", "settings", "seeds", "commands")
    }
    record["rows"] = [asdict(row) for row in section.rows]
    record["pictures"] = [
        {"file": picture_path(section, picture), "caption": picture.caption, "borrowed": picture.borrowed}
        for picture in section.pictures
    ]
    record["data"] = section.data
    result: dict[str, Any] = plain(record)
    return result


def picture_path(section: Section, picture: Picture) -> str:
    """Where a picture lies, relative to the report, with forward slashes.

    >>> section = Section(key="mnist", title="", figures="", verdict="new", why="")
    >>> picture_path(section, Picture("median by generation", b"", ""))
    'images/mnist-median-by-generation.png'
    """
    name = re.sub(r"[^A-Za-z0-9]+", "-", f"{section.key}-{picture.name}").strip("-")
    return f"{IMAGES}/{name}.png"


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
    """A setting of a page for people.

    >>> shown_setting({"steps": 500, "starts": ["zero", "uniform"]}), shown_setting(0.01)
    ('steps 500, starts zero, uniform', '0.01')
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
    """Seconds for people.

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
