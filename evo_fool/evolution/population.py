"""What one generation consists of: a batch of genomes with its provenance, and DEAP's view of a member.

Genes stay in arrays; DEAP's operators are handed :class:`Individual`, a small slotted object that names a row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from deap import base

from evo_fool.encodings.base import Genomes

NO_PARENT = -1


@dataclass(frozen=True, slots=True)
class Population:
    """The genomes that one generation evaluates.

    Attributes:
        generation: their generation.
        ids: int64 ``(n,)``, ascending and never reused: the number of images before it that the run has paid for.
        parents: int64 ``(n, 2)``, ids of the parents; ``NO_PARENT`` where there is none.
        operators: how each came to be, ``n`` short names such as ``"random"`` or ``"mutation"``.
        genomes: first axis ``n``.
        extra: what making them cost, in images, beyond their own scores.
    """

    generation: int
    ids: np.ndarray
    parents: np.ndarray
    operators: list[str]
    genomes: Genomes
    extra: int = 0

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def fresh(
        cls,
        generation: int,
        first_id: int,
        genomes: Genomes,
        operator: str = "random",
        parents: np.ndarray | int = NO_PARENT,
    ) -> Population:
        """A population that one operator made; ``parents``: the id of each one's only parent, int64 ``(n,)``."""
        n = len(genomes)
        both = np.full((n, 2), NO_PARENT, dtype=np.int64)
        both[:, 0] = parents
        return cls(generation, np.arange(first_id, first_id + n), both, [operator] * n, genomes)


class LogOdds(base.Fitness):
    """DEAP fitness of one target class: its log-odds, maximised."""

    weights = (1.0,)


class Individual:
    """One member of a genetic population, as DEAP's selection and variation see it.

    ``genome`` is a batch of one, a view into a generation's array; ``cell`` is where MAP-Elites took it from, -1 in the
    GA; ``partner`` and ``mutated`` note what DEAP's variation decided, to be carried out on whole arrays afterwards.
    """

    __slots__ = ("cell", "fitness", "genome", "id", "mutated", "partner")

    def __init__(self, id: int, genome: Genomes, log_odds: float | None = None, cell: int = -1) -> None:
        self.id = id
        self.genome = genome
        self.cell = cell
        self.partner: Individual | None = None
        self.mutated = False
        self.fitness = LogOdds()
        if log_odds is not None:
            self.fitness.values = (log_odds,)

    @property
    def log_odds(self) -> float:
        """The fitness as a number."""
        return float(self.fitness.values[0])

    def clone(self) -> Individual:
        """An unvaried copy with the same genome and fitness."""
        return Individual(self.id, self.genome, self.log_odds, self.cell)
