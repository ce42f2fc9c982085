"""A strategy restored from the last commit, which continues as if uninterrupted."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from evo_fool.encodings.base import Encoding, Genomes
from evo_fool.errors import CorruptRunError, GenomeError
from evo_fool.evolution.strategy import ArchiveStrategy, PopulationState
from evo_fool.runs.retention import Retention
from evo_fool.runs.store_reader import StoreReader
from evo_fool.sections import RetentionConfig


def restore(
    store: StoreReader, encoding: Encoding, strategy: ArchiveStrategy, policy: RetentionConfig
) -> tuple[Retention, dict[int, PopulationState]]:
    """Fill ``strategy`` from the store's last commit; returns the retention and the GA's populations.

    Raises:
        CorruptRunError: the checkpoint contradicts itself.
        GenomeError: a stored genome is not one of this encoding's.
    """
    cells = store.rows("SELECT class, id, log_odds, generation FROM cells ORDER BY class")
    populations = _populations(store)
    _check_cells(cells, len(strategy.archive), store)
    wanted = sorted({row[1] for row in cells} | {id for s in populations.values() for id in s.ids})
    genomes = _genomes(store, encoding, wanted)
    if cells:
        classes, ids, log_odds, generations = (np.array(column) for column in zip(*cells, strict=True))
        rows = np.searchsorted(wanted, ids)
        strategy.archive.restore(classes, ids, log_odds.astype(np.float64), generations, genomes[rows])
    for state in populations.values():
        try:
            strategy.restore(state, genomes[np.searchsorted(wanted, state.ids)])
        except ValueError as error:
            raise CorruptRunError(f"{store.path} holds {error}") from None
    generation, strategy.evaluations, *_ = store.progress()
    if generation >= 0:  # something was committed
        try:
            strategy.load_state_dict(store.memory())
        except ValueError as error:
            raise CorruptRunError(f"{store.path}: the state of the search holds {error}") from None
    return _retention(store, policy, [row[1] for row in cells], populations), populations


def _populations(store: StoreReader) -> dict[int, PopulationState]:
    populations: dict[int, PopulationState] = {}
    for target, id, log_odds in store.rows("SELECT target, id, log_odds FROM members ORDER BY target, place"):
        if not isinstance(log_odds, float) or not math.isfinite(log_odds):
            raise CorruptRunError(f"{store.path}: a population member has the score {log_odds!r}")
        state = populations.setdefault(target, PopulationState(target, [], []))
        state.ids.append(id)
        state.log_odds.append(log_odds)
    return populations


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


def _retention(
    store: StoreReader, policy: RetentionConfig, held: list[int], populations: dict[int, PopulationState]
) -> Retention:
    """Count the references again, from what is held back to its ancestors."""
    columns = "i.id, i.parent, i.second_parent, i.captor, coalesce(length(b.genome), 0), b.id IS NOT NULL"
    table = {
        id: (tuple(p for p in parents if p is not None), bool(captor), genome_bytes, kept)
        for id, *parents, captor, genome_bytes, kept in store.rows(
            f"SELECT {columns} FROM individuals i LEFT JOIN blobs b ON b.id = i.id"
        )
    }
    holders = held + [id for state in populations.values() for id in state.ids]
    alive, frontier = set(holders), list(set(holders))
    while frontier:
        id = frontier.pop()
        fresh = {parent for parent in table[id][0] if parent in table and parent not in alive}
        alive.update(fresh)
        frontier += fresh
    lineage = Retention(policy)
    shape = store.image_shape()
    for id in sorted(table):
        parents, captor, genome_bytes, kept = table[id]
        size = genome_bytes + math.prod(shape) if kept else 0
        if id in alive:
            lineage.add(id, parents, captor=captor, size=size)
        else:
            lineage.add_unreferenced(id, size)
    lineage.hold(holders)
    return lineage
