"""Verify a run: every stored byte against its seal or hash, and every elite rendered and scored again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_fool.errors import ConfigError, CorruptRunError
from evo_fool.evolution.statistics import build_statistics
from evo_fool.probability import probability
from evo_fool.runs import schema
from evo_fool.runs.packed_image import unpack_image
from evo_fool.runs.run import Run
from evo_fool.runs.scenes import check_scene, kept_photos, with_photos
from evo_fool.runs.soundness import renamed_class, seal_faults, story_faults, value_faults

if TYPE_CHECKING:
    from torch import nn

    from evo_fool.classifiers.base import Classifier
    from evo_fool.scenes import Scene

TOLERANCE = 1e-4
"""Largest difference in probability that counts as the same score; batches of other sizes round differently."""

_CHUNK = 256


@dataclass
class Verification:
    """The outcome of :func:`verify`.

    Attributes:
        sealed: whether the run's tables have seals; a run of an earlier version has none until it is resumed.
        genomes: number of genomes and images compared with the hashes taken when they were scored.
        elites: number of images of elites and population members that were rendered and scored again.
        cells: number of cells and population places whose score was compared.
        damage: what is broken in the files; one sentence each.
        deviations: what is intact but does not repeat; one sentence each.
        unchecked: what could not be compared, and what that takes; one sentence each.
        largest_difference: largest difference in probability over all cells.
    """

    sealed: bool = True
    genomes: int = 0
    elites: int = 0
    cells: int = 0
    damage: list[str] = field(default_factory=list)
    deviations: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    largest_difference: float = 0.0

    @property
    def clean(self) -> bool:
        return not self.damage and not self.deviations

    def to_json(self) -> dict[str, Any]:
        """The outcome as plain data."""
        return {"clean": self.clean} | asdict(self)


def verify(
    run: Run,
    *,
    classifier: str | Classifier | nn.Module | Callable[..., Any] | None = None,
    weights: str | None = None,
    device: str = "auto",
    photos: str | Path | None = None,
) -> Verification:
    """Check a run against itself, against its classifier and against its own genomes.

    Args:
        run: the run.
        classifier: its classifier, or where it is found now; needed where the record names code to execute, or else
            an object: without that, or without the object that was its encoding, scores stay unchecked.
        weights: where its weights are found now.
        device: where to score.
        photos: where its photographs are found now; None: its own copy, or else where they were.

    Raises:
        ConfigError: the classifier cannot be loaded, or is code and was not named; or the photographs are others.
    """
    found = Verification(sealed=run.store.format >= schema.SEALED_SINCE)
    found.damage += run.store.integrity()
    if found.damage:
        return found  # nothing that is read from a damaged file can be trusted
    with run.store.snapshot():
        found.damage += seal_faults(run.store)
        if faults := value_faults(run.store, len(run.classes)):
            found.damage += faults
            return found  # what follows relies on types and ranges
        _check_records(run, found)
        sound = _check_genomes(run, found)
        _check_scores(run, found, sound, classifier, weights, device, photos)
    return found


def _check_records(run: Run, found: Verification) -> None:
    """Captures, cells and metrics must agree."""
    captures = run.captures
    last: dict[int, tuple[int, float]] = {}
    for at, cell, id, previous, log_odds in captures.tolist():
        held = last.get(cell)
        if (held[0] if held else -1) != previous:
            found.damage.append(f"class {cell}, generation {at}: taken from {previous}, but {held and held[0]} held it")
        elif held and not log_odds > held[1]:
            found.damage.append(f"class {cell}, generation {at}: captured without a better score")
        last[cell] = (id, log_odds)
    faults = story_faults(run.store)
    found.damage += faults
    if not faults:
        _check_metrics(run, captures, run.recorded_metrics, found)
    orphans = run.store.rows(
        "SELECT i.id, i.parent FROM individuals i JOIN cells c ON c.id = i.id "
        "WHERE i.parent NOT IN (SELECT id FROM individuals) LIMIT 5"
    )
    found.damage += [f"individual {id}: its parent {parent} is missing" for id, parent in orphans]


def _check_metrics(run: Run, captures: np.ndarray, metrics: dict[str, np.ndarray], found: Verification) -> None:
    """The statistics of every generation, compiled again from the captures."""
    statistics = build_statistics()
    log_odds = np.full(len(run.classes), -np.inf)
    starts = np.searchsorted(captures["generation"], np.arange(len(metrics["generation"]) + 1))
    for generation, (first, last) in enumerate(pairwise(starts.tolist())):
        if first != last or generation == 0:
            log_odds[captures["class"][first:last]] = captures["log_odds"][first:last]
            p = probability(log_odds)
            # Over the classes that are evolved, or, as version 0.1.0 recorded them, over all.
            expected = [statistics.compile(values.tolist()) for values in (p[run.targets], p)]
        wrong = min((_differing(row, metrics, generation) for row in expected), key=len)
        if wrong or int(metrics["captures"][generation]) != last - first:
            what = wrong[0] if wrong else "captures"
            found.damage.append(f"generation {generation}: the recorded {what} does not follow from the captures")
            return


def _differing(row: dict[str, float], metrics: dict[str, np.ndarray], generation: int) -> list[str]:
    recorded = {name: float(metrics[name][generation]) for name in row}
    return [name for name, value in row.items() if abs(recorded[name] - value) > 1e-9 * max(1.0, abs(value))]


def _check_genomes(run: Run, found: Verification) -> set[int]:
    """Compare every stored genome and image with its hashes; returns the ids of those that are unchanged."""
    sound = set()
    packed = ", i.packed_sha256" if run.store.format >= schema.SEALED_SINCE else ", x''"
    for (id,) in run.store.rows("SELECT id FROM blobs ORDER BY id"):
        found.genomes += 1
        row = run.store.rows(
            f"SELECT b.genome, b.image, i.genome_sha256, i.image_sha256{packed} "
            "FROM blobs b JOIN individuals i ON i.id = b.id WHERE b.id = ?",
            (id,),
        )[0]
        try:
            _check_hashes(run, *row)
        except CorruptRunError as error:
            found.damage.append(f"individual {id}: {error}")
        else:
            sound.add(id)
    return sound


def _check_hashes(run: Run, genome: bytes, blob: bytes, of_genome: bytes, of_image: bytes, of_packed: bytes) -> None:
    if hashlib.sha256(genome).digest() != of_genome:
        raise CorruptRunError("its genome is not the one that was scored")
    if hashlib.sha256(unpack_image(blob, run.store.image_shape()).tobytes()).digest() != of_image:
        raise CorruptRunError("its image is not the one that was scored")
    if of_packed and hashlib.sha256(blob).digest() != of_packed:
        raise CorruptRunError("its image is stored in other bytes than those that were written")


def _check_scores(
    run: Run,
    found: Verification,
    sound: set[int],
    classifier: str | Classifier | nn.Module | Callable[..., Any] | None,
    weights: str | None,
    device: str,
    photos: str | Path | None,
) -> None:
    """Render and score again every elite and every member of a population."""
    from evo_fool.classifiers.wrapping import as_classifier  # torch, which reading a run does not load
    from evo_fool.evaluation.assembly import assemble, refuse_missing_objects, trusted_classifier

    experiment = with_photos(run.experiment, photos)
    try:
        refuse_missing_objects(experiment, classifier, run.given_encoding)
    except ConfigError as error:
        found.unchecked.append(f"scores: {error}")
        return
    config, judge = experiment.classifier, None
    if classifier is None or isinstance(classifier, str):
        config = trusted_classifier(experiment, classifier, weights)
    else:
        judge = as_classifier(classifier)
    settings = experiment.model_copy(update={"classifier": config, "device": device})
    parts = assemble(settings, judge, run.given_encoding, kept_photos(run.path, photos))
    if len(parts.scene.cells) != len(run.classes):
        raise ConfigError(f"{config.spec} has {len(parts.scene.cells)} classes, the run has {len(run.classes)}")
    check_scene(run.meta, parts.scene)
    if parts.classifier.fingerprint() != run.classifier_fingerprint:
        found.deviations.append(f"{config.spec} has other weights than the run was made with")
    elif other := renamed_class(run.classes, parts.scene.cells):
        found.damage.append(other)
    held: dict[int, list[tuple[int, float]]] = {}
    for cell, id, log_odds in run.store.rows(
        "SELECT class, id, log_odds FROM cells UNION ALL SELECT target, id, log_odds FROM members ORDER BY id"
    ):
        held.setdefault(id, []).append((cell, log_odds))
    kept = set(id for (id,) in run.store.rows("SELECT id FROM blobs"))
    found.damage += [f"individual {id}: its genome or image is missing" for id in held if id not in kept]
    ids = [id for id in held if id in sound]
    try:
        _ = run.encoding
    except CorruptRunError as error:
        found.damage.append(str(error))
        return
    for start in range(0, len(ids), _CHUNK):
        _score_again(run, found, parts.scene, {id: held[id] for id in ids[start : start + _CHUNK]})


def _score_again(run: Run, found: Verification, scene: Scene, held: dict[int, list[tuple[int, float]]]) -> None:
    images, genomes, kept = [], [], []
    for id in held:
        try:
            genomes.append(run.genomes(id))
        except CorruptRunError as error:
            found.damage.append(str(error))
            continue
        images.append(run.store.image(id))
        kept.append(id)
    if not kept:
        return
    found.elites += len(kept)
    rendered = run.encoding.render(np.concatenate(genomes))
    scores = scene.score(np.stack(images))
    for id, image, again, row in zip(kept, images, rendered, scores, strict=True):
        if not np.array_equal(image, again):
            pixels = int((image != again).sum())
            found.deviations.append(f"individual {id}: its genome renders {pixels} of {image.size} values otherwise")
        for cell, log_odds in held[id]:
            _compare(found, log_odds, float(row[cell]), cell, id)


def _compare(found: Verification, recorded: float, again: float, cell: int, id: int) -> None:
    found.cells += 1
    before, now = probability(np.array([recorded, again]))
    difference = abs(float(before - now))
    found.largest_difference = max(found.largest_difference, difference)
    if difference > TOLERANCE:
        found.deviations.append(f"class {cell}, individual {id}: recorded {before:.6f}, scores {now:.6f} now")
