"""How we search: the archive, the strategies that fill it, and the loop. Genomes are opaque batches here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_fool.lazy import lazy_names

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
    "ArchiveStrategy": "evo_fool.evolution.strategy",
    "ClassArchive": "evo_fool.evolution.archive",
    "Genetic": "evo_fool.evolution.genetic",
    "Individual": "evo_fool.evolution.population",
    "Insertions": "evo_fool.evolution.archive",
    "MapElites": "evo_fool.evolution.map_elites",
    "Population": "evo_fool.evolution.population",
    "RandomSearch": "evo_fool.evolution.random_search",
}

__all__ = sorted(_HOMES)


__getattr__ = lazy_names(__name__, _HOMES)
