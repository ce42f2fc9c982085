"""Runs small enough to make many of them. Imported by tests as ``support``."""

from typing import Any

from evo_fool.experiment import Experiment


def small(kind: str = "cppn", **changes: Any) -> Experiment:
    """A run of a second or less on the embedded classifier."""
    settings: dict[str, Any] = {"name": "small", "batch": 16, "generations": 12, "encoding": {"kind": kind}}
    return Experiment.from_mapping(settings | changes)
