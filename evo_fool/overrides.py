"""Changed settings: by dotted key, or as ``key.sub=value`` with each value read as YAML."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable, Mapping
from typing import Any

from evo_fool.errors import ConfigError
from evo_fool.yaml_file import parse_yaml

_SHOWN = 60


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """The settings of assignments such as ``encoding.rate=0.05``, by dotted key; of two to one key the last counts.

    Raises:
        ConfigError: a malformed assignment, or a value that is not YAML.
    """
    settings = {}
    for assignment in assignments:
        key, separator, text = assignment.partition("=")
        shown = f"-S {_short(assignment)!r}"
        if not separator or not key.strip():
            raise ConfigError(f"{shown}: expected key=value, as in -S encoding.colour=hsv")
        settings[key.strip()] = parse_yaml(text, shown)
    return settings


def override(data: dict[str, Any], settings: Mapping[str, Any], source: str) -> None:
    """Apply settings by dotted key to the nested ``data``, in place.

    A whole section comes before the settings in it, and a ``kind`` before its other settings: their order decides
    nothing.

    Raises:
        ConfigError: an unknown section; begins with ``source``.
    """
    paths = {key: key.split(".") for key in settings}
    for key in sorted(paths, key=lambda key: (len(paths[key]), paths[key][-1] != "kind")):
        if problem := _assign(data, paths[key], value := settings[key]):
            given = _short(f"{key}={value if isinstance(value, str) else shown(value)}")
            raise ConfigError(f"{source} {given!r}: {problem}")


def unknown_key(key: str, known: list[str]) -> str:
    """The line for a key that is not among ``known``: with the nearest of them, or with all."""
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(sorted(known))}"
    return f"unknown key {_short(key)!r}" + hint


def shown(value: Any) -> str:
    """A value in an error: short, however deep or long it is."""
    limited = reprlib.Repr()
    limited.maxlevel, limited.maxstring, limited.maxother = 3, _SHOWN, _SHOWN
    try:
        return _short(limited.repr(value))
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "an integer of thousands of digits"


def _assign(data: dict[str, Any], keys: list[str], value: Any) -> str:
    """Set a nested key, or say why that is impossible; a changed ``kind`` starts its section afresh, whose other keys
    belong to the old kind."""
    for key in keys[:-1]:
        if key in data and not isinstance(data[key], dict):
            return f"{key!r} is a setting, not a section"
        if not isinstance(data.get(key), dict):
            return unknown_key(key, [k for k, v in data.items() if isinstance(v, dict)])
        data = data[key]
    last = keys[-1]
    # Whether a section has such a key is decided when the whole is validated, by the kind it then has.
    if len(keys) == 1 and last not in data:
        return unknown_key(last, list(data))
    if last == "kind" and value != data.get("kind"):
        data.clear()
    data[last] = value
    return ""


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
