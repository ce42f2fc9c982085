"""MAP-Elites and the single-class genetic algorithm at equal evaluations, on digits and on a few ImageNet classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from evo_fool.runs import Run
from evo_fool.runs.lineage import history
from evo_fool.studies.context import Context
from evo_fool.studies.digit_runs import EVOLVED, RANDOM, Course, digit_runs
from evo_fool.studies.imagenet_runs import imagenet_run
from evo_fool.studies.switching.measure import switching


def digit_searches(context: Context, kind: str) -> dict[str, Any]:
    """How each search went on digits with one encoding, its seconds, and the goal switches of MAP-Elites, JSON-able.

    Args:
        context: where to look for the runs and to evolve them.
        kind: of encoding, ``pixels`` or ``cppn``.
    """
    found: dict[str, Any] = {"seconds": {}}
    for name, (preset, settings) in {
        "MAP-Elites": (EVOLVED[kind], {}),
        "genetic algorithm": ("mnist-ga", {"encoding.kind": kind, "name": f"mnist-ga-{kind}"}),
        "random": RANDOM[kind],
    }.items():
        with digit_runs(context, preset, settings) as runs:
            found[name] = Course.of(runs).to_json()
            found["seconds"][name] = float(np.median([run.summary()["wall_seconds"] for run in runs]))
            if name == "MAP-Elites":
                found["switching"] = [switching(run) for run in runs]
    return found


def imagenet_duels(context: Context, name: str, weights: Path) -> dict[str, Any]:
    """A few classes by the genetic algorithm, each by itself, against the run for all of them, JSON-able.

    Returns:
        ``duels``: one a class, with its name and four confidences. ``genetic``: by the genetic algorithm after all its
        images for this class alone. ``genetic_start``: after its first generation, which is more than an equal share
        of the other's images. ``map_elites``: by MAP-Elites after all its images for all classes.
        ``map_elites_then``: after as many as ``genetic`` took. ``switching``: of the run for all classes. ``images``:
        of the genetic algorithm's first generation, of all its generations, and of the run for all classes.
    """
    seed = context.seeds[0]
    settings = {
        "seed": seed,
        "classifier.weights": str(weights),
        "classifier.spec": f"torchvision:{name}",
        "generations": context.scale(smoke=2, laptop=39, paper=399),
        "batch": context.scale(smoke=16, laptop=100, paper=100),
        "retention.keep": "elites",
        # The mutation of imagenet-cppn, so that little but the search differs.
        "encoding.add_link": 0.9,
        "encoding.split_link": 0.9,
    }
    duels: list[dict[str, Any]] = []
    with imagenet_run(context, name, weights, "cppn", seed) as everything:
        shared = int(everything.metrics["evaluations"][-1])
        for target in context.scale(smoke=(0,), laptop=(7, 207, 407, 607, 807), paper=tuple(range(7, 1000, 50))):
            with context.run(context.experiment("imagenet-ga", settings | {"search.target": target})) as one:
                first, images = (int(one.metrics["evaluations"][i]) for i in (0, -1))
                duels.append(
                    {
                        "name": everything.classes[target],
                        "genetic": confidence_after(one, target, images),
                        "genetic_start": confidence_after(one, target, first),
                        "map_elites": confidence_after(everything, target, shared),
                        "map_elites_then": confidence_after(everything, target, images),
                    }
                )
        switches = switching(everything)
    del switches["steps"]  # a thousand by a thousand numbers
    return {"network": name, "duels": duels, "switching": switches, "images": [first, images, shared]}


def confidence_after(run: Run, cls: int, images: int) -> float:
    """The probability of a class's elite when a run had scored at most so many images; 0 for an empty cell."""
    known = run.metrics["generation"][run.metrics["evaluations"] <= images]
    last = int(known[-1]) if len(known) else -1
    return next((row.probability for row in reversed(history(run, cls)) if row.generation <= last), 0.0)
