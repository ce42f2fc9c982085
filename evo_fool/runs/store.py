"""Writing ``run.sqlite3``, the one file that a run is: one process, whole transactions.

WAL while live, so that readers are never blocked; ``journal_mode=DELETE`` on a clean finish, so that the file opens
anywhere, read-only media included. Every table has a seal, see :mod:`evo_fool.runs.seals`.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evo_fool.errors import RunLockedError
from evo_fool.runs import schema
from evo_fool.runs.database_files import DATABASE, check_files, has_journal
from evo_fool.runs.lock import LOCK_NAME
from evo_fool.runs.packed_image import pack_image
from evo_fool.runs.retention import Departures
from evo_fool.runs.seals import Row, Seals, stored, take_seals
from evo_fool.runs.sqlite_errors import DAMAGE, explain
from evo_fool.runs.store_reader import StoreReader, open_database


@dataclass(frozen=True, slots=True)
class IndividualRow:
    """A new row of ``individuals`` with its genome bytes and the raw bytes of its uint8 image."""

    id: int
    generation: int
    parents: tuple[int, int]
    operator: str
    captor: bool
    genome: bytes
    pixels: bytes

    @property
    def size(self) -> int:
        """Upper bound of what the blobs take on disk, in bytes."""
        return len(self.genome) + len(self.pixels)

    def columns(self, packed: bytes | None) -> Row:
        """The values of its row in ``individuals``; ``packed`` is the stored form of its image, None if not kept."""
        parents = (parent if parent >= 0 else None for parent in self.parents)
        digests = hashlib.sha256(self.genome).digest(), hashlib.sha256(self.pixels).digest()
        of_packed = b"" if packed is None else hashlib.sha256(packed).digest()
        return (self.id, self.generation, *parents, self.operator, int(self.captor), *digests, of_packed)


@dataclass(slots=True)
class Batch:
    """Everything one commit writes, all of it in one transaction."""

    individuals: list[IndividualRow]
    departures: Departures
    captures: list[tuple[int, int, int, int | None, float]]
    cells: list[tuple[int, int, float, int]]
    metrics: list[tuple[Any, ...]]
    members: list[tuple[int, list[int], list[float]]]
    memory: list[float]
    generation: int
    evaluations: int
    seconds: float
    choices: list[tuple[int, str, int, float]] = field(default_factory=list)


def recover(directory: Path) -> None:
    """Roll back what a process was killed in, so that the run can be read; hold the writer's lock for it.

    Raises:
        CorruptRunError: the journal is not one that evo-fool left.
        EvoFoolError: the file cannot be written.
    """
    path = directory / DATABASE
    check_files(path)
    if has_journal(path):
        connection = open_database(path, "mode=rw")
        try:
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        except DAMAGE as error:
            raise explain(error, path) from None
        finally:
            connection.close()


class Store(StoreReader):
    """The writing end. Hold :func:`evo_fool.runs.lock.writer` while one is open: one writer, ever.

    Raises:
        CorruptRunError: see :class:`StoreReader`.
        EvoFoolError: the file cannot be written.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.close()
        self.connection = open_database(self.path, "mode=rw")
        self._go_live()
        self._seen = self._data_version()
        self._seals = Seals() if self.format < schema.SEALED_SINCE else self.seals()
        if self.format < schema.FORMAT:
            self._upgrade()

    def _go_live(self) -> None:
        try:
            self.connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise explain(error, self.path) from None
            raise RunLockedError(f"{self.path} is being read by another process; try again when it is done") from None
        with self.guarded():
            self.connection.execute("PRAGMA synchronous = NORMAL")
            # Folding the log into the file waits for the disk; 40 MB of log make that rare.
            self.connection.execute("PRAGMA wal_autocheckpoint = 10000")

    def _upgrade(self) -> None:
        """Add what a run of an earlier format lacks, and take its seals where there are none."""
        with self._transaction():
            schema.upgrade(self.connection, self.format)
            if self.format < schema.SEALED_SINCE:
                self._seals = take_seals(self.connection)

    @classmethod
    def create(cls, directory: Path, meta: dict[str, str]) -> Store:
        """Make the database of a new run, complete or not at all."""
        path = directory / DATABASE
        draft = path.with_suffix(".new")
        try:
            with sqlite3.connect(draft) as connection:
                schema.create(connection)
                seals = Seals()
                for table, rows in (("meta", list(meta.items())), ("progress", [(1, -1, 0, 0.0, "")])):
                    connection.executemany(f"INSERT INTO {table} VALUES ({_places(rows)})", rows)
                    seals.add(table, rows)
                connection.executemany("INSERT INTO seals VALUES (?, ?, ?)", seals.take())
            connection.close()
            draft.rename(path)
        except sqlite3.Error as error:
            raise explain(error, path) from None
        return cls(directory)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All that is written inside, with its seals, or none of it."""
        db = self.connection
        before = self._seals.copy()
        with self.guarded():
            db.execute("BEGIN IMMEDIATE")
            try:
                if self._data_version() != self._seen:
                    raise RunLockedError(
                        f"{self.path}: another process has written to it meanwhile; was {self.path.parent / LOCK_NAME} "
                        f"deleted? See what is there: evo-fool verify {self.path.parent}"
                    )
                yield
                db.executemany("INSERT OR REPLACE INTO seals VALUES (?, ?, ?)", self._seals.take())
                db.execute("COMMIT")
            except BaseException:
                self._seals = before
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def _data_version(self) -> int:
        """Changes when another connection has written."""
        return int(self.rows("PRAGMA data_version")[0][0])

    def _insert(self, table: str, rows: Iterable[Row]) -> None:
        rows = list(map(stored, rows))
        if rows:
            self.connection.executemany(f"INSERT INTO {table} VALUES ({_places(rows)})", rows)
            self._seals.add(table, rows)

    def _delete(self, table: str, key: str, values: Iterable[Any]) -> None:
        statement = f"DELETE FROM {table} WHERE {key} = ? RETURNING {schema.SEALED[table]}"
        for value in values:
            self._seals.remove(table, self.connection.execute(statement, (value,)).fetchall())

    def commit(self, batch: Batch) -> None:
        """Write one batch in one transaction: after a crash all of it is there, or none.

        Raises:
            RunLockedError: another process has written to the run meanwhile; nothing is written.
            EvoFoolError: it cannot be written.
        """
        with self._transaction():
            self._write(batch)

    def _write(self, batch: Batch) -> None:
        gone = set(batch.departures.rows)
        bare = gone.union(batch.departures.blobs)
        individuals = [row for row in batch.individuals if row.id not in gone]
        # Compressed here, so only what is kept.
        packed = {row.id: pack_image(row.pixels) for row in individuals if row.id not in bare}
        self._insert("individuals", (row.columns(packed.get(row.id)) for row in individuals))
        self.connection.executemany(
            "INSERT INTO blobs VALUES (?, ?, ?)",
            ((row.id, row.genome, packed[row.id]) for row in individuals if row.id in packed),
        )
        self._seals.add("blobs", ((id,) for id in packed))
        # What arrived and left between two commits was never written.
        new = {row.id for row in batch.individuals}
        self._delete("blobs", "id", bare - new)
        self._delete("individuals", "id", gone - new)
        self._insert("captures", batch.captures)
        self._delete("cells", "class", (cell[0] for cell in batch.cells))
        self._insert("cells", batch.cells)
        self._insert("metrics", batch.metrics)
        self._insert("choices", batch.choices)
        for target, ids, log_odds in batch.members:
            self._delete("members", "target", [target])
            rows = [(target, place, *pair) for place, pair in enumerate(zip(ids, log_odds, strict=True))]
            self._insert("members", rows)
        if batch.memory:
            self._set_meta("memory", json.dumps(batch.memory))
        self._set_progress((batch.generation, batch.evaluations, batch.seconds, ""))

    def _set_progress(self, values: Row) -> None:
        self._delete("progress", "one", [1])
        self._insert("progress", [(1, *values)])

    def _set_meta(self, key: str, value: str) -> None:
        self._delete("meta", "key", [key])
        self._insert("meta", [(key, value)])

    def set_stopped(self, reason: str) -> None:
        """Note why the run stopped; the next commit clears it."""
        with self._transaction():
            self._set_progress((*self.progress()[:3], reason))

    def set_meta(self, key: str, value: str) -> None:
        """Change one entry of ``meta``, as extending a run does."""
        with self._transaction():
            self._set_meta(key, value)

    def finish(self) -> None:
        """Fold the log into the file, so that it opens anywhere, and close."""
        try:
            self.connection.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError:  # a reader is looking at it: SQLite will not leave WAL mode under it
            with self.guarded():
                self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.close()


def _places(rows: list[Row]) -> str:
    """The placeholders of a statement that inserts these rows."""
    return ", ".join("?" * len(rows[0]))
