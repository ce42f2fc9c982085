"""The report as a value and as JSON: its sections, and what they rest on."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from evo_fool import studies
from evo_fool.jsonable import plain
from evo_fool.studies.section import Picture, Row, Section

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
            "sections": [_record(section) for section in self.sections],
        }


def _record(section: Section) -> dict[str, Any]:
    pictures = [
        {"file": picture_path(section, picture), "caption": picture.caption, "borrowed": picture.borrowed}
        for picture in section.pictures
    ]
    record: dict[str, Any] = plain({f.name: getattr(section, f.name) for f in fields(section)} | {"pictures": pictures})
    return record | {"rows": [plain(asdict(row)) for row in section.rows]}


def picture_path(section: Section, picture: Picture) -> str:
    """Where a picture lies, relative to the report, with forward slashes.

    >>> section = Section(key="mnist", title="", figures="", verdict="new", why="")
    >>> picture_path(section, Picture("median by generation", b"", ""))
    'images/mnist-median-by-generation.png'
    """
    name = re.sub(r"[^A-Za-z0-9]+", "-", f"{section.key}-{picture.name}").strip("-")
    return f"{IMAGES}/{name}.png"


def earlier_sections(folder: Path, budget: str) -> list[Section]:
    """The sections of the report in ``folder``.

    A report of another budget, a missing or an invalid one has none. Read are only text, numbers, and pictures that lie
    where a report puts them.
    """
    try:
        record = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        if record["format"] != FORMAT or record["budget"] != budget:
            return []
        return [_read(folder, section) for section in record["sections"]]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return []


def _read(folder: Path, record: dict[str, Any]) -> Section:
    if record["key"] not in studies.STUDIES:
        raise ValueError(record["key"])
    rows = [Row(**row) for row in record["rows"]]
    section = TypeAdapter(Section).validate_python(record | {"rows": rows, "pictures": ()})
    pictures = []
    for entry in record["pictures"]:
        name = Path(entry["file"]).stem.removeprefix(f"{section.key}-")
        picture = Picture(name, b"", str(entry["caption"]), bool(entry["borrowed"]))
        file = folder / picture_path(section, picture)
        if file.is_file():
            pictures.append(replace(picture, png=file.read_bytes()))
    return replace(section, pictures=tuple(pictures))
