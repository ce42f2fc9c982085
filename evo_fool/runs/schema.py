"""The tables of ``run.sqlite3``, and the check that a file holds these and nothing else.

individuals: all that ever held a cell, and other ancestors and members of populations.
blobs: genome bytes and the scored image of those that retention keeps. cells: the archive. captures: which
individual replaced which elite, when, at what score. metrics: one row a generation. members: the GA's populations.
progress: the checkpoint's counters, one row. meta: the resolved experiment and what the run was made with. seals: see
:mod:`evo_fool.runs.seals`.
"""

from __future__ import annotations

import sqlite3

from evo_fool.errors import CorruptRunError
from evo_fool.evolution.statistics import STATISTICS, THRESHOLDS

FORMAT = 2
"""Version of the tables; stored as SQLite's ``user_version``. Format 1 had no seals; resuming such a run adds them."""

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

_ADDED_BY_2 = {
    "individuals": ", packed_sha256 BLOB NOT NULL DEFAULT x''",
    "seals": None,
}
"""What format 2 added: the ends of tables that format 1 had too, and None for a table that it had not."""

_TABLES_OF = {
    1: {
        name: sql.replace(_ADDED_BY_2.get(name) or "", "")
        for name, sql in TABLES.items()
        if _ADDED_BY_2.get(name, "") is not None
    },
    2: TABLES,
}

SEALED = {name: "id" if name == "blobs" else "*" for name in TABLES if name != "seals"}
"""The tables that have a seal, and the columns that it covers: genomes and images have hashes of their own."""


def create(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty database."""
    for statement in TABLES.values():
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def upgrade(connection: sqlite3.Connection) -> None:
    """Give a run of format 1, inside a transaction, the tables of this one; its seals are still to be taken."""
    for name, addition in _ADDED_BY_2.items():
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
