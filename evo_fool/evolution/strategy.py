"""What every search shares: a DEAP generate/update strategy (as ``deap.cma.Strategy`` is one) that fills an archive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from deap import base

from evo_fool.encodings.base import Encoding, Genomes, Operator
from evo_fool.errors import ConfigError
from evo_fool.evolution.archive import ClassArchive, Insertions, argmax_only
from evo_fool.evolution.bandit import Choice
from evo_fool.evolution.population import Population
from evo_fool.experiment import Experiment
from evo_fool.randomness import Stream, stream

if TYPE_CHECKING:
    from evo_fool.evaluation import Scored


@dataclass(frozen=True, slots=True)
class PopulationState:
    """The members of one target class's population, in order: their ids and log-odds for the target."""

    target: int
    ids: list[int]
    log_odds: list[float]


class ArchiveStrategy:
    """The archive, the counter of evaluations, the insertion rule, and the toolbox that operators are looked up in.

    A search of your own is a subclass with a method :meth:`generate`.

    Args:
        experiment: its settings.
        encoding: of the genomes.
        archive: to fill.
        toolbox: DEAP's; the encoding's ``mutate``, ``vary`` and ``mate`` are registered on it. None: a new one.
        targets: the classes that are evolved, in order; None or empty: all.

    Attributes:
        evaluations: images scored so far, and what else the run has paid for in images; the id of the next one.
    """

    def __init__(
        self,
        experiment: Experiment,
        encoding: Encoding,
        archive: ClassArchive,
        toolbox: base.Toolbox | None = None,
        targets: list[int] | None = None,
    ) -> None:
        self.experiment = experiment
        self.encoding = encoding
        self.archive = archive
        self.toolbox: Any = base.Toolbox() if toolbox is None else toolbox
        self.targets = targets or list(range(len(archive)))
        self.evaluations = 0
        self._argmax = getattr(experiment.search, "insertion", "every_cell") == "argmax"
        self.toolbox.register("mutate", encoding.mutate)
        self.toolbox.register("mate", encoding.mate)
        self.toolbox.register("vary", encoding.vary)

    def generate(self, generation: int) -> Population:
        """The genomes to evaluate in this generation; a pure function of the strategy's state and the seed.

        Raises:
            ConfigError: the strategy only holds an archive, as that of imported images does.
        """
        raise ConfigError(f"search.kind = {self.experiment.search.kind!r} does not evolve anything")

    def update(self, population: Population, scored: Scored) -> Insertions:
        """Add the scored population to the archive."""
        self.evaluations += len(population) + population.extra
        eligible = argmax_only(scored.log_odds) if self._argmax else None
        return self.archive.add(population.ids, scored.log_odds, population.genomes, population.generation, eligible)

    def ask(self, generation: int) -> Population:
        """:meth:`generate`, as pyribs and QDax call it."""
        return self.generate(generation)

    def tell(self, population: Population, scored: Scored) -> Insertions:
        """:meth:`update`, as pyribs and QDax call it."""
        return self.update(population, scored)

    def thresholds(self) -> np.ndarray | None:
        """The log-odds an image must beat to matter, float64 ``(classes,)``; None where every score matters.

        With ``insertion: argmax`` every score matters: an image's top class decides where it may compete.
        """
        return None if self._argmax else self.archive.log_odds

    def population_state(self, generation: int) -> PopulationState | None:
        """The population that ``generation`` left behind beside the archive; None where the archive is all there is."""
        return None

    def restore(self, state: PopulationState, genomes: Genomes) -> None:
        """Put back one population from a checkpoint, in its stored order.

        Raises:
            ValueError: the strategy has no population for this target.
        """
        raise ValueError(f"a population for class {state.target}, which is not evolved")

    def state_dict(self) -> list[float]:
        """What the strategy needs beside archive and populations to go on as if never interrupted: finite numbers."""
        return []

    def load_state_dict(self, state: list[float]) -> None:
        """Put back what :meth:`state_dict` gave.

        Raises:
            ValueError: it is not this strategy's.
        """
        if state:
            raise ValueError(f"{len(state)} numbers for a strategy that keeps none")

    def choices(self) -> list[Choice]:
        """How often each operator was chosen in the last generation; empty where there is nothing to choose."""
        return []

    def random_population(self, generation: int, n: int | None = None) -> Population:
        """``n`` fresh random genomes; None: as many as ``generation`` has."""
        if n is None:
            n = self.experiment.batch if generation else self.experiment.initial_batch
        genomes = self.encoding.random(n, stream(self.experiment.seed, "random", generation))
        return Population.fresh(generation, self.evaluations, genomes)

    def mutated(self, genomes: Genomes, generation: int, *counters: int) -> Genomes:
        """What ``toolbox.mutate`` makes of a batch; ``counters`` tell apart mutations within a generation.

        Raises:
            ConfigError: it returns something else than one genome for each.
        """
        rng = stream(self.experiment.seed, "mutate", generation, *counters)
        return _as_before("mutate", self.toolbox.mutate(genomes, rng, generation), genomes)

    def varied(self, operator: Operator, genomes: Genomes, rng: Stream, generation: int) -> Genomes:
        """What ``toolbox.vary`` makes of a batch by one operator of the encoding.

        Raises:
            ConfigError: it returns something else than one genome for each.
        """
        return _as_before("vary", self.toolbox.vary(operator, genomes, rng, generation), genomes)

    def ascended(self, genomes: Genomes, cells: np.ndarray, rng: Stream) -> Genomes:
        """What ``toolbox.ascend`` makes of a batch, each row for its cell.

        Raises:
            ConfigError: it returns something else than one genome for each.
        """
        return _as_before("ascend", self.toolbox.ascend(genomes, cells, rng), genomes)

    def mated(self, first: Genomes, second: Genomes, rng: Stream) -> tuple[Genomes, Genomes]:
        """What ``toolbox.mate`` makes of row ``i`` of ``first`` and row ``i`` of ``second``.

        Raises:
            ConfigError: it returns something else than two genomes a pair.
        """
        one, other = self.toolbox.mate(first, second, rng)
        return _as_before("mate", one, first), _as_before("mate", other, second)


def _as_before(entry: str, made: Any, given: Genomes) -> Genomes:
    array = isinstance(made, np.ndarray)
    if not array or made.shape != given.shape or not np.can_cast(made.dtype, given.dtype, "same_kind"):
        what = _shown(made) if array else type(made).__name__
        raise ConfigError(f"toolbox.{entry} returned {what}; return a genome for each one given: {_shown(given)}")
    return made.astype(given.dtype, copy=False)


def _shown(genomes: Genomes) -> str:
    return f"{'records' if genomes.dtype.names else genomes.dtype} {genomes.shape}"
