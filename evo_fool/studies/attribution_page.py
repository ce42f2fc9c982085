"""The report's page on where the network looks: attribution maps of elites, and what a quarter of the image carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.runs import Run
from evo_fool.sampling import evenly
from evo_fool.studies.attribution import best_quarter, integrated_gradients, occlusion
from evo_fool.studies.base import Picture, Row, Section
from evo_fool.studies.charts import distributions, overlay
from evo_fool.studies.digit_runs import digit_run
from evo_fool.studies.drawing import board
from evo_fool.studies.elites import ImageSet, elites_of, identity_of, photographs, share_text, sure
from evo_fool.studies.imagenet_runs import imagenet_run, primary_network
from evo_fool.studies.workshop import Workshop
from evo_fool.text import percent

KEY, TITLE, FIGURES = "attribution", "Where the network looks", ""

_SHOWN = 6
_SURE = 0.5
"""Images below this confidence are left out, elites and natural ones alike: there is nothing to attribute, and whatever
is left of next to nothing is a large share of it."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is compared on one network.

    Attributes:
        what: its label.
        judge: the network.
        elites: those it is sure of; None: there are none.
        known: how many elites it is sure of, and how many there are.
        natural: natural images, sure ones or not; None: there are none.
        most: how many sure ones of them are taken at most.
    """

    what: str
    judge: Classifier
    elites: ImageSet | None
    known: tuple[int, int]
    natural: ImageSet | None
    most: int


def section(workshop: Workshop) -> Section:
    """The page."""
    cases = [_digits(workshop)]
    network = primary_network(workshop)
    if network is not None:
        cases.append(_photographs(workshop, *network))
    found = {case.what: _measure(workshop, case) for case in cases}
    return Section(
        key=KEY,
        title=TITLE,
        figures=FIGURES,
        verdict="new",
        why=" ".join(_sentence(what, entry) for what, entry in found.items()),
        rows=tuple(row for what, entry in found.items() for row in _rows(what, entry)),
        pictures=tuple(picture for case in cases for picture in _pictures(workshop, case, found[case.what])),
        settings={
            "quarter": "a window of half the sides at the best of 5 × 5 places; the rest is the commonest colour",
            "least confidence": _SURE,
            "attribution": "integrated gradients of the class's log-odds from the commonest colour; occlusion",
        },
        seeds=workshop.seeds[:1],
        commands=("evo-fool study attribution RUN",),
        data=found,
    )


def _digits(workshop: Workshop) -> Case:
    with digit_run(workshop, "mnist-cppn", workshop.seeds[0]) as run:
        elites, known = _sure_elites(run, 10)
    natural, data = None, workshop.mnist()
    if data is not None:
        images = data.test.images[:200].unsqueeze(1).numpy()
        natural = ImageSet("test digits", images, data.test.labels[:200].numpy(), tuple(map(str, range(10))))
    return Case("MNIST", workshop.classifier(), elites, known, natural, 200)


def _photographs(workshop: Workshop, name: str, weights: Path) -> Case:
    judge, n = workshop.classifier(f"torchvision:{name}", weights), workshop.scale(smoke=4, laptop=60, paper=1000)
    with imagenet_run(workshop, name, weights, "cppn", workshop.seeds[0]) as run:
        elites, known = _sure_elites(run, n)
    natural, folder = None, workshop.photographs()
    if folder is not None:
        # Twice as many as elites: a small network is not sure of every photograph.
        natural = photographs(judge, folder, limit=2 * n)
    return Case("ImageNet", judge, elites, known, natural, n)


def _sure_elites(run: Run, most: int) -> tuple[ImageSet | None, tuple[int, int]]:
    """At most so many of the elites that the network is sure of, evenly spread; how many it is sure of, and of all."""
    known = [elite.class_index for elite in run.elites if elite.probability >= _SURE]
    elites = elites_of(run, [known[i] for i in evenly(len(known), most)]) if known else None
    return elites, (len(known), len(run.elites))


def _measure(workshop: Workshop, case: Case) -> dict[str, Any]:
    scorer = workshop.scorer(case.judge)

    def quarters() -> dict[str, Any]:
        found: dict[str, Any] = {"elites": None, "natural": None, "sure": {"elites": case.known, "natural": None}}
        if case.elites is not None:
            found["elites"] = _quarter(scorer, case.elites)
        if case.natural is not None:
            workshop.check()
            known = sure(scorer, case.natural, _SURE)
            found["sure"]["natural"] = [len(known), len(case.natural)]
            if len(known):
                workshop.check()
                found["natural"] = _quarter(scorer, case.natural.pick(known[evenly(len(known), case.most)]))
        return found

    of = identity_of(case.elites, case.natural)
    key = f"quarters {case.what} {case.judge.fingerprint()[:12]} images {of} sure {case.known} most {case.most}"
    return workshop.cache(key, quarters)


def _quarter(scorer: Scorer, images: ImageSet) -> dict[str, Any]:
    quarter = best_quarter(scorer, images.images, images.targets)
    return quarter.to_json() | {"all": quarter.share}


def _sentence(what: str, entry: dict[str, Any]) -> str:
    elites, natural = entry["elites"], entry["natural"]
    if not elites:
        return (
            f"{what}: not one of {entry['sure']['elites'][1]} elites has at least {100 * _SURE:.0f} %; evolve further."
        )
    text = (
        f"{what}: the best quarter of an elite alone keeps {percent(elites['share'][1])} of its confidence "
        f"(median over {elites['images']})"
    )
    return text + (f", of a natural image {percent(natural['share'][1])}." if natural else ".")


def _counts(entry: dict[str, Any]) -> str:
    """How many images the network is sure of, and how many of these are measured."""
    parts = []
    for key, name in (("elites", "elites"), ("natural", "natural images")):
        if entry["sure"][key]:
            known, of = entry["sure"][key]
            measured = entry[key]["images"] if entry[key] else 0
            parts.append(f"{known} of {of} {name}" + (f" ({measured} of them measured)" if measured < known else ""))
    return f"at least {100 * _SURE:.0f} % have {'; control: '.join(parts)}"


def _rows(what: str, entry: dict[str, Any]) -> list[Row]:
    elites, natural = entry["elites"], entry["natural"]

    def row(name: str, of: Callable[[dict[str, Any]], str], note: str = "") -> Row:
        return Row(f"{what}: {name}", of(elites) if elites else None, None, of(natural) if natural else None, note)

    return [
        row("confidence of the whole image, median", lambda part: percent(part["whole"]), _counts(entry)),
        row("its best quarter alone", lambda part: percent(part["alone"])),
        row("the image without that quarter", lambda part: percent(part["without"])),
        row(
            "images of which a quarter carries half the confidence or more",
            lambda part: share_text(part["carrying_half"]),
        ),
    ]


def _pictures(workshop: Workshop, case: Case, entry: dict[str, Any]) -> list[Picture]:
    what, judge, elites = case.what, case.judge, case.elites
    if elites is None:
        return []
    shown = elites.pick(evenly(len(elites), _SHOWN))
    gradient = integrated_gradients(judge, shown.images, shown.targets, steps=32, count=workshop.count)
    hidden = occlusion(judge, shown.images, shown.targets, count=workshop.count)
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
