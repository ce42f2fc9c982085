"""From generations to commits: gathers what each generation changed and writes it when a checkpoint is due.

A thread writes each commit while the next generation is bred; the next commit waits for it. So the store is at most one
checkpoint behind the search, and a crash costs what was not yet committed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import numpy as np

from evo_fool.encodings.base import Encoding
from evo_fool.evaluation import Scored
from evo_fool.evolution.archive import EMPTY, Insertions
from evo_fool.evolution.population import Population
from evo_fool.evolution.strategy import ArchiveStrategy, PopulationState
from evo_fool.runs.retention import Retention
from evo_fool.runs.schema import METRICS
from evo_fool.runs.store import Batch, IndividualRow, Store
from evo_fool.sections import CheckpointConfig

_MAX_PENDING = 512 * 1024 * 1024
"""Bytes of genomes and images that may wait for the clock: a thousand busy cells fill a gigabyte in seconds."""


class Recorder:
    """Writes what each generation of :func:`evo_fool.evolution.loop.evolve` changed. Use it in a ``with`` statement.

    Args:
        store: where commits go.
        encoding: writes genomes down.
        strategy: its archive and populations are what a checkpoint holds.
        lineage: decides which genomes and images stay.
        checkpoint: when a commit is due.
        seconds: active seconds of the run before this process took over.
        clock: monotonic seconds; replaceable for tests.

    Attributes:
        populations: the GA's populations as last committed or gathered, by target.
        commit_seconds: seconds that commits have taken, mostly in parallel with the search.
    """

    def __init__(
        self,
        store: Store,
        encoding: Encoding,
        strategy: ArchiveStrategy,
        lineage: Retention,
        checkpoint: CheckpointConfig,
        seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = store
        self.encoding = encoding
        self.strategy = strategy
        self.lineage = lineage
        self.checkpoint = checkpoint
        self.populations: dict[int, PopulationState] = {}
        self.commit_seconds = 0.0
        self._clock = clock
        self._began = clock() - seconds
        self._last_commit = clock()
        self._generation = -1
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="evo-fool-commit")
        self._written: Future[None] | None = None
        self._reset()

    @property
    def seconds(self) -> float:
        """Active wall seconds of the run so far, interruptions not counted."""
        return self._clock() - self._began

    def __call__(self, population: Population, scored: Scored, insertions: Insertions, row: dict[str, float]) -> None:
        """Gather one generation, and commit if a checkpoint is due."""
        generation = population.generation
        state = self.strategy.population_state(generation)
        self._keep(population, scored, insertions, state)
        self._cells.update(insertions.cells.tolist())
        self._captures += [
            (generation, cell, id, previous if previous != EMPTY else None, log_odds)
            for cell, id, previous, log_odds in zip(
                insertions.cells.tolist(),
                insertions.ids.tolist(),
                insertions.previous.tolist(),
                insertions.log_odds.tolist(),
                strict=True,
            )
        ]
        values = row | {"generation": generation, "seconds": self.seconds}
        self._metrics.append(tuple(values[name] for name in METRICS))
        self._choices += [(generation, made.operator, made.children, made.gain) for made in self.strategy.choices()]
        self._generation = generation
        if self._due():
            self.commit()
            if generation == 0:  # a run that is announced can be opened
                self.flush()

    def commit(self) -> None:
        """Begin to write everything gathered since the last commit; nothing to do if there is nothing.

        Raises:
            EvoFoolError: the commit before this one failed.
        """
        if not self._metrics:
            return
        self.flush()
        archive = self.strategy.archive
        batch = Batch(
            individuals=list(self._individuals.values()),
            departures=self.lineage.depart(),
            captures=self._captures,
            cells=[
                (cell, int(archive.ids[cell]), float(archive.log_odds[cell]), int(archive.generations[cell]))
                for cell in sorted(self._cells)
            ],
            metrics=self._metrics,
            members=[(target, s.ids, s.log_odds) for target, s in self.populations.items() if target in self._targets],
            memory=self.strategy.state_dict(),
            generation=self._generation,
            evaluations=self.strategy.evaluations,
            seconds=self.seconds,
            choices=self._choices,
        )
        self._written = self._writer.submit(self._write, batch)
        self._reset()
        self._last_commit = self._clock()

    def flush(self) -> None:
        """Wait until what was begun is written.

        Raises:
            EvoFoolError: writing failed.
        """
        written, self._written = self._written, None
        if written is not None:
            written.result()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Whatever happened, nothing may be written after this: the run's lock is about to be released.
        self._writer.shutdown(wait=True)

    def _write(self, batch: Batch) -> None:
        began = self._clock()
        self.store.commit(batch)
        self.commit_seconds += self._clock() - began

    def _keep(
        self, population: Population, scored: Scored, insertions: Insertions, state: PopulationState | None
    ) -> None:
        winners = set(insertions.rows.tolist())
        first = int(population.ids[0]) if len(population) else 0
        members = set() if state is None else {id - first for id in state.ids if id >= first}
        newcomers = sorted(winners | members) if len(population) else []
        images = scored.fetch(newcomers)
        for r, image in zip(newcomers, images, strict=True):
            id, parents = first + r, (int(population.parents[r, 0]), int(population.parents[r, 1]))
            genome, pixels = self.encoding.encode(population.genomes[r]), image.tobytes()
            individual = IndividualRow(
                id, population.generation, parents, population.operators[r], r in winners, genome, pixels
            )
            self._individuals[id] = individual
            self._pending += individual.size
            self.lineage.add(id, parents, captor=individual.captor, size=individual.size)
        self.lineage.hold(insertions.ids)
        self.lineage.release(np.asarray(insertions.previous[insertions.previous != EMPTY]))
        if state is not None:
            self.lineage.hold(state.ids)
            if (before := self.populations.get(state.target)) is not None:
                self.lineage.release(before.ids)
            self.populations[state.target] = state
            self._targets.add(state.target)

    def _due(self) -> bool:
        every, seconds = self.checkpoint.generations, self.checkpoint.seconds
        by_count = isinstance(every, int) and len(self._metrics) >= every
        by_time = seconds is not None and self._clock() - self._last_commit >= seconds
        return by_count or by_time or self._pending > _MAX_PENDING

    def _reset(self) -> None:
        self._pending = 0
        self._individuals: dict[int, IndividualRow] = {}
        self._captures: list[tuple[int, int, int, int | None, float]] = []
        self._cells: set[int] = set()
        self._metrics: list[tuple[float, ...]] = []
        self._choices: list[tuple[int, str, int, float]] = []
        self._targets: set[int] = set()
