"""How we search: the archive, the strategies that fill it, and the loop. Genomes are opaque batches here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evo_fool.evolution.archive import ClassArchive as ClassArchive
    from evo_fool.evolution.archive import Insertions as Insertions
    from evo_fool.evolution.genetic import Genetic as Genetic
    from evo_fool.evolution.map_elites import MapElites as MapElites
    from evo_fool.evolution.population import Individual as Individual
    from evo_fool.evolution.population import Population as Population
    from evo_fool.evolution.random_search import RandomSearch as RandomSearch
    from evo_fool.evolution.strategy import ArchiveStrategy as ArchiveStrategy

_HOMES = {
    "ArchiveStrategy": "strategy",
    "ClassArchive": "archive",
    "Genetic": "genetic",
    "Individual": "population",
    "Insertions": "archive",
    "MapElites": "map_elites",
    "Population": "population",
    "RandomSearch": "random_search",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
