"""The gallery's scripts as one: a browser does not import modules from a disk.

Our own modules only, which keep to one form of import and export; whatever else they said would break the bundle, which
the browser tests open.
"""

from __future__ import annotations

import re
from pathlib import Path

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=const |class |function |async function )", re.MULTILINE)


def bundle(entry: Path) -> str:
    """The script ``entry`` and all that it imports, each before those who need it."""
    parts: dict[Path, str] = {}
    _collect(entry, parts)
    return '(() => {\n"use strict";\n' + "\n".join(parts.values()) + "})();\n"


def _collect(path: Path, parts: dict[Path, str]) -> None:
    if path in parts:
        return
    text = path.read_text(encoding="utf-8")
    for name in _IMPORT.findall(text):
        _collect(path.parent / name, parts)
    # Each in a block of its own would hide what it exports; the modules' own names are told apart by being distinct.
    parts[path] = _EXPORT.sub("", _IMPORT.sub("", text))
