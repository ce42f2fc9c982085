"""Does a run hold what it says? Every elite rendered and scored again from what is stored, and the records compared."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from evo_fool.errors import ConfigError, CorruptRunError, EvoFoolError, GenomeError
from evo_fool.evolution.statistics import build_statistics
from evo_fool.probability import probability
from evo_fool.runs.packed_image import unpack_image
from evo_fool.runs.run import Run

TOLERANCE = 1e-4
"""Largest difference in probability that counts as the same score; batches of other sizes round differently."""

_CHUNK = 256


@dataclass
class Verification:
    """The outcome of :func:`verify`.

    Attributes:
        elites: distinct images that were rendered and scored again.
        cells: cells that were compared.
        damage: what is broken in the files; one sentence each.
        deviations: what is intact but does not repeat; one sentence each.
        largest_difference: largest difference in probability over all cells.
    """

    elites: int = 0
    cells: int = 0
    damage: list[str] = field(default_factory=list)
    deviations: list[str] = field(default_factory=list)
    largest_difference: float = 0.0

    @property
    def clean(self) -> bool:
        return not self.damage and not self.deviations

    def to_json(self) -> dict[str, Any]:
        """The outcome as plain data."""
        return {
            "clean": self.clean,
            "elites": self.elites,
            "cells": self.cells,
            "damage": self.damage,
            "deviations": self.deviations,
            "largest_difference": self.largest_difference,
        }


def verify(
    run: Run, *, classifier: str | None = None, weights: str | None = None, device: str = "auto"
) -> Verification:
    """Check a run against itself, against its classifier and against its own genomes.

    Args:
        run: the run.
        classifier: where its classifier is found now; needed where the record names code to execute.
        weights: where its weights are found now.
        device: where to score.

    Raises:
        ConfigError: the classifier cannot be loaded, or is code and was not named.
    """
    found = Verification()
    found.damage += run.store.integrity()
    if found.damage:
        return found  # nothing that is read from a damaged file can be trusted
    with run.store.snapshot():
        _check_records(run, found)
        _check_elites(run, found, classifier, weights, device)
    return found


def _check_records(run: Run, found: Verification) -> None:
    """Captures, cells and metrics must tell one story."""
    captures = run.captures
    generation, evaluations, _, _ = run.store.progress()
    last: dict[int, tuple[int, float, int]] = {}
    for at, cell, id, previous, log_odds in captures.tolist():
        held = last.get(cell)
        if (held[0] if held else -1) != previous:
            found.damage.append(f"class {cell}, generation {at}: taken from {previous}, but {held and held[0]} held it")
        elif held and not log_odds > held[1]:
            found.damage.append(f"class {cell}, generation {at}: captured without a better score")
        last[cell] = (id, log_odds, at)
    cells = {e.class_index: (e.id, e.log_odds, e.generation) for e in run.elites}
    for cell in sorted(cells.keys() | last.keys()):
        if cells.get(cell) != last.get(cell):
            found.damage.append(f"class {cell}: the archive holds {cells.get(cell)}, the captures say {last.get(cell)}")
    metrics = run.metrics
    covered = metrics["generation"].tolist() == list(range(generation + 1))
    if not covered or (generation >= 0 and int(metrics["evaluations"][-1]) != evaluations):
        found.damage.append(f"the metrics do not cover generations 0 to {generation} and {evaluations} evaluations")
    else:
        _check_metrics(run, captures, metrics, found)
    strangers = run.store.rows(
        "SELECT i.id, i.parent FROM individuals i JOIN cells c ON c.id = i.id "
        "WHERE i.parent NOT IN (SELECT id FROM individuals) LIMIT 5"
    )
    found.damage += [f"individual {id}: its parent {parent} is missing" for id, parent in strangers]


def _check_metrics(run: Run, captures: np.ndarray, metrics: dict[str, np.ndarray], found: Verification) -> None:
    """The statistics of every generation, compiled again from who held what."""
    statistics = build_statistics()
    log_odds = np.full(len(run.classes), -np.inf)
    starts = np.searchsorted(captures["generation"], np.arange(len(metrics["generation"]) + 1))
    for generation, (first, last) in enumerate(pairwise(starts.tolist())):
        if first != last or generation == 0:
            log_odds[captures["class"][first:last]] = captures["log_odds"][first:last]
            expected = statistics.compile(probability(log_odds).tolist())
        recorded = {name: float(metrics[name][generation]) for name in expected}
        wrong = [name for name, value in expected.items() if abs(recorded[name] - value) > 1e-9 * max(1.0, abs(value))]
        if wrong or int(metrics["captures"][generation]) != last - first:
            what = wrong[0] if wrong else "captures"
            found.damage.append(f"generation {generation}: the recorded {what} does not follow from the captures")
            return


def _check_elites(run: Run, found: Verification, classifier: str | None, weights: str | None, device: str) -> None:
    from evo_fool.runs.assembly import assemble, trusted_classifier  # torch, which reading a run does not load

    experiment = run.experiment
    config = trusted_classifier(experiment, classifier, weights)
    parts = assemble(experiment.model_copy(update={"classifier": config, "device": device}))
    if len(parts.classifier.classes) != len(run.classes):
        raise ConfigError(f"{config.spec} has {len(parts.classifier.classes)} classes, the run has {len(run.classes)}")
    if parts.classifier.fingerprint() != run.classifier_fingerprint:
        found.deviations.append(f"{config.spec} has other weights than the run was made with")
    by_id: dict[int, list[int]] = {}
    elites = {elite.class_index: elite for elite in run.elites}
    for elite in elites.values():
        by_id.setdefault(elite.id, []).append(elite.class_index)
    ids = sorted(by_id)
    for start in range(0, len(ids), _CHUNK):
        images, genomes, kept = [], [], []
        for id in ids[start : start + _CHUNK]:
            try:
                image, genome = _load(run, id)
            except EvoFoolError as error:
                found.damage.append(f"individual {id}: {error}")
                continue
            images.append(image)
            genomes.append(genome)
            kept.append(id)
        if not kept:
            continue
        found.elites += len(kept)
        rendered = run.encoding.render(np.concatenate(genomes))
        scores = parts.evaluator.scorer.score(np.stack(images))
        for id, image, again, row in zip(kept, images, rendered, scores, strict=True):
            if not np.array_equal(image, again):
                pixels = int((image != again).sum())
                found.deviations.append(
                    f"individual {id}: its genome renders {pixels} of {image.size} values otherwise"
                )
            for cell in by_id[id]:
                _compare(found, elites[cell].log_odds, float(row[cell]), cell, id)


def _compare(found: Verification, recorded: float, again: float, cell: int, id: int) -> None:
    found.cells += 1
    before, now = probability(np.array([recorded, again]))
    difference = abs(float(before - now))
    found.largest_difference = max(found.largest_difference, difference)
    if difference > TOLERANCE:
        found.deviations.append(f"class {cell}, individual {id}: recorded {before:.6f}, scores {now:.6f} now")


def _load(run: Run, id: int) -> tuple[np.ndarray, np.ndarray]:
    """Image and genome (a batch of one) of an individual, checked against the hashes taken when it was scored."""
    rows = run.store.rows(
        "SELECT b.genome, b.image, i.genome_sha256, i.image_sha256 "
        "FROM blobs b JOIN individuals i ON i.id = b.id WHERE b.id = ?",
        (id,),
    )
    if not rows or not all(isinstance(value, bytes) for value in rows[0]):
        raise CorruptRunError("its genome or image is missing")
    genome, blob, genome_digest, image_digest = rows[0]
    image = unpack_image(blob, run.store.image_shape())
    if hashlib.sha256(genome).digest() != genome_digest:
        raise CorruptRunError("its genome is not the one that was scored")
    if hashlib.sha256(image.tobytes()).digest() != image_digest:
        raise CorruptRunError("its image is not the one that was scored")
    try:
        return image, run.encoding.decode(genome)
    except GenomeError as error:
        raise CorruptRunError(str(error)) from None
