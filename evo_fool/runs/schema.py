"""The tables of ``run.sqlite3``, and the check that a file holds these and nothing else.

individuals: all that ever held a cell, and other ancestors and members of populations.
blobs: genome bytes and the scored image of those that retention keeps. cells: the archive. captures: which
individual replaced which elite, when, at what score. metrics: one row a generation. choices: how often a search with
adaptive operators chose each in a generation, and what its children gained. members: the GA's populations. progress:
the checkpoint's counters, one row. meta: the resolved experiment and what the run was made with. seals: see
:mod:`evo_fool.runs.seals`.
"""

from __future__ import annotations

import sqlite3

from evo_fool.errors import CorruptRunError
from evo_fool.evolution.statistics import STATISTICS, THRESHOLDS

FORMAT = 3
"""Version of the tables; stored as SQLite's ``user_version``. Format 1 had no seals, and format 2 no choices; resuming
such a run adds them."""

SEALED_SINCE = 2
"""The first format with seals."""

APPLICATION_ID = 0x45766F46  # "EvoF"

METRICS = ("generation", "evaluations", *STATISTICS, "captures", "seconds")

_METRIC_COLUMNS = ", ".join(
    f"{name} {'INTEGER' if name in ('evaluations', 'captures', *THRESHOLDS) else 'REAL'} NOT NULL"
    for name in METRICS[1:]
)

TABLES = {
    "meta": "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "individuals": (
        "CREATE TABLE individuals (id INTEGER PRIMARY KEY, generation INTEGER NOT NULL, parent INTEGER, "
        "second_parent INTEGER, operator TEXT NOT NULL, captor INTEGER NOT NULL, "
        "genome_sha256 BLOB NOT NULL, image_sha256 BLOB NOT NULL, packed_sha256 BLOB NOT NULL DEFAULT x'')"
    ),
    "blobs": "CREATE TABLE blobs (id INTEGER PRIMARY KEY, genome BLOB NOT NULL, image BLOB NOT NULL)",
    "cells": (
        "CREATE TABLE cells (class INTEGER PRIMARY KEY, id INTEGER NOT NULL, log_odds REAL NOT NULL, "
        "generation INTEGER NOT NULL)"
    ),
    "captures": (
        "CREATE TABLE captures (generation INTEGER NOT NULL, class INTEGER NOT NULL, id INTEGER NOT NULL, "
        "previous INTEGER, log_odds REAL NOT NULL, PRIMARY KEY (generation, class)) WITHOUT ROWID"
    ),
    "metrics": f"CREATE TABLE metrics (generation INTEGER PRIMARY KEY, {_METRIC_COLUMNS})",
    "choices": (
        "CREATE TABLE choices (generation INTEGER NOT NULL, operator TEXT NOT NULL, children INTEGER NOT NULL, "
        "gain REAL NOT NULL, PRIMARY KEY (generation, operator)) WITHOUT ROWID"
    ),
    "members": (
        "CREATE TABLE members (target INTEGER NOT NULL, place INTEGER NOT NULL, id INTEGER NOT NULL, "
        "log_odds REAL NOT NULL, PRIMARY KEY (target, place)) WITHOUT ROWID"
    ),
    "progress": (
        "CREATE TABLE progress (one INTEGER PRIMARY KEY CHECK (one = 1), generation INTEGER NOT NULL, "
        "evaluations INTEGER NOT NULL, seconds REAL NOT NULL, stopped TEXT NOT NULL)"
    ),
    "seals": "CREATE TABLE seals (name TEXT PRIMARY KEY, rows INTEGER NOT NULL, sum BLOB NOT NULL) WITHOUT ROWID",
}

_ADDED: dict[int, dict[str, str | None]] = {
    2: {"individuals": ", packed_sha256 BLOB NOT NULL DEFAULT x''", "seals": None},
    3: {"choices": None},
}
"""What each format added: the ends of tables that the one before had too, and None for a table that it had not."""


def _before(tables: dict[str, str], added: dict[str, str | None]) -> dict[str, str]:
    kept = {name: sql for name, sql in tables.items() if added.get(name, "") is not None}
    return {name: sql.replace(added.get(name) or "", "") for name, sql in kept.items()}


_TABLES_OF = {3: TABLES, 2: _before(TABLES, _ADDED[3])}
_TABLES_OF[1] = _before(_TABLES_OF[2], _ADDED[2])

SEALED = {name: "id" if name == "blobs" else "*" for name in TABLES if name != "seals"}
"""The tables that have a seal, and the columns that it covers: genomes and images have hashes of their own."""


def sealed(connection: sqlite3.Connection) -> dict[str, str]:
    """Those of :data:`SEALED` that a run's format has."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return {name: columns for name, columns in SEALED.items() if name in _TABLES_OF[version]}


def create(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty database."""
    for statement in TABLES.values():
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def upgrade(connection: sqlite3.Connection, version: int) -> None:
    """Give a run of an earlier format, inside a transaction, the tables of this one; seals are still to be taken."""
    for added in (_ADDED[later] for later in range(version + 1, FORMAT + 1)):
        for name, addition in added.items():
            connection.execute(TABLES[name] if addition is None else f"ALTER TABLE {name} ADD COLUMN {addition[2:]}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def check(connection: sqlite3.Connection, where: str) -> int:
    """Refuse a database that is not exactly ours: triggers or views in it would run when it is opened for writing.

    Returns:
        The format of its tables.

    Raises:
        CorruptRunError: another program's file, a newer format, or tables that differ from :data:`TABLES`.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise CorruptRunError(f"{where} is not an evo-fool run; import images with: evo-fool import DIR")
    if version > FORMAT:
        raise CorruptRunError(f"{where} has format {version}, this version reads up to {FORMAT}; upgrade evo-fool")
    if version not in _TABLES_OF:
        raise CorruptRunError(f"{where} has format {version}, which there never was; restore a copy")
    tables = _TABLES_OF[version]
    expected = [("table", name, sql) for name, sql in tables.items()]
    # Entries without SQL are SQLite's own indexes of the tables' keys.
    found = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    if sorted(found, key=repr) != sorted(expected, key=repr):
        names = [str(name) for kind, name, sql in found if (kind, name, sql) not in expected]
        missing = [name for name in tables if name not in {entry[1] for entry in found}]
        what = (names + missing + ["entry"])[0][:40]
        raise CorruptRunError(f"{where} was tampered with: its schema entry {what!r} is not evo-fool's")
    return int(version)
