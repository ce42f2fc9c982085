"""Settings changed from the command line: ``key.sub=value``, each value read as YAML."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from evo_fool.errors import ConfigError
from evo_fool.yaml_file import parse_yaml

_SHOWN = 60


def override(data: dict[str, Any], assignments: Iterable[str]) -> None:
    """Apply assignments such as ``encoding.rate=0.05`` to the nested settings ``data``, in place.

    A whole section comes before the settings in it, and a ``kind`` before its other settings: their order on the
    command line decides nothing. Of two assignments to one setting the last counts.

    Raises:
        ConfigError: a malformed assignment, a value that is not YAML, or an unknown section.
    """
    parsed = []
    for assignment in assignments:
        key, separator, text = assignment.partition("=")
        shown = f"-S {assignment if len(assignment) <= _SHOWN else assignment[: _SHOWN - 3] + '...'!r}"
        if not separator or not key.strip():
            raise ConfigError(f"{shown}: expected key=value, as in -S encoding.colour=hsv")
        parsed.append((key.strip().split("."), parse_yaml(text, shown), shown))
    for keys, value, shown in sorted(parsed, key=lambda each: (len(each[0]), each[0][-1] != "kind")):
        _assign(data, keys, value, shown)


def unknown_key(key: str, known: list[str]) -> str:
    """The line for a key that is not among ``known``: with the nearest of them, or with all."""
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(sorted(known))}"
    return f"unknown key {key if len(key) <= _SHOWN else key[: _SHOWN - 3] + '...'!r}" + hint


def _assign(data: dict[str, Any], keys: list[str], value: Any, shown: str) -> None:
    """Set a nested key; a changed ``kind`` starts its section afresh, whose other keys belong to the old kind."""
    for key in keys[:-1]:
        if key in data and not isinstance(data[key], dict):
            raise ConfigError(f"{shown}: {key!r} is a setting, not a section")
        if not isinstance(data.get(key), dict):
            raise ConfigError(f"{shown}: {unknown_key(key, [k for k, v in data.items() if isinstance(v, dict)])}")
        data = data[key]
    last = keys[-1]
    # Whether a section has such a key is decided when the whole is validated, by the kind it then has.
    if len(keys) == 1 and last not in data:
        raise ConfigError(f"{shown}: {unknown_key(last, list(data))}")
    if last == "kind" and value != data.get("kind"):
        data.clear()
    data[last] = value
