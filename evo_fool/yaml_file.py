"""Reading a YAML file as plain data, with one clear line where it is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from evo_fool.errors import ConfigError


def read_yaml(path: str | Path) -> dict[str, Any]:
    """A YAML mapping from a file, as plain data (never objects).

    Raises:
        ConfigError: missing or unreadable file, bad YAML, or something other than a mapping.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a UTF-8 text file"
        raise ConfigError(
            f"{path}: {reason}; give the path of an experiment file such as experiments/mnist-cppn.yaml"
        ) from None
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}: not valid YAML{where}") from None
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise ConfigError(f"{path}: expected a mapping of settings such as 'batch: 200', found {type(data).__name__}")
    return data
