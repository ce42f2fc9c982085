"""Of many individuals at once: whether their images are still there, and how complex they are."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from evo_fool.runs.run import Run

# The beginning of the bytes of evo_fool.encodings.cppn.genome, which cannot be imported without numba: twice the
# memory of all of this server.
_CPPN_HEADER = struct.Struct("<BBHH")

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Complexity:
    """How large a CPPN is: its hidden and output nodes, and its links."""

    nodes: int
    links: int


def kept_members(run: Run, ids: Iterable[int]) -> dict[int, Complexity | None]:
    """Those of ``ids`` whose genome and image are kept, with their complexity; None where genomes are pixels."""
    wanted = sorted({id for id in ids if id >= 0})
    cppn = run.experiment.encoding.kind == "cppn"
    kept: dict[int, Complexity | None] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        some = ", ".join(map(str, wanted[start : start + _AT_ONCE]))
        rows = run.store.rows(f"SELECT id, substr(genome, 1, {_CPPN_HEADER.size}) FROM blobs WHERE id IN ({some})")
        kept |= {id: _complexity(header) if cppn else None for id, header in rows}
    return kept


def _complexity(header: object) -> Complexity | None:
    if not isinstance(header, bytes) or len(header) < _CPPN_HEADER.size:
        return None
    _, _, nodes, links = _CPPN_HEADER.unpack(header)
    return Complexity(nodes, links)
