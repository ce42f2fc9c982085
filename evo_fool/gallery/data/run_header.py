"""The facts of a run that every page shows."""

from __future__ import annotations

from evo_fool.gallery.schemas import RunFacts
from evo_fool.gallery.urls import Urls
from evo_fool.runs.run import Run
from evo_fool.text import percent, printable


def run_facts(run: Run, urls: Urls) -> RunFacts:
    """The facts of a run as of its last commit.

    Raises:
        CorruptRunError: a value is not what it should be.
    """
    summary = run.summary()
    channels, height, width = run.store.image_shape()
    return {
        "run": run.path.name,
        "id": printable(summary["id"], 40),
        "name": printable(summary["name"]),
        "status": summary["status"],
        "created": printable(run.meta.get("created", ""), 40),
        "generation": summary["generation"],
        "generations": summary["generations"],
        "evaluations": summary["evaluations"],
        "images_per_second": summary["images_per_second"],
        "classes": summary["classes"],
        "targets": summary["targets"],
        "occupied": summary["occupied"],
        "median": summary["median_confidence"],
        "median_percent": percent(summary["median_confidence"]),
        "at_least": summary["at_least"],
        "qd_score": summary["qd_score"],
        "captures": summary["captures"],
        "classifier": printable(summary["classifier"]),
        "encoding": summary["encoding"],
        "search": summary["search"],
        "seed": summary["seed"],
        "preset": summary["preset"],
        "channels": channels,
        "width": width,
        "height": height,
        "resizable": run.encoding.resizable,
        "url": urls.run(run.path.name),
    }
