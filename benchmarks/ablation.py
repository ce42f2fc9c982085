"""Which settings move the median: variants of an experiment at equal budgets, over seeds, as one table.

    python -m benchmarks.ablation --weights squeezenet1_1.pt --images 32000 --seeds 1 2 3

Every variant changes imagenet-cppn.yaml as its line in VARIANTS says: the paper's settings, each of ours added to them
alone, all of ours, and each of ours taken away; then adaptive operators in batches of 64, which may follow gradients.
A run that is already in --out is not run again, and one that was interrupted is resumed, so the table can be made piece
by piece.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: see docs/explanation/speed.md

import numpy as np

from evo_fool import Experiment, evolve
from evo_fool.host_memory import keep_large_blocks
from evo_fool.presets import find_experiment
from evo_fool.runs import list_runs, open_run
from evo_fool.runs.run import Run
from evo_fool.session import resume

GROWTH = {"encoding.add_link": 0.9, "encoding.split_link": 0.9}
CROSSOVER = {"encoding.crossover": 0.5}
RECENCY = {"search.parents": "recent"}
PAPER = {"encoding.add_link": 0.5, "encoding.split_link": 0.5, "encoding.crossover": 0.0, "search.parents": "cells"}

ADAPTIVE = {"batch": 64, "search.operators": "adaptive"}

VARIANTS: dict[str, dict[str, object]] = {
    "paper": PAPER,
    "paper + growth": PAPER | GROWTH,
    "paper + crossover": PAPER | CROSSOVER,
    "paper + recency": PAPER | RECENCY,
    "default": {},
    "default - growth": {key: PAPER[key] for key in GROWTH},
    "default - crossover": {key: PAPER[key] for key in CROSSOVER},
    "default - recency": {key: PAPER[key] for key in RECENCY},
    "default, curiosity for recency": {"search.parents": "curiosity"},
    "adaptive": ADAPTIVE,
    "adaptive + gradient .1": ADAPTIVE | {"search.gradient": 0.1},
    "adaptive + gradient .3": ADAPTIVE | {"search.gradient": 0.3},
}


def main() -> int:
    """Run what is missing, then print the table, or with --json its data."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classifier", default="torchvision:squeezenet1_1", metavar="SPEC")
    parser.add_argument("--weights", metavar="PATH")
    parser.add_argument("--images", type=int, default=32_000, help="budget of each run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS), metavar="NAME")
    parser.add_argument("--out", type=Path, default=Path("outputs/ablation"))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    keep_large_blocks()
    table: dict[str, dict[int, list[float]]] = {name: {} for name in given.variants}
    for seed in given.seeds:  # seed by seed, so that an early look compares all variants
        for name in given.variants:
            with finished(named(given, name, seed), given.out) as run:
                table[name][seed] = medians(run, given.images)
            print(f"{name}, seed {seed}: {table[name][seed][-1]:.3f}", file=sys.stderr)
    print(json.dumps(table) if given.json else markdown(table, given.images))
    return 0


def named(given: argparse.Namespace, name: str, seed: int) -> Experiment:
    """The variant as an experiment, named so that its run is found again."""
    base = Experiment.from_yaml(find_experiment("imagenet-cppn"))
    settings = VARIANTS[name] | {
        "name": f"ablation-{name.replace(' ', '')}-{given.images}-seed{seed}",
        "preset": f"imagenet-cppn, {name}",
        "seed": seed,
        "generations": -(-given.images // int(str(VARIANTS[name].get("batch", base.batch)))) - 1,
        "classifier.spec": given.classifier,
        "classifier.weights": given.weights and str(Path(given.weights).absolute()),
    }
    return base.with_overrides(f"{key}={json.dumps(value)}" for key, value in settings.items())


def finished(experiment: Experiment, out: Path) -> Run:
    """The run of an experiment: found, resumed or made. The caller closes it."""
    for path in list_runs(out):
        with open_run(path) as run:
            wanted = run.experiment.name == experiment.name and run.experiment.classifier == experiment.classifier
            done = run.status == "finished"
        if wanted:
            return open_run(path) if done else resume(path)
    return evolve(experiment, out=out)


def medians(run: Run, images: int) -> list[float]:
    """The median confidence after a quarter, a half, three quarters and all of the images."""
    evaluations, median = run.metrics["evaluations"], run.metrics["median"]
    return [float(median[np.searchsorted(evaluations, images * part // 4)]) for part in (1, 2, 3, 4)]


def markdown(table: dict[str, dict[int, list[float]]], images: int) -> str:
    """One row a variant: mean and range over seeds at four budgets."""
    heads = [f"{images * part // 4:,} images" for part in (1, 2, 3, 4)]
    lines = ["| variant | " + " | ".join(heads) + " |", "|---|" + "---|" * len(heads)]
    for name, by_seed in table.items():
        values = np.array(list(by_seed.values()))
        cells = [f"{v.mean():.3f} ({v.min():.3f} to {v.max():.3f})" for v in values.T]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
