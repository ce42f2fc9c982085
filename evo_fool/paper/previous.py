"""Pages that an earlier call left in a report, so that one that makes some figures anew keeps the others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from evo_fool.paper.report import FORMAT, picture_path
from evo_fool.studies import chosen
from evo_fool.studies.section import VERDICTS, Picture, Row, Section


def earlier_sections(folder: Path, budget: str) -> list[Section]:
    """The pages of the report in ``folder``.

    A report of another budget, a missing or an unreadable one has none. Nothing in it is trusted but text, numbers and
    the pictures that lie where a report puts them.
    """
    try:
        record = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        if record["format"] != FORMAT or record["budget"] != budget:
            return []
        return [_section(folder, page) for page in record["sections"]]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return []


def _section(folder: Path, page: dict[str, Any]) -> Section:
    if page["key"] not in chosen(["all"]) or page["verdict"] not in VERDICTS:
        raise ValueError(f"{page['key']}: {page['verdict']}")
    section = Section(
        key=page["key"],
        title=str(page["title"]),
        figures=str(page["figures"]),
        verdict=page["verdict"],
        why=str(page["why"]),
        rows=tuple(Row(**row) for row in page["rows"]),
        settings=dict(page["settings"]),
        seeds=tuple(int(seed) for seed in page["seeds"]),
        commands=tuple(str(command) for command in page["commands"]),
        images=int(page["images"]),
        seconds=float(page["seconds"]),
        data=dict(page["data"]),
    )
    pictures = []
    for entry in page["pictures"]:
        picture = Picture(
            Path(entry["file"]).stem.removeprefix(f"{section.key}-"),
            b"",
            str(entry["caption"]),
            bool(entry["borrowed"]),
        )
        file = folder / picture_path(section, picture)
        if file.is_file():
            pictures.append(replace(picture, png=file.read_bytes()))
    return replace(section, pictures=tuple(pictures))
