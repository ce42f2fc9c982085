"""Reading ``run.sqlite3``: writes nothing, creates no file, and checks everything that is read."""

from __future__ import annotations

import json
import math
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import UnionType
from typing import Any

import numpy as np

from evo_fool.errors import CorruptRunError, NotKeptError
from evo_fool.runs import schema
from evo_fool.runs.database_files import DATABASE, check_files, private_copy, readable_in_place
from evo_fool.runs.packed_image import unpack_image
from evo_fool.runs.seals import Seals
from evo_fool.runs.sqlite_errors import DAMAGE, explain

MAX_SIZE = 4096
"""Largest height or width of a scored image, in pixels."""

MAX_GENERATION, MAX_ID = 10_000_000, 2**53
"""The largest generation and the largest id that a run can have."""

_MAX_BLOB = 256 * 1024 * 1024

Column = type | UnionType

_KINDS: dict[Column, str] = {
    int: "a whole number",
    int | None: "a whole number",
    float: "a number",
    str: "text",
    bytes: "bytes",
}


def open_database(path: Path, query: str) -> sqlite3.Connection:
    """A connection that trusts nothing in the file; ``query`` is SQLite's, such as ``mode=rw``.

    Raises:
        EvoFoolError: it cannot be opened.
    """
    uri = f"{path.resolve().as_uri()}?{query}"
    try:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA trusted_schema = 0")
        connection.execute("PRAGMA mmap_size = 0")
        connection.execute("PRAGMA cell_size_check = 1")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_BLOB)
    except DAMAGE as error:
        raise explain(error, path) from None
    return connection


class StoreReader:
    """A read-only view of a run's database; it never writes, and creates no file.

    Args:
        directory: the run directory.

    Raises:
        CorruptRunError: no database, a damaged one, or one that is not ours.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / DATABASE
        check_files(self.path)
        if not self.path.is_file():
            raise CorruptRunError(f"{directory} has no {DATABASE}; it is not a run directory, or it was never started")
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self.connection = self._open_for_reading()
        try:
            self.connection.execute("PRAGMA query_only = 1")
            with self.guarded():
                self.format = schema.check(self.connection, str(self.path))
        except BaseException:
            StoreReader.close(self)
            raise

    def _open_for_reading(self) -> sqlite3.Connection:
        """Open without creating a file beside the database, not even the log's index.

        What a killed process left cannot always be read in place without writing: a log without its index (in a copy of
        the run, say), an index that was never filled, a journal to roll back. Then a private copy is read. A live run
        looks like that for an instant at most, and then nothing is moved into its file.
        """
        if readable_in_place(self.path):
            connection = open_database(self.path, "mode=ro&readonly_shm=1")
            try:
                connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
                return connection
            except sqlite3.OperationalError as error:
                connection.close()
                if not error.sqlite_errorname.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PROTOCOL")):
                    raise explain(error, self.path) from None
            except DAMAGE as error:
                connection.close()
                raise explain(error, self.path) from None
        self._copy = private_copy(self.path)
        return open_database(Path(self._copy.name, DATABASE), "mode=rw")

    @property
    def is_copy(self) -> bool:
        """Whether this reads from a private copy: slow to make, deleted on close."""
        return self._copy is not None

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn what SQLite raises into one clear line."""
        try:
            yield
        except DAMAGE as error:
            raise explain(error, self.path) from None

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, with values of any type: SQLite does not enforce the types of columns."""
        with self.guarded():
            return self.connection.execute(sql, parameters).fetchall()

    def typed(self, sql: str, types: Sequence[Column], parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, every value checked.

        Args:
            sql: the query.
            types: of each column: ``int`` (0 to MAX_ID), ``int | None``, ``float`` (finite), ``str`` or ``bytes``.
            parameters: of the query.

        Raises:
            CorruptRunError: a value is of another type, or out of range.
        """
        rows = self.rows(sql, parameters)
        for row in rows:
            for value, expected in zip(row, types, strict=True):
                if not isinstance(value, expected) or not _in_range(value):
                    raise CorruptRunError(
                        f"{self.path} is damaged: it holds {ascii(value)[:40]} instead of {_KINDS[expected]}; "
                        "restore a copy"
                    )
        return rows

    def blob(self, column: str, individual: int) -> bytes:
        """The stored ``genome`` or ``image`` of an individual.

        Raises:
            NotKeptError: it was discarded by retention, or the id does not exist.
            CorruptRunError: it is not bytes.
        """
        known = 0 <= individual <= MAX_ID
        rows = self.typed(f"SELECT {column} FROM blobs WHERE id = ?", (bytes,), (individual,)) if known else []
        if not rows:
            where = self.path.parent
            raise NotKeptError(f"{where}: the {column} of individual {individual} is not kept; see retention.keep")
        return bytes(rows[0][0])

    def image(self, individual: int) -> np.ndarray:
        """The scored image of an individual, uint8 ``(channels, height, width)``.

        Raises:
            NotKeptError: it was discarded by retention, or the id does not exist.
            CorruptRunError: it is damaged.
        """
        return unpack_image(self.blob("image", individual), self.image_shape())

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
            case [int(channels), int(height), int(width)] if (
                0 < height <= MAX_SIZE and 0 < width <= MAX_SIZE and 0 < channels * height * width <= 3 * MAX_SIZE**2
            ):
                return channels, height, width
            case other:
                raise CorruptRunError(f"{self.path}: {str(other)[:60]!r} is not the shape of an image")

    def memory(self) -> list[float]:
        """The strategy's state at the last commit, beside archive and populations; empty for most.

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
        """The checkpoint: last generation (-1 before the first), evaluations, active seconds, reason of stopping.

        Raises:
            CorruptRunError: there is no valid checkpoint.
        """
        match self.rows("SELECT generation, evaluations, seconds, stopped FROM progress LIMIT 2"):
            case [(int(generation), int(evaluations), float(seconds), str(stopped))] if (
                -1 <= generation <= MAX_GENERATION and 0 <= evaluations <= MAX_ID and 0 <= seconds < math.inf
            ):
                return generation, evaluations, seconds, stopped
        raise CorruptRunError(f"{self.path} has no valid checkpoint")

    def seals(self) -> Seals:
        """The seals as they were written; only runs of format 2 have them.

        Raises:
            CorruptRunError: they are not readable.
        """
        seals = Seals()
        try:
            seals.load(self.rows("SELECT name, rows, sum FROM seals"))
        except ValueError as error:
            raise CorruptRunError(f"{self.path}: {error}; restore a copy") from None
        return seals

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
        """Close the database; the reader cannot be used afterwards."""
        self.connection.close()
        if self._copy is not None:
            self._copy.cleanup()
            self._copy = None


def _in_range(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or 0 <= value <= MAX_ID
