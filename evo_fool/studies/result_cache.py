"""Results of a study's parts as JSON files, so that a stopped reproduction continues where it stopped."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from evo_fool.atomic_write import write_whole
from evo_fool.jsonable import to_json


def cache_file(folder: Path, key: str) -> Path:
    """The file of a key: legible, and distinct for keys that differ in any character."""
    slug = re.sub(r"[^A-Za-z0-9.-]+", "-", key)[:60]
    return folder / f"{slug}-{hashlib.sha256(key.encode()).hexdigest()[:8]}.json"


def read_entry(path: Path, key: str) -> dict[str, Any] | None:
    """An entry with ``key``, ``seconds``, ``images`` and ``value``; None if missing, torn or of another key."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    fits = isinstance(entry, dict) and entry.get("key") == key and isinstance(entry.get("value"), dict)
    counted = fits and isinstance(entry.get("seconds"), int | float) and isinstance(entry.get("images"), int)
    return entry if counted else None


def write_entry(path: Path, entry: dict[str, Any]) -> None:
    """Write an entry, all of it or nothing."""
    write_whole(path, to_json(entry).encode(), "--out")
