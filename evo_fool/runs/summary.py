"""The figures of a run in one dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evo_fool.evolution.statistics import THRESHOLDS

if TYPE_CHECKING:
    from evo_fool.runs.run import Run


def summary(run: Run) -> dict[str, Any]:
    """The figures of the run, JSON-able, over the classes it evolves; an empty cell counts as probability 0."""
    experiment = run.experiment
    with run.store.snapshot():
        generation, evaluations, seconds, _ = run.store.progress()
        elites = {elite.class_index: elite for elite in run.elites}
        captures = int(run.store.rows("SELECT count(*) FROM captures")[0][0])
    p = np.array([elites[cell].probability if cell in elites else 0.0 for cell in run.targets])
    return {
        "path": str(run.path),
        "id": run.meta.get("id", ""),
        "name": experiment.name,
        "status": run.status,
        "generation": generation,
        "generations": experiment.generations,
        "evaluations": evaluations,
        "classes": len(run.classes),
        "targets": len(p),
        "occupied": len(elites),
        "median_confidence": float(np.median(p)),
        "mean_confidence": float(p.mean()),
        "min_confidence": float(p.min()),
        "at_least": {f"{threshold:g}": int((p >= threshold).sum()) for threshold in THRESHOLDS.values()},
        "qd_score": float(p.sum()),
        "captures": captures,
        "images_per_second": evaluations / seconds if seconds > 1e-6 else 0.0,
        "wall_seconds": seconds,
        "seed": experiment.seed,
        "device": str(run.environment.get("device", "unknown")),
        "classifier": run.meta.get("classifier", "unknown"),
        "encoding": experiment.encoding.kind,
        "search": experiment.search_name,
        "preset": experiment.preset,
        "disk_bytes": run.disk_bytes(),
    }
