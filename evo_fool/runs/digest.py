"""One number for what a run found: equal digests mean the same elites, captures and metrics, byte for byte."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

from evo_fool.runs.schema import METRICS
from evo_fool.runs.store_reader import StoreReader

_TIMELESS = ", ".join(name for name in METRICS if name != "seconds")

_ELITES_AND_ANCESTORS = """
WITH RECURSIVE alive (id) AS (
    SELECT id FROM cells
    UNION SELECT i.parent FROM individuals i JOIN alive a ON a.id = i.id WHERE i.parent IS NOT NULL
    UNION SELECT i.second_parent FROM individuals i JOIN alive a ON a.id = i.id WHERE i.second_parent IS NOT NULL
)
SELECT id, generation, parent, second_parent, operator, captor, genome_sha256, image_sha256
FROM individuals WHERE captor OR id IN (SELECT id FROM alive) ORDER BY id
"""


def digest(store: StoreReader) -> str:
    """SHA-256, hex, over elites (with ancestors and earlier captors), captures, and metrics without wall times.

    Genomes and images enter by the hashes that were taken when they were scored, so the digest depends neither on when
    checkpoints fell nor on what retention has discarded.
    """
    total = hashlib.sha256()
    with store.snapshot():
        for name, query in (
            ("cells", "SELECT class, id, log_odds, generation FROM cells ORDER BY class"),
            ("individuals", _ELITES_AND_ANCESTORS),
            ("captures", "SELECT generation, class, id, previous, log_odds FROM captures ORDER BY generation, class"),
            ("metrics", f"SELECT {_TIMELESS} FROM metrics ORDER BY generation"),
        ):
            total.update(name.encode())
            for row in store.rows(query):
                total.update(b"".join(map(_canonical, row)) + b"\n")
    return total.hexdigest()


def _canonical(value: Any) -> bytes:
    """An unambiguous byte form of what SQLite returns."""
    match value:
        case None:
            return b"n"
        case int():
            return b"i" + str(value).encode() + b";"
        case float():
            return b"f" + struct.pack("<d", value)
        case str():
            value = value.encode()
    return b"b" + str(len(value)).encode() + b":" + value
