"""A real run, in a run directory that goes away: what the measurements of the whole loop have in common.

Each stage can be wrapped, which is how it is timed; the loop itself is the one that ``evo-fool run`` runs.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from evo_fool.evaluation.assembly import Parts
from evo_fool.evolution.loop import evolve as run_loop
from evo_fool.evolution.toolbox import build_toolbox
from evo_fool.experiment import Experiment
from evo_fool.runs.directory import new_directory
from evo_fool.runs.store import Store
from evo_fool.session.checkpoint import restore
from evo_fool.session.recorder import Recorder
from evo_fool.session.session import describe

STAGES = ("vary", "render", "screen", "score", "insert", "commit", "flush")
"""What a generation consists of, in order; to flush is to wait, in the end, for what is still being written."""

Wrapper = Callable[[str, Callable[..., Any]], Callable[..., Any]]
"""Given a stage's name and function, what to call in its place."""


class TemporaryRun:
    """A run that can be taken forward by so many generations. Use it in a ``with`` statement.

    Args:
        experiment: resolved; its number of generations is ignored.
        parts: assembled from it. Their methods are replaced by wrapped ones: build others for another use.
        wrap: goes around the function of each of :data:`STAGES`.
        start: a run of this experiment to go on from, which is copied and stays as it is; None: begin at nothing.

    Attributes:
        generation: the next one.
        path: the run directory.
        recorder: gathers and commits.
        store: what it commits to.
        strategy: the search, and its archive.
    """

    def __init__(self, experiment: Experiment, parts: Parts, wrap: Wrapper, start: Path | None = None) -> None:
        with ExitStack() as resources:
            folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="evo-fool-bench-")))
            if start is None:
                with new_directory(folder, experiment.name, *describe(experiment, parts)) as (_, self.path):
                    pass
            else:
                self.path = Path(shutil.copytree(start, folder / start.name))
            self.store = Store(self.path)
            resources.callback(self.store.close)
            evaluator = parts.evaluator
            evaluator.encoding.draw = wrap("render", evaluator.encoding.draw)  # type: ignore[method-assign]
            evaluator.scorer.screen = wrap("screen", evaluator.scorer.screen)  # type: ignore[method-assign]
            evaluator.scorer.score = wrap("score", evaluator.scorer.score)  # type: ignore[method-assign]
            self._toolbox = build_toolbox(experiment, parts.encoding, evaluator, parts.targets)
            self.strategy = strategy = self._toolbox.strategy
            self._toolbox.register("generate", wrap("vary", strategy.generate))
            self._toolbox.register("update", wrap("insert", strategy.update))
            lineage, populations = restore(self.store, parts.encoding, strategy, experiment.retention)
            self.recorder = resources.enter_context(
                Recorder(self.store, parts.encoding, strategy, lineage, experiment.checkpoint)
            )
            self.recorder.populations = populations
            self.generation = self.store.progress()[0] + 1
            self._record = wrap("commit", self.recorder)
            self._flush = wrap("flush", self.recorder.flush)
            self._resources = resources.pop_all()

    def advance(self, generations: int) -> int:
        """Run so many generations, and return how many images were scored.

        A commit that is still being written then belongs to them, not to what comes next: it is waited for.

        Raises:
            EvoFoolError: the commit failed.
        """
        before = self._toolbox.strategy.evaluations
        run_loop(self._toolbox, first=self.generation, last=self.generation + generations - 1, record=self._record)
        self._flush()
        self.generation += generations
        return int(self._toolbox.strategy.evaluations - before)

    def __enter__(self) -> TemporaryRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.__exit__(kind, error, trace)
