"""The gallery's scripts as one: a browser does not import modules from a disk.

Only our own modules, which keep to one form of import and export and to distinct names at the top level.
"""

from __future__ import annotations

import re
from pathlib import Path

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=const |class |function |async function )", re.MULTILINE)


def bundle(entry: Path) -> str:
    """The script ``entry`` and all that it imports, each before those that need it."""
    parts: dict[str, str] = {}

    def collect(name: str) -> None:
        if name not in parts:
            text = entry.with_name(name).read_text(encoding="utf-8")
            for imported in _IMPORT.findall(text):
                collect(imported)
            parts[name] = _EXPORT.sub("", _IMPORT.sub("", text))

    collect(entry.name)
    return '(() => {\n"use strict";\n' + "\n".join(parts.values()) + "})();\n"
