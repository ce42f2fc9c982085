"""Seals: a number per table that changes with any bit of any row, so that damage is noticed anywhere.

SQLite keeps no checksums of its pages. The seal of a table is the sum, modulo 2**256, of the SHA-256 of its rows; it
does not depend on their order, and a row is added or taken out without reading the others. Together with the number of
rows it is written in the same transaction as they are. Seals find damage, not forgery: they can be edited too.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from evo_fool.runs.schema import sealed

_MODULUS = 1 << 256

Row = tuple[Any, ...]


_EMPTY = (0, 0)


@dataclass(slots=True)
class Seals:
    """The seals of all tables, updated with every write: of each its number of rows, and the sum of their hashes.

    >>> one, other = Seals(), Seals()
    >>> one.add("cells", [(0, 7, 1.5, 2), (1, 8, 0.5, 2)])
    >>> other.add("cells", [(1, 8, 0.5, 2), (3, 9, 2.5, 1), (0, 7, 1.5, 2)])
    >>> one.tables == other.tables
    False
    >>> other.remove("cells", [(3, 9, 2.5, 1)])
    >>> one.tables == other.tables
    True
    """

    tables: dict[str, tuple[int, int]] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)

    def add(self, table: str, rows: Iterable[Row]) -> None:
        """Rows that were inserted, with the values that SQLite returns for them (see :func:`stored`)."""
        self._change(table, rows, 1)

    def remove(self, table: str, rows: Iterable[Row]) -> None:
        """Rows that were deleted."""
        self._change(table, rows, -1)

    def copy(self) -> Seals:
        """The seals as they are now."""
        return Seals(dict(self.tables))

    def load(self, rows: Iterable[Row]) -> None:
        """Continue from stored seals: names, numbers of rows, and sums as 32 bytes, big-endian.

        Raises:
            ValueError: a row is of another form.
        """
        for name, count, total in rows:
            if not (isinstance(name, str) and isinstance(count, int) and isinstance(total, bytes) and len(total) == 32):
                raise ValueError("the seals are not readable")
            self.tables[name] = count, int.from_bytes(total, "big")

    def take(self) -> list[Row]:
        """The seals to store: those that changed since they were last taken, as :meth:`load` reads them."""
        changed = [(name, *self.tables[name]) for name in sorted(self.changed)]
        self.changed.clear()
        return [(name, rows, total.to_bytes(32, "big")) for name, rows, total in changed]

    def _change(self, table: str, rows: Iterable[Row], sign: int) -> None:
        count, total = self.tables.get(table, _EMPTY)
        for row in rows:
            count += sign
            total = (total + sign * _hash(table, row)) % _MODULUS
        self.tables[table] = count, total
        self.changed.add(table)

    def differing(self, other: Seals) -> list[str]:
        """The tables whose rows differ from another's."""
        names = sorted(self.tables.keys() | other.tables.keys())
        return [name for name in names if self.tables.get(name, _EMPTY) != other.tables.get(name, _EMPTY)]


def take_seals(connection: sqlite3.Connection) -> Seals:
    """The seals of all rows that a database holds now."""
    seals = Seals()
    for table, columns in sealed(connection).items():
        seals.add(table, connection.execute(f"SELECT {columns} FROM {table}"))
    return seals


def stored(row: Row) -> Row:
    """A row's values as SQLite will return them: truth values are integers, and the zero has no sign.

    >>> stored((True, -0.0, None, "a"))
    (1, 0.0, None, 'a')
    """
    return tuple(
        int(value) if isinstance(value, bool) else value + 0.0 if isinstance(value, float) else value for value in row
    )


def _hash(table: str, row: Row) -> int:
    # ascii() tells 1 from 1.0 and from "1", and writes any float so that it is read back to the last bit.
    return int.from_bytes(hashlib.sha256(f"{table}{row!a}".encode("ascii")).digest(), "big")
