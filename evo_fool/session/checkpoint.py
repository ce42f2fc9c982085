"""From the last commit back to a strategy that goes on as if nothing had happened."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from evo_fool.encodings.base import Encoding, Genomes
from evo_fool.errors import CorruptRunError, GenomeError
from evo_fool.evolution.genetic import Genetic
from evo_fool.evolution.map_elites import ArchiveStrategy, Standing
from evo_fool.experiment import RetentionConfig
from evo_fool.runs.retention import Retention
from evo_fool.runs.store_reader import StoreReader


def restore(
    store: StoreReader, encoding: Encoding, strategy: ArchiveStrategy, policy: RetentionConfig
) -> tuple[Retention, dict[int, Standing]]:
    """Fill ``strategy`` from the store's last commit; returns the lineage and the GA's populations.

    Raises:
        CorruptRunError: the checkpoint contradicts itself.
        GenomeError: a stored genome is not one of this encoding's.
    """
    cells = store.rows("SELECT class, id, log_odds, generation FROM cells ORDER BY class")
    standings = _standings(store)
    _check_cells(cells, len(strategy.archive), store)
    wanted = sorted({row[1] for row in cells} | {id for s in standings.values() for id in s.ids})
    genomes = _genomes(store, encoding, wanted)
    if cells:
        classes, ids, log_odds, generations = (np.array(column) for column in zip(*cells, strict=True))
        rows = np.searchsorted(wanted, ids)
        strategy.archive.restore(classes, ids, log_odds.astype(np.float64), generations, genomes[rows])
    for standing in standings.values():
        if not isinstance(strategy, Genetic) or standing.target not in strategy.targets:
            raise CorruptRunError(f"{store.path} holds a population for class {standing.target}, which is not evolved")
        strategy.restore(standing, genomes[np.searchsorted(wanted, standing.ids)])
    generation, strategy.evaluations, *_ = store.progress()
    if generation >= 0:  # something was committed
        try:
            strategy.recall(store.memory())
        except ValueError as error:
            raise CorruptRunError(f"{store.path}: the memory of the search holds {error}") from None
    return _lineage(store, policy, [row[1] for row in cells], standings), standings


def _standings(store: StoreReader) -> dict[int, Standing]:
    standings: dict[int, Standing] = {}
    for target, id, log_odds in store.rows("SELECT target, id, log_odds FROM members ORDER BY target, place"):
        if not isinstance(log_odds, float) or not math.isfinite(log_odds):
            raise CorruptRunError(f"{store.path}: a population member has the score {log_odds!r}")
        standing = standings.setdefault(target, Standing(target, [], []))
        standing.ids.append(id)
        standing.log_odds.append(log_odds)
    return standings


def _check_cells(cells: list[tuple[int, int, float, int]], classes: int, store: StoreReader) -> None:
    for cell, _, log_odds, generation in cells:
        if not 0 <= cell < classes:
            raise CorruptRunError(f"{store.path}: cell {cell} is outside the {classes} classes")
        if not isinstance(log_odds, float) or not math.isfinite(log_odds) or not isinstance(generation, int):
            raise CorruptRunError(f"{store.path}: cell {cell} has the score {log_odds!r}")


def _genomes(store: StoreReader, encoding: Encoding, ids: list[int]) -> Genomes:
    """The genomes of ``ids`` as one batch, in that order."""
    rows = []
    for id in ids:
        blob = store.rows(
            "SELECT b.genome, i.genome_sha256 FROM blobs b JOIN individuals i ON i.id = b.id WHERE b.id = ?", (id,)
        )
        if not blob or not isinstance(blob[0][0], bytes):
            raise CorruptRunError(f"{store.path}: the genome of individual {id} is missing")
        if hashlib.sha256(blob[0][0]).digest() != blob[0][1]:
            raise CorruptRunError(
                f"{store.path}: the genome of individual {id} is not the one that was scored; restore a copy"
            )
        try:
            rows.append(encoding.decode(blob[0][0]))
        except GenomeError as error:
            raise CorruptRunError(f"{store.path}: individual {id}: {error}") from None
    return np.concatenate(rows) if rows else np.empty(0)


def _lineage(store: StoreReader, policy: RetentionConfig, held: list[int], standings: dict[int, Standing]) -> Retention:
    """Count the references again, from the living back to their ancestors."""
    columns = "i.id, i.parent, i.second_parent, i.captor, coalesce(length(b.genome), 0), b.id IS NOT NULL"
    table = {
        id: (tuple(p for p in parents if p is not None), bool(captor), genome_bytes, kept)
        for id, *parents, captor, genome_bytes, kept in store.rows(
            f"SELECT {columns} FROM individuals i LEFT JOIN blobs b ON b.id = i.id"
        )
    }
    holders = held + [id for standing in standings.values() for id in standing.ids]
    alive, frontier = set(holders), list(set(holders))
    while frontier:
        id = frontier.pop()
        fresh = {parent for parent in table[id][0] if parent in table and parent not in alive} if id in table else set()
        alive.update(fresh)
        frontier += fresh
    lineage = Retention(policy)
    shape = store.image_shape()
    for id in sorted(table.keys() | alive):
        if id not in table:
            raise CorruptRunError(f"{store.path}: individual {id} holds a place but has no row")
        parents, captor, genome_bytes, kept = table[id]
        size = genome_bytes + math.prod(shape) if kept else 0
        if id in alive:
            lineage.add(id, parents, captor=captor, size=size)
        else:
            lineage.add_unreferenced(id, size)
    lineage.hold(holders)
    return lineage
