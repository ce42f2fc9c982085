"""The report's page on where the network looks: attribution maps of elites, and what a quarter of the image carries."""

from __future__ import annotations

from typing import Any

import numpy as np

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.photographs import read_photographs
from evo_fool.reports.captions import percent
from evo_fool.studies.attribution import best_quarter, integrated_gradients, occlusion
from evo_fool.studies.base import Picture, Row, Section
from evo_fool.studies.charts import distributions, overlay
from evo_fool.studies.drawing import board
from evo_fool.studies.elites import ImageSet, elites_of, share_text
from evo_fool.studies.imagenet import imagenet_run, primary_network
from evo_fool.studies.workshop import Workshop

KEY, TITLE, FIGURES = "attribution", "Where the network looks", ""

_SHOWN = 6
_SURE = 0.5
"""ImageNet elites below this confidence are left out: there is nothing to attribute."""


def section(workshop: Workshop) -> Section:
    """The page."""
    sets: list[tuple[str, Classifier, ImageSet, ImageSet | None]] = [
        ("MNIST", workshop.classifier(), _digit_elites(workshop), _digits(workshop))
    ]
    network = primary_network(workshop)
    if network is not None:
        name, weights = network
        judge = workshop.classifier(f"torchvision:{name}", weights)
        with imagenet_run(workshop, name, weights, "cppn", workshop.seeds[0]) as run:
            sure = [elite.class_index for elite in run.elites if elite.probability >= _SURE]
            some = sure or [elite.class_index for elite in run.elites]
            n = workshop.scale(smoke=4, laptop=60, paper=1000)
            chosen = [some[i] for i in np.linspace(0, len(some) - 1, min(n, len(some))).round().astype(int)]
            elites = elites_of(run, chosen)
        sets.append(("ImageNet", judge, elites, _photographs(workshop, judge, len(elites))))
    found = {what: _measure(workshop, what, judge, elites, natural) for what, judge, elites, natural in sets}
    parts = [
        f"{what}: the best quarter of an elite alone keeps {percent(entry['elites']['share'][1])} of its confidence "
        f"(median over {entry['elites']['images']})"
        + (f", of a natural image {percent(entry['natural']['share'][1])}." if entry["natural"] else ".")
        for what, entry in found.items()
    ]
    return Section(
        key=KEY,
        title=TITLE,
        figures=FIGURES,
        verdict="new",
        why=" ".join(parts),
        rows=tuple(row for what, entry in found.items() for row in _rows(what, entry)),
        pictures=tuple(p for what, judge, elites, _ in sets for p in _pictures(what, judge, elites, found[what])),
        settings={
            "quarter": "a window of half the sides at the best of 5 × 5 places; the rest is the commonest colour",
            "attribution": "integrated gradients of the class's log-odds from the commonest colour; occlusion",
        },
        seeds=workshop.seeds[:1],
        commands=("evo-fool study attribution RUN",),
        data=found,
    )


def _digit_elites(workshop: Workshop) -> ImageSet:
    smoke = {"generations": 20} if workshop.budget == "smoke" else {}
    with workshop.run(workshop.experiment("mnist-cppn", {"seed": workshop.seeds[0]} | smoke)) as run:
        return elites_of(run)


def _digits(workshop: Workshop) -> ImageSet | None:
    data = workshop.mnist()
    if data is None:
        return None
    images = data.test.images[:200].unsqueeze(1).numpy()
    return ImageSet("test digits", images, data.test.labels[:200].numpy(), tuple(map(str, range(10))))


def _photographs(workshop: Workshop, judge: Classifier, n: int) -> ImageSet | None:
    folder = workshop.photographs()
    if folder is None:
        return None
    images, labels = read_photographs(judge, folder, limit=n)
    return ImageSet("photographs", images, labels, tuple(judge.classes))


def _measure(
    workshop: Workshop, what: str, judge: Classifier, elites: ImageSet, natural: ImageSet | None
) -> dict[str, Any]:
    scorer = workshop.scorer(judge)

    def quarters() -> dict[str, Any]:
        parts = {"elites": elites, "natural": natural}
        found: dict[str, Any] = {}
        for name, images in parts.items():
            if images is None:
                found[name] = None
                continue
            workshop.check()
            quarter = best_quarter(scorer, images.images, images.targets)
            found[name] = quarter.to_json() | {"all": quarter.share}
        return found

    key = f"quarters {what} {elites.name} {len(elites)} {0 if natural is None else len(natural)}"
    found = workshop.cache(key, quarters)
    return found


def _rows(what: str, entry: dict[str, Any]) -> list[Row]:
    elites, natural = entry["elites"], entry["natural"]

    def beside(key: str) -> str | None:
        return percent(natural[key]) if natural else None

    return [
        Row(f"{what}: confidence of the whole image, median", percent(elites["whole"]), control=beside("whole")),
        Row(f"{what}: its best quarter alone", percent(elites["alone"]), control=beside("alone")),
        Row(f"{what}: the image without that quarter", percent(elites["without"]), control=beside("without")),
        Row(
            f"{what}: images of which a quarter carries half the confidence or more",
            share_text(elites["carrying_half"]),
            control=share_text(natural["carrying_half"]) if natural else None,
            note=f"{elites['images']} elites" + (f"; control: {natural['images']} natural images" if natural else ""),
        ),
    ]


def _pictures(what: str, judge: Classifier, elites: ImageSet, entry: dict[str, Any]) -> list[Picture]:
    chosen = np.linspace(0, len(elites) - 1, min(_SHOWN, len(elites))).round().astype(int)
    shown = elites.pick(chosen)
    gradient = integrated_gradients(judge, shown.images, shown.targets, steps=32)
    hidden = occlusion(judge, shown.images, shown.targets)
    names = [elites.classes[target] for target in shown.targets]
    rows = [
        ("elite", list(zip(shown.images, names, strict=True))),
        ("integrated gradients", [(overlay(i, m), "") for i, m in zip(shown.images, gradient.maps, strict=True)]),
        ("occlusion", [(overlay(i, m), "") for i, m in zip(shown.images, hidden, strict=True)]),
    ]
    groups = {
        label: np.array(entry[key]["all"])
        for key, label in (("elites", "elites"), ("natural", "natural images"))
        if entry[key]
    }
    return [
        Picture(
            f"{what} maps",
            board(rows, tile=84 if what == "MNIST" else 128, label=150),
            f"{what}: what speaks for the class (red) and against it (blue), by integrated gradients and by occlusion.",
        ),
        Picture(
            f"{what} quarters",
            distributions(groups, label="share of the confidence that the best quarter carries"),
            f"{what}: how much of the confidence a quarter of the image carries by itself.",
        ),
    ]
