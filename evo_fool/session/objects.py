"""Objects handed to ``evolve`` in place of parts of the experiment: recorded by name, and asked for to resume."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from deap import base

from evo_fool.classifiers.base import Classifier
from evo_fool.encodings.base import Encoding
from evo_fool.errors import ConfigError
from evo_fool.evolution.toolbox import Search
from evo_fool.experiment import Experiment

Configure = Callable[[base.Toolbox], object]
"""Replaces entries of a toolbox, see :mod:`evo_fool.evolution.toolbox`."""


@dataclass(frozen=True, slots=True)
class Objects:
    """What was handed in; None: what the experiment says."""

    classifier: Classifier | None = None
    encoding: Encoding | None = None
    search: Search | None = None
    toolbox: Configure | None = None

    def names(self) -> dict[str, str]:
        """Part to name, of those that were handed in."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {part: _name(value) for part, value in given.items() if value is not None}

    def replacing(self, experiment: Experiment) -> Experiment:
        """``experiment`` with the names of the objects where it describes what they replace.

        Raises:
            ConfigError: the rest of the experiment does not fit.
        """
        names = self.names()
        changes: dict[str, Any] = {
            part: {"kind": "object", "name": names[part]} for part in ("encoding", "search") if part in names
        }
        if self.encoding is not None:
            changes["encoding"]["crossover"] = getattr(self.encoding, "crossover", 0.0)
        if self.classifier is not None:
            changes["classifier"] = {"spec": f"object:{names['classifier'].replace(':', '-')}"}
        return Experiment.from_mapping(experiment.model_dump() | changes, source="evolve") if changes else experiment

    def check_resumed(self, recorded: dict[str, str], *, named: bool) -> None:
        """Compare with the objects that the run was started with; ``named``: its classifier is given by a spec.

        Raises:
            ConfigError: one is missing, or there is one too many.
        """
        given = self.names().keys() | ({"classifier"} if named else set())
        if missing := [part for part in recorded if part not in given]:
            started = ", ".join(f"{part} {recorded[part]}" for part in missing)
            pass_them = ", ".join(f"{part}=..." for part in missing)
            raise ConfigError(f"the run was started with objects ({started}); pass them: resume(path, {pass_them})")
        if extra := sorted(given - recorded.keys() - {"classifier"}):
            raise ConfigError(f"the run was started without an object for its {extra[0]}; leave {extra[0]}= out")


def _name(value: Any) -> str:
    """A classifier's label; the name of a function or class; else of the object's class, also of a partial's."""
    value = getattr(value, "func", value)
    name = value.name if isinstance(value, Classifier) else getattr(value, "__name__", type(value).__name__)
    return str(name)[:100]
