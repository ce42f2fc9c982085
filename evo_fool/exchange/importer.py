"""Images from other sources as a run: scored here, each inserted into the class that its file name gives.

Reads the layout of the 2015 image set and what :mod:`evo_fool.exchange.export` writes. A file name only claims a
probability; the run records the one that its classifier gives.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.precision import choose_batch
from evo_fool.classifiers.preflight import preflight
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.encodings.pixels import PixelEncoding, genes_of
from evo_fool.errors import ConfigError
from evo_fool.evaluation import Evaluator, Scored
from evo_fool.evaluation.assembly import Parts, with_absolute_paths
from evo_fool.evaluation.environment import choose_device
from evo_fool.evolution.archive import ClassArchive
from evo_fool.evolution.population import Population
from evo_fool.evolution.statistics import build_statistics
from evo_fool.evolution.strategy import ArchiveStrategy
from evo_fool.exchange.png_reader import Found, ImageFile, Skipped, UnusableImageError, find_images, read_image
from evo_fool.experiment import Experiment
from evo_fool.probability import probability
from evo_fool.runs.directory import log_event, new_directory
from evo_fool.runs.lock import writer
from evo_fool.runs.retention import Retention
from evo_fool.runs.run import Run, open_run
from evo_fool.runs.store import Store
from evo_fool.scenes.alone import Alone
from evo_fool.sections import MAX_BATCH, ClassifierConfig, PixelsConfig, ScoringConfig
from evo_fool.session.recorder import Recorder
from evo_fool.session.session import describe
from evo_fool.shape import compact

RECORD = "import.json"
"""The file of the run directory that records where its images came from and what their names claimed."""

_MAX_BYTES = 2**31


@dataclass(frozen=True, slots=True)
class Comparison:
    """One class of an import.

    Attributes:
        class_index: the class.
        class_name: its name.
        file: the image that holds it, the best of those whose names give the class.
        claimed: the probability in the file's name.
        measured: the probability that the classifier gives.
    """

    class_index: int
    class_name: str
    file: str
    claimed: float
    measured: float


@dataclass(frozen=True, slots=True)
class Imported:
    """The outcome of :func:`import_images`.

    Attributes:
        run: the new run.
        images: images that were scored.
        skipped: files that were left out, with the reason.
        generation: the generation that was read of the 2015 layout; None for other layouts.
        comparisons: one per class that has an image, by class.
    """

    run: Run
    images: int
    skipped: list[Skipped]
    generation: int | None
    comparisons: list[Comparison]

    def to_json(self) -> dict[str, Any]:
        """The outcome as plain data."""
        claimed, measured = (np.array([getattr(c, name) for c in self.comparisons]) for name in ("claimed", "measured"))
        return {
            "path": str(self.run.path),
            "images": self.images,
            "skipped": [{"file": str(skip.path), "reason": skip.reason} for skip in self.skipped],
            "source_generation": self.generation,
            "claimed": {"mean": float(claimed.mean()), "median": float(np.median(claimed))},
            "measured": {"mean": float(measured.mean()), "median": float(np.median(measured))},
            "classes": [asdict(comparison) for comparison in self.comparisons],
        }


def import_images(
    folder: str | Path,
    *,
    classifier: ClassifierConfig | None = None,
    scoring: ScoringConfig | None = None,
    out: str | Path = "outputs",
    name: str | None = None,
    generation: int | None = None,
    device: str = "auto",
) -> Imported:
    """Score the images of ``folder`` and make a run directory of them below ``out``.

    Args:
        folder: it holds ``map_gen_<g>`` folders, is one of them, or holds ``<class>_<probability>.png``.
        classifier: the classifier; None: the embedded LeNet.
        scoring: how images of another size are fitted to the classifier's.
        out: the folder that run directories are made in.
        name: the run's name; None: the folder's.
        generation: which ``map_gen_<g>``; None: the highest.
        device: where to score.

    Raises:
        ConfigError: no usable images, images of several sizes, or a class that the classifier does not have.
        ClassifierError: the classifier cannot be loaded, or its answers are not scores.
        EvoFoolError: ``out`` cannot be written; nothing is left behind.
    """
    folder = Path(folder)
    experiment = with_absolute_paths(
        Experiment.from_mapping(
            {
                "name": _run_name(folder) if name is None else name,
                "preset": "imported",
                "seed": 0,
                "generations": 0,
                "device": device,
                "classifier": classifier or ClassifierConfig(),
                "scoring": scoring or ScoringConfig(),
                "search": {"kind": "imported"},
            },
            source="import",
        )
    )
    found = find_images(folder, generation)
    where = choose_device(device)
    judge = load_classifier(experiment.classifier, where)
    _check_classes(found, judge)
    began = time.monotonic()
    files, images, unreadable = _read(found, judge.channels)
    size = images.shape[2:]
    colour = {1: "grey", 3: "rgb"}.get(judge.channels, "auto")
    config = PixelsConfig(kind="pixels", size=compact(*size), colour=colour)
    experiment = experiment.model_copy(update={"encoding": config, "batch": len(images)})
    encoding = ByteGenomes(config, size=size, channels=judge.channels)
    batch = choose_batch(experiment.scoring.batch, judge.size, where)
    scorer = Scorer(judge, batch=batch, view=experiment.scoring.view, device=where, seed=experiment.seed)
    preflight(scorer)
    scene = Alone(experiment.scene, scorer, experiment.seed)
    parts = Parts(where, judge, encoding, Evaluator(encoding, scene), [])
    scored = Scored(images, scene.score(images))
    return _store(Path(out), experiment, parts, found, files, scored, found.skipped + unreadable, began)


class ByteGenomes(PixelEncoding):
    """Pixel genomes handled as the bytes they came from, uint8 ``(n, genes)``; genes are made one genome at a time.

    Thousands of large images as float genes would not fit into memory.
    """

    def encode(self, genome: np.ndarray) -> bytes:
        return super().encode(genes_of(genome))


def _check_classes(found: Found, judge: Classifier) -> None:
    for file in found.files:
        if file.name.class_index >= len(judge.classes):
            raise ConfigError(
                f"{file.path} names class {file.name.class_index}, but {judge.name} has classes 0 to "
                f"{len(judge.classes) - 1}; choose the classifier that the images are for with --classifier"
            )
    if len(found.files) > MAX_BATCH:
        raise ConfigError(f"{found.files[0].path.parent} holds {len(found.files)} images; import at most {MAX_BATCH}")


def _read(found: Found, channels: int) -> tuple[list[ImageFile], np.ndarray, list[Skipped]]:
    """The readable files, their images uint8 ``(n, channels, height, width)``, and the others."""
    files: list[ImageFile] = []
    images: list[np.ndarray] = []
    skipped: list[Skipped] = []
    for file in found.files:
        try:
            image = read_image(file.path, channels)
        except UnusableImageError as error:
            skipped.append(Skipped(file.path, str(error)))
            continue
        height, width = image.shape[1:]
        if images and image.shape != images[0].shape:
            raise ConfigError(
                f"{file.path} has {width}x{height} pixels, {files[0].path.name} has "
                f"{images[0].shape[2]}x{images[0].shape[1]}; "
                "all images of an import must have one size"
            )
        files.append(file)
        images.append(image)
        if image.nbytes * len(images) > _MAX_BYTES:
            raise ConfigError(
                f"{file.path.parent} holds more than {_MAX_BYTES >> 30} GB of pixels; import fewer images"
            )
    if not images:
        raise ConfigError(f"{skipped[0].path}: {skipped[0].reason}; none of the {len(skipped)} images can be read")
    return files, np.stack(images), skipped


def _store(
    out: Path,
    experiment: Experiment,
    parts: Parts,
    found: Found,
    files: list[ImageFile],
    scored: Scored,
    skipped: list[Skipped],
    began: float,
) -> Imported:
    """Insert every image into the class that its name gives, as one generation, and commit it."""
    strategy = ArchiveStrategy(experiment, parts.encoding, ClassArchive(len(parts.classifier.classes)))
    named = np.array([file.name.class_index for file in files])
    population = Population.fresh(0, 0, scored.fetch(range(len(files))).reshape(len(files), -1), operator="import")
    eligible = named[:, None] == np.arange(len(strategy.archive))
    captures = strategy.archive.add(population.ids, scored.log_odds, population.genomes, 0, eligible)
    strategy.evaluations = len(population)
    row = build_statistics().compile(probability(strategy.archive.log_odds).tolist())
    row |= {"evaluations": strategy.evaluations, "captures": len(captures)}
    comparisons = [
        Comparison(
            class_index=cell,
            class_name=parts.classifier.classes[cell],
            file=files[best].path.name,
            claimed=files[best].name.probability,
            measured=float(p),
        )
        for cell, best, p in zip(
            captures.cells.tolist(), captures.rows.tolist(), probability(captures.log_odds), strict=True
        )
    ]
    documents, meta = describe(experiment, parts)
    documents[RECORD] = _record(files[0].path.parent, found.generation, comparisons)
    with new_directory(out, experiment.name, documents, meta) as (draft, path), writer(draft):
        store = Store(draft)
        lineage, seconds = Retention(experiment.retention), time.monotonic() - began
        with Recorder(store, parts.encoding, strategy, lineage, experiment.checkpoint, seconds) as recorder:
            recorder(population, scored, captures, row)
            recorder.commit()
            recorder.flush()
        log_event(draft, "imported", images=len(files), skipped=len(skipped))
        store.finish()
    return Imported(open_run(path), len(files), skipped, found.generation, comparisons)


def _record(source: Path, generation: int | None, comparisons: list[Comparison]) -> str:
    record = {
        "source": str(source.absolute()),
        "generation": generation,
        "classes": [asdict(comparison) for comparison in comparisons],
    }
    return json.dumps(record, indent=1) + "\n"


def _run_name(folder: Path) -> str:
    """The folder's name as a run's name: printable and not too long."""
    name = "".join(c for c in folder.resolve().name if c.isprintable())[:100]
    return name or "imported"
