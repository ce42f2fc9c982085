"""docs/reference/run-directory.md documents every table and every column, in order, and no other."""

import re
import sqlite3
from pathlib import Path

from evo_fool.runs import schema

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "run-directory.md"
Columns = list[tuple[str, str]]


def test_page_lists_all_tables_and_columns() -> None:
    assert _documented() == _actual()


def test_page_names_the_format() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"format, now {schema.FORMAT}." in " ".join(text.split())
    assert f"0x{schema.APPLICATION_ID:X}" in text


def _documented() -> dict[str, Columns]:
    sections = re.split(r"^### `(\w+)`$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    found = {}
    for name, text in zip(sections[::2], sections[1::2], strict=True):
        text = re.split(r"^## ", text, flags=re.MULTILINE)[0]
        found[name] = re.findall(r"^\| `(\w+)` \| (\w+) \|", text, flags=re.MULTILINE)
    return found


def _actual() -> dict[str, Columns]:
    connection = sqlite3.connect(":memory:")
    schema.create(connection)
    tables = [name for name, sql in schema.TABLES.items() if sql.startswith("CREATE TABLE")]
    columns = {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for name in tables}
    connection.close()
    return {name: [(row[1], row[2]) for row in rows] for name, rows in columns.items()}
