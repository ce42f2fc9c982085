"""The report's page on repetition: all ImageNet elites in which something repeats, rather than three (Figure 10)."""

from __future__ import annotations

from typing import Any

import numpy as np

from evo_fool.classifiers.scoring import Scorer
from evo_fool.probability import probability
from evo_fool.reports.captions import percent
from evo_fool.reports.paper_figures import REPETITION
from evo_fool.studies.base import Picture, Row, Section, judged, skipped
from evo_fool.studies.charts import distributions
from evo_fool.studies.drawing import board
from evo_fool.studies.elites import ImageSet, confidences, elites_of, share_text
from evo_fool.studies.imagenet import imagenet_run, primary_network
from evo_fool.studies.repetition import ablate, find_repetition, tiled, without
from evo_fool.studies.workshop import Workshop

KEY, TITLE, FIGURES = "repetition", "Repeated elements", "Figure 10"

TILINGS = (2, 3, 4)

_SHOWN = 8
_SURE = 0.9
"""Elites of at least this confidence are reported by themselves: the paper's three had 99.9 %."""


def section(workshop: Workshop) -> Section:
    """The page."""
    network = primary_network(workshop)
    if network is None:
        reason = "Elites of an ImageNet network are needed: give --data a folder with imagenet/weights/NAME.pt."
        return skipped(KEY, TITLE, FIGURES, reason)
    name, weights = network
    with imagenet_run(workshop, name, weights, "cppn", workshop.seeds[0]) as run:
        elites = elites_of(run)
        if workshop.budget == "smoke":
            elites = elites.pick(range(0, len(elites), 10))
        digest = f"{run.meta.get('id', '')} generation {run.generation}"
    scorer = workshop.scorer(workshop.classifier(f"torchvision:{name}", weights))
    found = workshop.cache(f"repetition {name} run {digest}", lambda: _measure(workshop, elites, scorer))
    before, one, none = (np.array(found[key]) for key in ("before", "one", "none"))
    if not len(before):
        return skipped(KEY, TITLE, FIGURES, f"Of {len(elites)} elites not one has repeated elements.")
    verdict, why = judged(_claims(found, before, one, none))
    return Section(
        key=KEY,
        title=TITLE,
        figures=FIGURES,
        verdict=verdict,
        why=why,
        rows=tuple(_rows(found, before, one, none)),
        pictures=tuple(_pictures(elites, found["rows"], before, one, none)),
        settings={"network": name, "tiles a side": TILINGS},
        seeds=workshop.seeds[:1],
        commands=("evo-fool study repetition RUN",),
        data=found,
    )


def _measure(workshop: Workshop, elites: ImageSet, scorer: Scorer) -> dict[str, Any]:
    result = ablate(elites, scorer)
    tilings, as_they_are = {}, confidences(scorer, elites.images, elites.targets)
    for times in TILINGS:
        workshop.check()
        images = np.stack([tiled(image, times) for image in elites.images])
        log_odds = scorer.score(images)
        p = probability(log_odds[np.arange(len(elites)), elites.targets])
        tilings[str(times)] = {"median": np.median(p), "raised": (p > as_they_are).mean()}
    return result.to_json() | {
        "rows": result.rows,
        "before": result.before,
        "one": result.one,
        "none": result.none,
        "kinds": [repetition.kind for repetition in result.found],
        "counts": [repetition.count for repetition in result.found],
        "all_elites": np.median(as_they_are),
        "tilings": tilings,
        "images": len(elites) * (1 + len(TILINGS)) + 3 * len(result.rows),
    }


def _claims(found: dict[str, Any], before: np.ndarray, one: np.ndarray, none: np.ndarray) -> list[tuple[bool, str]]:
    """The paper: confidence hardly falls; and repetition raises it."""
    chosen = before >= _SURE if (before >= _SURE).any() else np.full(len(before), True)
    who = f"{int(chosen.sum())} elites at 90 % or more" if (before >= _SURE).any() else f"all {len(before)} such elites"
    kept = float(np.median(one[chosen] / before[chosen]))
    rest = float(np.median(none[chosen] / before[chosen]))
    lower = float((one[chosen] < before[chosen]).mean())
    return [
        (
            kept >= 0.9,
            f"With one element left {who} keep {share_text(min(kept, 1.0))} of their confidence (median), with none "
            f"{share_text(min(rest, 1.0))}; the paper's three keep 99.5 % and more with one.",
        ),
        (
            lower >= 0.5,
            f"Removing repeats lowers the confidence of {share_text(lower)} of them, as of all the paper's three.",
        ),
    ]


def _rows(found: dict[str, Any], before: np.ndarray, one: np.ndarray, none: np.ndarray) -> list[Row]:
    kinds = found["kinds"]
    rows = [
        Row(
            "elites with repeated elements",
            f"{len(before)} of {found['searched']}",
            "3, by hand",
            note=f"{kinds.count('objects')} with like objects, {kinds.count('lattice')} periodic; "
            f"median {np.median(found['counts']):.0f} elements",
        )
    ]
    for label, chosen in (
        ("at 90 % or more", before >= _SURE),
        ("all of them", np.full(len(before), True)),
    ):
        if chosen.any():
            rows += [
                Row(
                    f"{label}: median confidence before → with one element",
                    f"{percent(float(np.median(before[chosen])))} → {percent(float(np.median(one[chosen])))}",
                    "; ".join(f"{n} {_printed(a)} → {_printed(b)}" for n, (a, b) in REPETITION.items()),
                    f"with none: {percent(float(np.median(none[chosen])))}",
                    f"{int(chosen.sum())} elites",
                ),
                Row(
                    f"{label}: share that loses at most one per cent point",
                    share_text(float((before[chosen] - one[chosen] <= 0.01).mean())),
                    "3 of 3",
                    share_text(float((before[chosen] - none[chosen] <= 0.01).mean())),
                    "control: with no element left",
                ),
            ]
    rows += [
        Row(
            f"tiled {times} × {times}: median confidence of all elites",
            percent(entry["median"]),
            control=f"as they are: {percent(found['all_elites'])}",
            note=f"raised for {percent(entry['raised'])}",
        )
        for times, entry in found["tilings"].items()
    ]
    return rows


def _printed(share: float) -> str:
    return f"{100 * share:.2f} %"


def _pictures(
    elites: ImageSet, rows: list[int], before: np.ndarray, one: np.ndarray, none: np.ndarray
) -> list[Picture]:
    shown = []
    for place in _different(elites, rows, np.argsort(-before)):
        image = elites.images[rows[place]]
        repetition = find_repetition(image)
        if repetition is None:  # the cache is of another version
            continue
        left = without(image, repetition.removed, repetition.fill)
        images = (image, left, without(left, repetition.kept, repetition.fill))
        captions = (percent(float(p[place])) for p in (before, one, none))
        shown.append((elites.classes[elites.targets[rows[place]]], list(zip(images, captions, strict=True))))
    groups = {"as it is": before, "one element left": one, "none left": none}
    return [
        Picture(
            "removal",
            board(shown, tile=128, label=130),
            "As Figure 10: an elite, the same with one of its repeated elements left, and with none; the confidence of "
            "its class below.",
        ),
        Picture(
            "confidence",
            distributions(groups, label="confidence in the class"),
            "Share of the elites with repeated elements that reach a confidence.",
        ),
    ]


def _different(elites: ImageSet, rows: list[int], order: np.ndarray) -> list[int]:
    """The first places in ``order`` whose images are not one and the same: an image can hold many classes."""
    seen: set[bytes] = set()
    chosen = []
    for place in order.tolist():
        pixels = elites.images[rows[place]].tobytes()
        if pixels not in seen:
            seen.add(pixels)
            chosen.append(place)
    return chosen[:_SHOWN]
