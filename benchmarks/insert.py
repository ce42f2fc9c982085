"""How long the archive takes to insert a batch, beside the plain double loop over rows and cells."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from evo_fool.evolution.archive import ClassArchive
from evo_fool.randomness import stream


def bench_insert(
    *, batch: int = 200, classes: int = 1000, changes: int = 10, genes: int = 784, repeats: int = 200
) -> dict[str, Any]:
    """Median milliseconds for ``ClassArchive.add`` of a batch that improves few cells, beside ``add_one``.

    Args:
        batch: images a batch.
        classes: cells of the archive.
        changes: cells that each batch improves.
        genes: genes of a genome.
        repeats: batches measured.
    """
    rng = stream(0, "bench-insert")
    genomes = rng.random((batch, genes), dtype=np.float32)
    ids = np.arange(batch)
    milliseconds, one_by_one, changed = [], [], []
    for repeat in range(repeats):
        archive, plain = ClassArchive(classes), ClassArchive(classes)
        scores = rng.normal(size=(batch, classes)) - 20
        for held in (archive, plain):
            held.add(ids, scores + 10, genomes, 0)
        cells = rng.choice(classes, size=changes, replace=False)
        scores[rng.integers(batch, size=changes), cells] += 40
        start = time.perf_counter()
        changed.append(len(archive.add(ids + batch, scores, genomes, 1)))
        milliseconds.append(1000 * (time.perf_counter() - start))
        if repeat % 20 == 0:  # the slow way needs no more than a few samples
            start = time.perf_counter()
            for row in range(batch):
                plain.add_one(row + batch, scores[row], genomes[row : row + 1], 1)
            one_by_one.append(1000 * (time.perf_counter() - start))
    return {
        "batch": batch,
        "classes": classes,
        "cells_changed": float(np.median(changed)),
        "milliseconds": float(np.median(milliseconds)),
        "milliseconds_one_by_one": float(np.median(one_by_one)),
        "ratio_to_one_by_one": float(np.median(one_by_one) / np.median(milliseconds)),
    }
