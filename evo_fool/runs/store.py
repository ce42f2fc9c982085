"""The one file that a run is: ``run.sqlite3``, written by one process in whole transactions.

WAL while live, so that readers are never blocked; ``journal_mode=DELETE`` on a clean finish, so that the file opens
anywhere, read-only media included. Everything read back is checked: a run directory may come from a stranger.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evo_fool.errors import CorruptRunError, EvoFoolError, RunLockedError
from evo_fool.runs import schema
from evo_fool.runs.lineage import Departures
from evo_fool.runs.packed_image import pack_image

DATABASE = "run.sqlite3"

MAX_SIZE = 4096
"""Largest height or width of a scored image, in pixels."""

# A damaged file can make the sqlite3 module itself fail to decode a name or an error message.
_DAMAGE = (sqlite3.Error, UnicodeDecodeError)

_MAX_BLOB = 256 * 1024 * 1024


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

    def columns(self) -> tuple[Any, ...]:
        """The values of its row in ``individuals``."""
        parents = (parent if parent >= 0 else None for parent in self.parents)
        digests = hashlib.sha256(self.genome).digest(), hashlib.sha256(self.pixels).digest()
        return (self.id, self.generation, *parents, self.operator, self.captor, *digests)

    def blobs(self) -> tuple[int, bytes, bytes]:
        """The values of its row in ``blobs``; the image is compressed here, so only for those that are kept."""
        return self.id, self.genome, pack_image(self.pixels)


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


class StoreReader:
    """A read-only view of a run's database; it never writes, and creates no file.

    Args:
        directory: the run directory.

    Raises:
        CorruptRunError: no database, a damaged one, or one that is not ours.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / DATABASE
        if not self.path.is_file():
            raise CorruptRunError(f"{directory} has no {DATABASE}; it is not a run directory, or it was never started")
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self.connection = self._open_for_reading()
        self.connection.execute("PRAGMA query_only = 1")
        with self.guarded():
            schema.check(self.connection, str(self.path))

    def _open_for_reading(self) -> sqlite3.Connection:
        """Open without creating a file beside the database, not even the log's index.

        A database that was left with a log but without its index (a killed run that was copied, say), or with one that
        was never filled (a run killed at its very start), cannot be read in place without making one; it is read from
        a private copy. A live run looks like that for an instant at most, and then nothing is moved into its file.
        """
        connection = self._open(self.path, "mode=ro&readonly_shm=1")
        try:
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        except sqlite3.OperationalError as error:
            connection.close()
            if not any(reason in str(error) for reason in ("unable to open", "locking protocol")):
                raise _explain(error, self.path) from None
            self._copy = tempfile.TemporaryDirectory(prefix="evo-fool-")
            for suffix in ("", "-wal"):
                if Path(f"{self.path}{suffix}").exists():
                    shutil.copyfile(f"{self.path}{suffix}", Path(self._copy.name, DATABASE + suffix))
            return self._open(Path(self._copy.name, DATABASE), "mode=rw")
        except _DAMAGE as error:
            connection.close()
            raise _explain(error, self.path) from None
        return connection

    def _open(self, path: Path, query: str) -> sqlite3.Connection:
        uri = f"{path.resolve().as_uri()}?{query}"
        try:
            connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA trusted_schema = 0")
            connection.execute("PRAGMA mmap_size = 0")
            connection.execute("PRAGMA cell_size_check = 1")
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_BLOB)
        except _DAMAGE as error:
            raise _explain(error, self.path) from None
        return connection

    @property
    def is_copy(self) -> bool:
        """Whether this reads from a private copy, which making takes a while and closing removes."""
        return self._copy is not None

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn what SQLite raises into one clear line."""
        try:
            yield
        except _DAMAGE as error:
            raise _explain(error, self.path) from None

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self.guarded():
            return self.connection.execute(sql, parameters).fetchall()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Every read inside sees one committed state, whatever a live writer does meanwhile; snapshots may nest."""
        if self.connection.in_transaction:
            yield
            return
        with self.guarded():
            self.connection.execute("BEGIN")
        try:
            yield
        finally:
            with suppress(sqlite3.Error):  # what made the reading fail may have ended the transaction
                self.connection.execute("ROLLBACK")

    def meta(self) -> dict[str, str]:
        """The key-value pairs written when the run was made."""
        return {str(key): str(value) for key, value in self.rows("SELECT key, value FROM meta")}

    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every image of the run.

        Raises:
            CorruptRunError: not the shape of an image.
        """
        match self._meta_json("image_shape"):
            case [1 | 3 as channels, int(height), int(width)] if 0 < height <= MAX_SIZE and 0 < width <= MAX_SIZE:
                return channels, height, width
            case other:
                raise CorruptRunError(f"{self.path}: {str(other)[:60]!r} is not the shape of an image")

    def memory(self) -> list[float]:
        """What the strategy knew at the last commit, beside archive and populations; empty for most.

        Raises:
            CorruptRunError: not a list of finite numbers.
        """
        if "memory" not in self.meta():
            return []
        memory = self._meta_json("memory")
        if not isinstance(memory, list) or not all(isinstance(x, float) and math.isfinite(x) for x in memory):
            raise CorruptRunError(f"{self.path}: the memory of the search is not a list of numbers")
        return memory

    def classes(self) -> tuple[str, ...]:
        """Names of the classes.

        Raises:
            CorruptRunError: not a list of names.
        """
        names = self._meta_json("classes")
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise CorruptRunError(f"{self.path}: the list of class names is not valid")
        return tuple(names)

    def class_aliases(self, classes: int) -> tuple[tuple[str, ...], ...]:
        """Other names of each of ``classes`` classes; runs that have none do not store any.

        Raises:
            CorruptRunError: not one list of names for each class.
        """
        lists = self._meta_json("class_aliases")
        if lists is None:
            return ((),) * classes
        valid = isinstance(lists, list) and len(lists) == classes
        if not valid or not all(isinstance(names, list) and all(isinstance(n, str) for n in names) for names in lists):
            raise CorruptRunError(f"{self.path}: the list of class aliases is not valid")
        return tuple(map(tuple, lists))

    def _meta_json(self, key: str) -> Any:
        try:
            return json.loads(self.meta().get(key, "null"))
        except (ValueError, RecursionError):
            raise CorruptRunError(f"{self.path}: {key!r} is not valid JSON") from None

    def progress(self) -> tuple[int, int, float, str]:
        """The checkpoint: last generation (-1 before the first), evaluations, active seconds, why it stopped."""
        rows = self.rows("SELECT generation, evaluations, seconds, stopped FROM progress")
        if len(rows) != 1 or not all(isinstance(v, t) for v, t in zip(rows[0], (int, int, float, str), strict=True)):
            raise CorruptRunError(f"{self.path} has no valid checkpoint")
        generation, evaluations, seconds, stopped = rows[0]
        return generation, evaluations, seconds, stopped

    def last_capture(self) -> int:
        """The last generation in which a cell changed hands; -1 for none."""
        found = self.rows("SELECT max(generation) FROM captures")[0][0]
        return found if isinstance(found, int) else -1

    def integrity(self) -> list[str]:
        """What a full check of the file finds; empty when all is well."""
        found = [str(row[0]) for row in self.rows("PRAGMA integrity_check(20)") if row[0] != "ok"]
        # SQLite reads a last page that was cut short as if zeros followed.
        page = int(self.rows("PRAGMA page_size")[0][0])
        if (size := self.path.stat().st_size) % page:
            found.append(f"{self.path} is cut short: {size} bytes are no whole number of pages of {page}")
        return found

    def close(self) -> None:
        """Close the database; the reader is of no use afterwards."""
        self.connection.close()
        if self._copy is not None:
            self._copy.cleanup()
            self._copy = None


class Store(StoreReader):
    """The writing end. Hold :func:`evo_fool.runs.lock.writer` while one is open: one writer, ever.

    Raises:
        CorruptRunError: see :class:`StoreReader`.
        EvoFoolError: the file cannot be written.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.close()
        self.connection = self._open(self.path, "mode=rw")
        self._go_live()

    def _go_live(self) -> None:
        try:
            self.connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise _explain(error, self.path) from None
            raise RunLockedError(f"{self.path} is being read by another process; try again when it is done") from None
        with self.guarded():
            self.connection.execute("PRAGMA synchronous = NORMAL")
            # Folding the log into the file waits for the disk; 40 MB of log make that rare.
            self.connection.execute("PRAGMA wal_autocheckpoint = 10000")

    @classmethod
    def create(cls, directory: Path, meta: dict[str, str]) -> Store:
        """Make the database of a new run, complete or not at all."""
        path = directory / DATABASE
        draft = path.with_suffix(".new")
        try:
            with sqlite3.connect(draft) as connection:
                schema.create(connection)
                connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
                connection.execute("INSERT INTO progress VALUES (1, -1, 0, 0.0, '')")
            connection.close()
            draft.rename(path)
        except sqlite3.Error as error:
            raise _explain(error, path) from None
        return cls(directory)

    def commit(self, batch: Batch) -> None:
        """Write one batch in one transaction: after a crash all of it is there, or none."""
        db = self.connection
        with self.guarded():
            db.execute("BEGIN IMMEDIATE")
            try:
                self._write(batch)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def _write(self, batch: Batch) -> None:
        db = self.connection
        gone = set(batch.departures.rows)
        bare = gone.union(batch.departures.blobs)
        individuals = [row for row in batch.individuals if row.id not in gone]
        db.executemany(
            "INSERT INTO individuals VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [row.columns() for row in individuals]
        )
        db.executemany("INSERT INTO blobs VALUES (?, ?, ?)", [row.blobs() for row in individuals if row.id not in bare])
        # What arrived and left between two commits was never written.
        new = {row.id for row in batch.individuals}
        db.executemany("DELETE FROM blobs WHERE id = ?", [(id,) for id in bare - new])
        db.executemany("DELETE FROM individuals WHERE id = ?", [(id,) for id in gone - new])
        db.executemany("INSERT INTO captures VALUES (?, ?, ?, ?, ?)", batch.captures)
        db.executemany("INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?)", batch.cells)
        db.executemany(f"INSERT INTO metrics VALUES ({', '.join('?' * len(schema.METRICS))})", batch.metrics)
        for target, ids, log_odds in batch.members:
            db.execute("DELETE FROM members WHERE target = ?", (target,))
            rows = [(target, place, *pair) for place, pair in enumerate(zip(ids, log_odds, strict=True))]
            db.executemany("INSERT INTO members VALUES (?, ?, ?, ?)", rows)
        if batch.memory:
            db.execute("INSERT OR REPLACE INTO meta VALUES ('memory', ?)", (json.dumps(batch.memory),))
        db.execute(
            "UPDATE progress SET generation = ?, evaluations = ?, seconds = ?, stopped = ''",
            (batch.generation, batch.evaluations, batch.seconds),
        )

    def set_stopped(self, reason: str) -> None:
        """Note why the run stopped; the next commit clears it."""
        with self.guarded():
            self.connection.execute("UPDATE progress SET stopped = ?", (reason,))

    def set_meta(self, key: str, value: str) -> None:
        """Change one entry of ``meta``, as extending a run does."""
        with self.guarded():
            self.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def finish(self) -> None:
        """Fold the log into the file, so that it opens anywhere, and close."""
        try:
            self.connection.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError:  # a reader is looking at it: SQLite will not leave WAL mode under it
            with self.guarded():
                self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.close()


def _explain(error: Exception, path: Path) -> EvoFoolError:
    message = str(error)
    if "full" in message:
        return EvoFoolError(f"{path}: the disk is full; free some space and run: evo-fool resume {path.parent}")
    if "readonly" in message or "unable to open" in message:
        return EvoFoolError(f"{path}: cannot be opened ({message}); check the permissions of {path.parent}")
    if "locked" in message:
        return EvoFoolError(f"{path}: {message}; another program has it open for writing")
    if isinstance(error, UnicodeDecodeError):
        return CorruptRunError(f"{path} is damaged: its text is not UTF-8; restore a copy, the rest cannot be trusted")
    if isinstance(error, sqlite3.DatabaseError) and "disk I/O" not in message:
        return CorruptRunError(f"{path} is damaged: {message}; restore a copy, the rest cannot be trusted")
    return EvoFoolError(f"{path}: {message}")
