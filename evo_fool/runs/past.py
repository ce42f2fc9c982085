"""The archive as it was: who held each class at the end of any generation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from evo_fool.errors import ConfigError, CorruptRunError
from evo_fool.probability import probability
from evo_fool.runs.run import Elite, Run

# SQLite takes the other columns from the row that has the maximum.
_CHANGES = (
    "SELECT class, id, log_odds, max(generation) FROM captures WHERE generation > ? AND generation <= ? "
    "GROUP BY class ORDER BY class"
)


def archive_at(run: Run, generation: int) -> list[Elite]:
    """The elites at the end of a generation, by class index.

    Raises:
        ConfigError: a generation that the run has not reached.
        CorruptRunError: an entry is not a number.
    """
    last = run.generation
    if not 0 <= generation <= last:
        there = f"there are generations 0 to {last}" if last >= 0 else "the run has not committed one yet"
        raise ConfigError(f"--generation {generation}: {there}")
    return next(changes(run, [generation]))


def changes(run: Run, generations: Iterable[int]) -> Iterator[list[Elite]]:
    """For each of ascending generations, the elites that took a class since the one before and hold it now.

    The first list is the whole archive of the first generation; to put each list over the one before keeps it whole.

    Raises:
        CorruptRunError: an entry is not a number.
    """
    before = -1
    for generation in generations:
        yield _elites(run, run.store.rows(_CHANGES, (before, generation)))
        before = generation


def _elites(run: Run, rows: list[tuple[object, ...]]) -> list[Elite]:
    elites = []
    for cls, id, log_odds, generation in rows:
        if not (isinstance(cls, int) and 0 <= cls < len(run.classes)):
            raise CorruptRunError(f"{run.path}: a capture names class {str(cls)[:40]!r}, which is none")
        if not (isinstance(id, int) and isinstance(log_odds, float) and isinstance(generation, int)):
            raise CorruptRunError(f"{run.path}: the captures have entries that are not numbers")
        p = float(probability(np.array([log_odds]))[0])
        elites.append(Elite(cls, run.classes[cls], id, log_odds, p, generation))
    return elites
