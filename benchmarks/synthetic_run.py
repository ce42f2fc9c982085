"""A run of 1000 classes as it would be after thousands of generations, made in a minute: for measuring what reads runs.

    python -m benchmarks.synthetic_run outputs --generations 10000

The images are CPPNs' own, from a pool of mutated genomes; who took what when is drawn at random, more often in the
beginning, and class 0 changes hands in every generation. No classifier has seen any of it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from evo_fool.classifiers.imagenet import TABLE, imagenet_aliases
from evo_fool.encodings import build_encoding
from evo_fool.evolution.statistics import STATISTICS
from evo_fool.experiment import Experiment
from evo_fool.probability import probability
from evo_fool.randomness import stream
from evo_fool.runs.directory import new_directory
from evo_fool.runs.schema import METRICS
from evo_fool.runs.seals import take_seals
from evo_fool.runs.store import Store, pack_image

_POOL = 400
_DRIFT = 60


@dataclass
class History:
    """Who took what when, and what it made of the archive; as rows of the store's tables."""

    individuals: list[tuple[int, int, int | None]] = field(default_factory=list)
    captures: list[tuple[int, int, int, int | None, float]] = field(default_factory=list)
    metrics: list[tuple[float, ...]] = field(default_factory=list)
    holders: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    log_odds: np.ndarray = field(default_factory=lambda: np.empty(0))
    taken: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))


def imagenet_names() -> list[str]:
    """The first synonym of each class, told apart by its index where two are called the same."""
    rows = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    names = [synonyms.split(", ")[0] for _, _, synonyms in sorted(rows, key=lambda row: int(row[0]))]
    count = Counter(names)
    return [f"{name} ({index})" if count[name] > 1 else name for index, name in enumerate(names)]


def make_history(classes: int, generations: int, batch: int, rng: np.random.Generator) -> History:
    """Draw a history of ``generations`` generations in which about 300 images took each class."""
    past = History()
    past.holders = np.full(classes, -1, np.int64)
    past.log_odds = np.full(classes, -9.0)
    past.taken = np.full(classes, -1, np.int64)
    ease = rng.lognormal(0.0, 0.6, classes)
    for generation in range(generations + 1):
        chance = np.minimum(0.9, ease * 60.0 / (generation + 60.0)) if generation else np.ones(classes)
        cells = np.flatnonzero(rng.random(classes) < chance)
        if generation and (not len(cells) or cells[0] != 0):
            cells = np.concatenate([[0], cells])
        # Images of one batch take several classes early on, and one each later.
        members = generation * batch + rng.integers(0, batch, len(cells))
        previous = past.holders[cells]
        for id in np.unique(members).tolist():
            parent = int(past.holders[rng.integers(classes)]) if generation else None
            past.individuals.append((id, generation, parent))
        past.log_odds[cells] += rng.exponential(3.0 / (generation + 30.0) ** 0.75, len(cells)) + 1e-6
        past.holders[cells] = members
        past.taken[cells] = generation
        past.captures += [
            (generation, cell, id, before if before >= 0 else None, log_odds)
            for cell, id, before, log_odds in zip(
                cells.tolist(), members.tolist(), previous.tolist(), past.log_odds[cells].tolist(), strict=True
            )
        ]
        past.metrics.append(_metrics_row(generation, batch, past.log_odds, len(cells)))
    return past


def _metrics_row(generation: int, batch: int, log_odds: np.ndarray, captures: int) -> tuple[float, ...]:
    p = probability(log_odds)
    low, q1, median, q3, high = np.quantile(p, [0, 0.25, 0.5, 0.75, 1]).tolist()
    reached = [int((p >= threshold).sum()) for threshold in (0.9, 0.99, 0.9999)]
    statistics = dict(
        zip(STATISTICS, [low, q1, median, q3, high, float(p.mean()), float(p.sum()), *reached], strict=True)
    )
    values: dict[str, float] = {"generation": generation, "evaluations": (generation + 1) * batch, "captures": captures}
    values |= {"seconds": 1.5 * (generation + 1)}
    return tuple((statistics | values)[name] for name in METRICS)


def make_run(
    out: Path, *, generations: int = 10_000, kept: int = 6000, size: int = 224, seed: int = 1, name: str = "synthetic"
) -> Path:
    """Make the run below ``out`` and return its directory.

    Args:
        out: the folder for run directories.
        generations: the last generation.
        kept: individuals that still have genome and image: the elites, and the youngest of their ancestors.
        size: side of an image, in pixels.
        seed: of everything that is drawn.
        name: of the run.
    """
    settings = {
        "name": name,
        "generations": generations,
        "batch": 400,
        "seed": seed,
        "classifier": {"spec": "torchvision:squeezenet1_1"},
        "encoding": {"kind": "cppn", "size": size},
    }
    experiment = Experiment.from_mapping(settings)
    names = imagenet_names()
    past = make_history(len(names), generations, experiment.batch, np.random.default_rng(seed))
    encoding = build_encoding(experiment.encoding, size=size, channels=3)
    genomes = encoding.random(_POOL, stream(seed, "pool"))
    for generation in range(_DRIFT):
        genomes = encoding.mutate(genomes, stream(seed, "drift", generation), generation)
    images = encoding.render(genomes)
    pool = [(encoding.encode(row), pack_image(image.tobytes())) for row, image in zip(genomes, images, strict=True)]
    meta = {
        "experiment": experiment.model_dump_json(),
        "environment": json.dumps({"device": "cpu"}),
        "classifier": "torchvision:squeezenet1_1",
        "classifier_sha256": "0" * 64,
        "classes": json.dumps(names),
        "class_aliases": json.dumps(imagenet_aliases(names)),
        "codec": encoding.codec,
        "image_shape": json.dumps([3, size, size]),
    }
    with new_directory(out, name, {"experiment.yaml": experiment.to_yaml()}, meta) as (draft, path):
        store = Store(draft)
        _write(store, past, _kept(past, kept), pool, experiment.batch)
        store.finish()
    return path


def _kept(past: History, wanted: int) -> set[int]:
    """The elites and the youngest of their ancestors."""
    parents = {id: parent for id, _, parent in past.individuals}
    alive = set(past.holders.tolist())
    elites = set(alive)
    queue = list(alive)
    while queue:
        parent = parents[queue.pop()]
        if parent is not None and parent not in alive:
            alive.add(parent)
            queue.append(parent)
    ancestors = sorted(alive - elites, reverse=True)
    return elites | set(ancestors[: max(0, wanted - len(elites))])


def _write(store: Store, past: History, kept: set[int], pool: list[tuple[bytes, bytes]], batch: int) -> None:
    nothing = hashlib.sha256(b"").digest()
    db = store.connection
    db.execute("BEGIN")
    db.executemany(
        "INSERT INTO individuals VALUES (?, ?, ?, NULL, ?, 1, ?, ?, x'')",
        [(id, at, parent, "mutation" if at else "random", nothing, nothing) for id, at, parent in past.individuals],
    )
    db.executemany("INSERT INTO blobs VALUES (?, ?, ?)", [(id, *pool[id * 7919 % len(pool)]) for id in sorted(kept)])
    db.executemany("INSERT INTO captures VALUES (?, ?, ?, ?, ?)", past.captures)
    cells = zip(past.holders.tolist(), past.log_odds.tolist(), past.taken.tolist(), strict=True)
    db.executemany("INSERT INTO cells VALUES (?, ?, ?, ?)", [(cell, *row) for cell, row in enumerate(cells)])
    db.executemany(f"INSERT INTO metrics VALUES ({', '.join('?' * len(METRICS))})", past.metrics)
    last = past.metrics[-1]
    db.execute(
        "UPDATE progress SET generation = ?, evaluations = ?, seconds = ?",
        tuple(last[METRICS.index(name)] for name in ("generation", "evaluations", "seconds")),
    )
    seals = take_seals(db)
    db.executemany("INSERT OR REPLACE INTO seals VALUES (?, ?, ?)", seals.take())
    db.execute("COMMIT")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--generations", type=int, default=10_000)
    parser.add_argument("--kept", type=int, default=6000)
    arguments = parser.parse_args()
    print(make_run(arguments.out, generations=arguments.generations, kept=arguments.kept))
