"""Whether the rows of a run are those that were written, and valid; checked by ``verify`` and before ``resume``.

Each check returns a sentence per fault; none when all is well. Genomes and images are not checked here.
"""

from __future__ import annotations

from collections.abc import Sequence

from evo_fool.errors import CorruptRunError
from evo_fool.runs import schema
from evo_fool.runs.seals import take_seals
from evo_fool.runs.store_reader import MAX_GENERATION, MAX_ID, StoreReader

_SCORE = "typeof({0}) = 'real' AND abs({0}) < 1e300"
_HASH = "typeof({0}) = 'blob' AND length({0}) = 32"
_HELD = "{0} IN (SELECT id FROM individuals)"

_SAME_ARCHIVE = """
SELECT class FROM (
    SELECT class, id, log_odds, generation FROM cells
    EXCEPT SELECT class, id, log_odds, max(generation) FROM captures GROUP BY class
) UNION SELECT class FROM (
    SELECT class, id, log_odds, max(generation) FROM captures GROUP BY class
    EXCEPT SELECT class, id, log_odds, generation FROM cells
) ORDER BY class LIMIT 5
"""


def require_sound(store: StoreReader, classes: int) -> None:
    """Refuse to continue a damaged run.

    Raises:
        CorruptRunError: names the first fault.
    """
    for faults in (seal_faults(store), value_faults(store, classes), story_faults(store)):
        if faults:
            raise CorruptRunError(f"{store.path} is damaged: {faults[0]}; restore a copy")


def seal_faults(store: StoreReader) -> list[str]:
    """Tables whose rows are not those that were written; none for a run of format 1, which has no seals."""
    if store.format < schema.SEALED_SINCE:
        return []
    try:
        recorded = store.seals()
    except CorruptRunError as error:
        return [str(error)]
    with store.guarded():
        found = take_seals(store.connection)
    return [f"the rows of {table} are not those that were written" for table in found.differing(recorded)]


def value_faults(store: StoreReader, classes: int) -> list[str]:
    """Tables with values of the wrong type, out of range, or that name an individual that has no row."""
    faults = []
    for table, condition in _meanings(classes).items():
        if table not in schema.sealed(store.connection):
            continue
        # IS NOT TRUE: a comparison with NULL is neither true nor false.
        rows = store.rows(f"SELECT count(*) FROM {table} WHERE ({condition}) IS NOT TRUE")
        if rows[0][0]:
            faults.append(f"{rows[0][0]} rows of {table} hold values that cannot be")
    return faults


def story_faults(store: StoreReader) -> list[str]:
    """Whether the archive follows from the captures, and the metrics cover every generation and evaluation."""
    faults = [f"class {cell}: the archive is not what the captures lead to" for (cell,) in store.rows(_SAME_ARCHIVE)]
    generation, evaluations, *_ = store.progress()
    rows = store.rows("SELECT count(*), min(generation), max(generation), max(evaluations) FROM metrics")
    expected = (generation + 1, 0, generation, evaluations) if generation >= 0 else (0, None, None, None)
    if rows[0] != expected:
        faults.append(f"the metrics do not cover generations 0 to {generation} and {evaluations} evaluations")
    return faults


def renamed_class(recorded: Sequence[str], names: Sequence[str]) -> str:
    """A sentence on the first class whose name in the run differs from the classifier's; empty for none.

    Names are part of a classifier's fingerprint: with the same fingerprint, the run's names were changed.
    """
    for index, (here, there) in enumerate(zip(recorded, names, strict=True)):
        if here != there:
            return f"class {index} is {here!r} in the run and {there!r} in its classifier"
    return ""


def _whole(column: str, most: int, *, optional: bool = False) -> str:
    found = f"typeof({column}) = 'integer' AND {column} BETWEEN 0 AND {most}"
    return f"({column} IS NULL OR {found})" if optional else found


def _meanings(classes: int) -> dict[str, str]:
    """The SQL condition that every row of a table meets in a run of this many classes."""
    generation, cls = _whole("generation", MAX_GENERATION), _whole("class", classes - 1)
    id, score, held = _whole("id", MAX_ID), _SCORE.format("log_odds"), _HELD.format("id")
    individual = [
        id,
        generation,
        _whole("parent", MAX_ID, optional=True),
        _whole("second_parent", MAX_ID, optional=True),
        "typeof(operator) = 'text'",
        _whole("captor", 1),
        *(_HASH.format(column) for column in ("genome_sha256", "image_sha256")),
    ]
    metrics = [f"typeof({name}) IN ('real', 'integer') AND abs({name}) < 1e300" for name in schema.METRICS[1:]]
    return {
        "individuals": " AND ".join(individual),
        "blobs": f"{held} AND typeof(genome) = 'blob' AND typeof(image) = 'blob'",
        "cells": " AND ".join((cls, held, score, generation)),
        "captures": " AND ".join((generation, cls, held, _whole("previous", MAX_ID, optional=True), score)),
        "metrics": " AND ".join([generation, *metrics]),
        "choices": " AND ".join(
            (
                generation,
                "typeof(operator) = 'text'",
                _whole("children", MAX_ID),
                _SCORE.format("gain"),
            )
        ),
        "members": " AND ".join((_whole("target", classes - 1), _whole("place", MAX_ID), held, score)),
    }
