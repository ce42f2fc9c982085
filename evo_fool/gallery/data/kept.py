"""Of many individuals at once: whether their images are still there, and how complex they are."""

from __future__ import annotations

from collections.abc import Iterable

from evo_fool.runs.run import Run

_AT_ONCE = 1000

Complexity = dict[str, int]
"""How large a genome is, as :meth:`.Encoding.complexity` says: of a CPPN nodes and links, of pixels nothing."""


def kept_members(run: Run, ids: Iterable[int]) -> dict[int, Complexity]:
    """Those of ``ids`` whose genome and image are kept, with their complexity."""
    wanted = sorted({id for id in ids if id >= 0})
    encoding = run.encoding
    kept: dict[int, Complexity] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        some = ", ".join(map(str, wanted[start : start + _AT_ONCE]))
        rows = run.store.rows(f"SELECT id, substr(genome, 1, {encoding.header}) FROM blobs WHERE id IN ({some})")
        kept |= {id: encoding.complexity(header) if isinstance(header, bytes) else {} for id, header in rows}
    return kept


def chief(complexity: Complexity | None) -> int | None:
    """The one number that tiles are sorted by, where there is one."""
    return next(iter(complexity.values()), None) if complexity else None
