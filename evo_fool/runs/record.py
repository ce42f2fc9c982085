"""What a run records as JSON, parsed and checked."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from evo_fool.errors import ConfigError, CorruptRunError
from evo_fool.experiment import Experiment


# One run is read many times, and validating an experiment takes a millisecond.
@lru_cache(maxsize=64)
def recorded_experiment(text: str, path: Path) -> Experiment:
    """The experiment that a run at ``path`` records as JSON.

    Raises:
        CorruptRunError: it is not readable, or not a valid experiment.
    """
    source = f"{path}: recorded experiment"
    recorded = record(text, source)
    encoding, search = recorded.get("encoding"), recorded.get("search")
    if isinstance(encoding, dict) and isinstance(search, dict) and search.get("kind") != "map_elites":
        encoding.pop("crossover", None)  # earlier versions recorded it, without any effect
    try:
        return Experiment.from_mapping(recorded, source=source)
    except (ConfigError, TypeError, ValueError) as error:
        raise CorruptRunError(str(error)) from None


def record(text: str, source: str) -> dict[str, Any]:
    """A JSON object that a run records; ``source`` names it in an error.

    Raises:
        CorruptRunError: it is not readable.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise CorruptRunError(f"{source} is not readable; restore a copy")
    return data
