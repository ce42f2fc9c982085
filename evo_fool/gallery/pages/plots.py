"""The convergence of a run, as numbers to be drawn, and its classes as a table."""

from __future__ import annotations

import csv
import io

import numpy as np

from evo_fool.evolution.statistics import STATISTICS
from evo_fool.gallery.data.run_header import run_facts
from evo_fool.gallery.schemas import ClassRow, PlotsPage
from evo_fool.gallery.urls import Urls
from evo_fool.runs.run import Run
from evo_fool.sampling import evenly
from evo_fool.text import percent, printable

MAX_POINTS = 600


def plots_page(run: Run, urls: Urls) -> PlotsPage:
    """The page of plots.

    Raises:
        CorruptRunError: a value is not what it should be.
    """
    facts = run_facts(run, urls)
    series = thinned_metrics(run)
    return {
        "page": "plots",
        "run": facts,
        "series": series,
        "points": len(series["generation"]),
        "rows": class_rows(run, urls),
        "table": urls.table(facts["run"]),
    }


def thinned_metrics(run: Run, points: int = MAX_POINTS) -> dict[str, list[float]]:
    """The metrics at evenly spread generations, the last included.

    ``captures`` and ``images_per_second`` are means over the generations since the point before.
    """
    metrics = run.metrics
    n = len(metrics["generation"])
    if n == 0:
        return {name: [] for name in ("generation", *STATISTICS, "captures", "images_per_second")}
    at = evenly(n, points)
    since = np.concatenate([[-1], at[:-1]])
    captured = np.concatenate([[0], np.cumsum(metrics["captures"])])
    evaluations = np.concatenate([[0], metrics["evaluations"]])
    seconds = np.concatenate([[0.0], metrics["seconds"]])
    passed = np.maximum(seconds[at + 1] - seconds[since + 1], 1e-9)
    derived = {
        "captures": (captured[at + 1] - captured[since + 1]) / (at - since),
        "images_per_second": (evaluations[at + 1] - evaluations[since + 1]) / passed,
    }
    columns = {name: metrics[name][at] for name in ("generation", *STATISTICS)} | derived
    return {name: column.tolist() for name, column in columns.items()}


def class_rows(run: Run, urls: Urls) -> list[ClassRow]:
    """Every class that the run evolves, with its elite and its number of captures."""
    elites = {elite.class_index: elite for elite in run.elites}
    counts = dict(run.store.rows("SELECT class, count(*) FROM captures GROUP BY class"))
    name = run.path.name
    rows: list[ClassRow] = []
    for cell in run.targets:
        elite = elites.get(cell)
        rows.append(
            {
                "class": cell,
                "name": printable(run.classes[cell]),
                "aliases": [printable(alias) for alias in run.class_aliases[cell]],
                "p": elite.probability if elite else 0.0,
                "percent": percent(elite.probability if elite else 0.0),
                "log_odds": elite.log_odds if elite else None,
                "captured": elite.generation if elite else None,
                "captures": counts.get(cell, 0),
                "individual": elite.id if elite else None,
                "url": urls.cell(name, cell) if elite else None,
            }
        )
    return rows


def class_table(run: Run, urls: Urls) -> str:
    """The classes of a run as CSV, with a line of headings.

    A name that a spreadsheet would take for a formula gets a leading apostrophe.
    """
    out = io.StringIO()
    columns = ("class", "name", "aliases", "p", "log_odds", "captured", "captures", "individual")
    table = csv.writer(out, lineterminator="\n")
    table.writerow(columns)
    for row in class_rows(run, urls):
        values = row | {"name": _tame(row["name"]), "aliases": _tame("; ".join(row["aliases"]))}
        table.writerow(["" if values[column] is None else values[column] for column in columns])
    return out.getvalue()


def _tame(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
