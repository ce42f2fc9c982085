"""evo-fool beside pyribs, on the same network at equal images: the weakest class, the median, images a CPU second.

    python -m benchmarks.peers --images 16200 --seeds 1 2 3 4 5

All are measured in one process, in turn, seed by seed. Each search gets the same scorer of the same bytes, batches of
the same size, and begins with the same uniform noise. pyribs has one elite a class, by its archive's one measure, the
likeliest class; its objective is the log-odds of that class. Its Gaussian emitter draws in [0, 1] at the two deviations
that did best here. CPU seconds are the process's, all threads, without the loading of the network; ours include the run
directory, which pyribs does not write.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: see docs/explanation/speed.md

import numpy as np

from benchmarks.temporary_run import TemporaryRun
from evo_fool import Experiment
from evo_fool.evaluation.assembly import assemble, resolved
from evo_fool.host_memory import keep_large_blocks
from evo_fool.presets import find_experiment
from evo_fool.probability import probability
from evo_fool.randomness import stream

THRESHOLD = 0.9999
"""What a class has to reach to be counted."""

DEVIATIONS = (0.1, 0.5)
"""Of pyribs' emitter, in the range of pixel values from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search had after its images.

    Attributes:
        weakest: 1 - confidence of the class that is worst off; 1 where a class has no elite.
        median: 1 - the median confidence over all classes.
        reached: classes at :data:`THRESHOLD` or more.
        images_per_cpu_second: see the module.
    """

    weakest: float
    median: float
    reached: int
    images_per_cpu_second: float


def ours(experiment: Experiment, seed: int, images: int) -> Found:
    """The experiment with a seed, for so many images."""
    experiment = experiment.replace(seed=seed)
    parts = assemble(experiment)
    with TemporaryRun(resolved(experiment, parts), parts, lambda stage, function: function) as run:
        began = time.process_time()
        run.advance(images // experiment.batch)
        seconds = time.process_time() - began
    return _found(run.strategy.archive.log_odds, images, seconds)


def pyribs(experiment: Experiment, deviation: float, seed: int, images: int) -> Found:
    """pyribs' MAP-Elites with a Gaussian emitter, on the network, bytes and batch of the experiment."""
    from ribs.archives import GridArchive
    from ribs.emitters import GaussianEmitter
    from ribs.schedulers import Scheduler

    scorer = assemble(experiment).evaluator.scorer
    classes, genes = len(scorer.classifier.classes), int(np.prod(scorer.classifier.shape))
    first = stream(seed, "random", 0).random((experiment.batch, genes))
    archive = GridArchive(
        solution_dim=genes,
        dims=[classes],
        ranges=[(-0.5, classes - 0.5)],
        seed=seed,
        qd_score_offset=-1000.0,
    )
    emitter = GaussianEmitter(
        archive,
        sigma=deviation,
        initial_solutions=first,
        lower_bounds=np.zeros(genes),
        upper_bounds=np.ones(genes),
        batch_size=experiment.batch,
        seed=seed,
    )
    scheduler = Scheduler(archive, [emitter])
    began = time.process_time()
    for _ in range(images // experiment.batch):
        asked = scheduler.ask()
        pictures = np.rint(asked * 255).astype(np.uint8).reshape(-1, *scorer.classifier.shape)
        log_odds = scorer.score(pictures)
        scheduler.tell(log_odds.max(axis=1), log_odds.argmax(axis=1)[:, None])
    seconds = time.process_time() - began
    best = np.full(classes, -np.inf)
    best[archive.data("index")] = archive.data("objective")
    return _found(best, images, seconds)


def _found(log_odds: np.ndarray, images: int, seconds: float) -> Found:
    """From the best log-odds of every class, -inf where it has no elite."""
    doubt = probability(-log_odds)
    return Found(
        weakest=float(doubt.max()),
        median=float(np.median(doubt)),
        reached=int((doubt <= 1 - THRESHOLD).sum()),
        images_per_cpu_second=images / seconds,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all, seed by seed, and print a table, or with --json its data."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=16_200, help="of each search")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    keep_large_blocks()
    base = Experiment.from_yaml(find_experiment("mnist-pixels"))
    fixed, adaptive = (base.replace(**{"search.operators": operators}) for operators in ("fixed", "adaptive"))
    searches: dict[str, Callable[[int, int], Found]] = {
        "evo-fool, adaptive operators": partial(ours, adaptive),
        "evo-fool, the paper's mutation": partial(ours, fixed),
    }
    for deviation in DEVIATIONS:
        searches[f"pyribs, Gaussian σ {deviation}"] = partial(pyribs, base, deviation)
    for search in searches.values():
        search(1, 2 * base.batch)  # nothing is compiled or loaded for the first time while it is measured
    table: dict[str, list[Found]] = {name: [] for name in searches}
    for seed in given.seeds:
        for name, search in searches.items():
            table[name].append(search(seed, given.images))
            print(f"seed {seed}, {name}: {table[name][-1].reached} classes", file=sys.stderr)
    if given.json:
        print(json.dumps({name: [asdict(found) for found in rows] for name, rows in table.items()}))
    else:
        print(markdown(table))
    return 0


def markdown(table: dict[str, list[Found]]) -> str:
    """The median over seeds, and in brackets the least and most; 1 - confidence for the classes."""
    lines = [
        f"| search | classes at {THRESHOLD} | 1 - weakest class | 1 - median | images a CPU second |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, rows in table.items():
        cells = [
            _spread([row.reached for row in rows], "{:.0f}"),
            _spread([row.weakest for row in rows], "{:.1e}"),
            _spread([row.median for row in rows], "{:.1e}"),
            _spread([row.images_per_cpu_second for row in rows], "{:,.0f}"),
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _spread(values: Sequence[float], form: str) -> str:
    middle, least, most = (form.format(value) for value in (np.median(values), min(values), max(values)))
    return f"{middle} ({least} to {most})"


if __name__ == "__main__":
    raise SystemExit(main())
