"""The report's page on random pictures: what a network calls them, lines to natural images, and how many dimensions
images fill."""

from __future__ import annotations

from typing import Any

import numpy as np

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.photographs import read_photographs
from evo_fool.randomness import stream
from evo_fool.reports.captions import percent
from evo_fool.studies.base import Picture, Row, Section
from evo_fool.studies.charts import bands
from evo_fool.studies.drawing import board
from evo_fool.studies.elites import ImageSet, elites_of, share_text
from evo_fool.studies.imagenet import imagenet_run, primary_network
from evo_fool.studies.noise import random_images
from evo_fool.studies.paths import follow, intrinsic_dimension, line, pairs, see
from evo_fool.studies.workshop import Workshop

KEY, TITLE, FIGURES = "paths", "What a random picture looks like", ""

_STEPS = 21
_SHOWN = 4
_FRAMES = 7


def section(workshop: Workshop) -> Section:
    """The page."""
    found: dict[str, dict[str, Any]] = {}
    pictures: list[Picture] = []
    cases = [("MNIST", workshop.classifier(), _digit_elites(workshop), _digits(workshop))]
    network = primary_network(workshop)
    if network is not None:
        name, weights = network
        judge = workshop.classifier(f"torchvision:{name}", weights)
        with imagenet_run(workshop, name, weights, "cppn", workshop.seeds[0]) as run:
            wanted = workshop.scale(smoke=20, laptop=200, paper=1000)
            held = [elite.class_index for elite in run.elites]
            elites = elites_of(
                run, [held[i] for i in np.linspace(0, len(held) - 1, min(wanted, len(held))).astype(int)]
            )
        folder = workshop.photographs()
        natural = None
        if folder is not None:
            images, labels = read_photographs(judge, folder)
            natural = ImageSet("photographs", images, labels, tuple(judge.classes))
        cases.append(("ImageNet", judge, elites, natural))
    for what, judge, elites, natural in cases:
        found[what] = _measure(workshop, what, judge, elites, natural)
        pictures += _pictures(what, judge, elites, natural, found[what])
    return Section(
        key=KEY,
        title=TITLE,
        figures=FIGURES,
        verdict="new",
        why=" ".join(_sentence(what, entry) for what, entry in found.items()),
        rows=tuple(row for what, entry in found.items() for row in _rows(what, entry)),
        pictures=tuple(pictures),
        settings={"random": "uniform bytes", "steps of a line": _STEPS, "dimension": "TwoNN, 10 % discarded"},
        seeds=workshop.seeds[:1],
        commands=("evo-fool study paths RUN --photos DIR",),
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
    n = workshop.scale(smoke=500, laptop=4000, paper=10_000)
    images = data.test.images[:n].unsqueeze(1).numpy()
    return ImageSet("test digits", images, data.test.labels[:n].numpy(), tuple(map(str, range(10))))


def _measure(
    workshop: Workshop, what: str, judge: Classifier, elites: ImageSet, natural: ImageSet | None
) -> dict[str, Any]:
    scorer = workshop.scorer(judge)
    shape = (judge.channels, judge.size, judge.size)
    large = judge.size > 64
    n = workshop.scale(smoke=100, laptop=400 if large else 5000, paper=10_000)

    def make() -> dict[str, Any]:
        noise = random_images("uniform", n, shape, stream(workshop.seeds[0], "random pictures"))
        entry: dict[str, Any] = {"random": see(scorer, noise).to_json(judge.classes), "images": n}
        workshop.check()
        entry["dimension"] = {"random": intrinsic_dimension(noise[:2000])}
        if natural is not None:
            entry["dimension"]["natural"] = intrinsic_dimension(natural.images)
            starts, ends = pairs(elites, natural)
            few = ends.pick(np.arange(len(ends))[::-1])  # natural images of other classes, as a comparison
            entry["to natural"] = follow(scorer, starts, ends, steps=_STEPS).to_json()
            entry["between natural"] = follow(scorer, ends, few, steps=_STEPS).to_json()
            entry["images"] += 2 * _STEPS * len(ends)
        return entry

    key = f"random pictures {what} {elites.name} {len(elites)} {0 if natural is None else len(natural)} n {n}"
    found = workshop.cache(key, make)
    return found


def _sentence(what: str, entry: dict[str, Any]) -> str:
    random = entry["random"]
    text = (
        f"{what}: {random['images']} random pictures are called {random['classes_answered']} of {random['classes']} "
        f"classes with a mean confidence of {percent(random['mean_confidence'])}, "
        f"{share_text(random['commonest_share'])} of them {random['commonest']!r}."
    )
    if "to natural" in entry:
        way = entry["to natural"]
        text += (
            f" On the straight line from an elite to a natural image of its class the confidence stays above one half "
            f"all the way for {share_text(way['never_below_half'])} of {way['ways']}."
        )
    return text


def _rows(what: str, entry: dict[str, Any]) -> list[Row]:
    random, dimension = entry["random"], entry["dimension"]
    rows = [
        Row(
            f"{what}, random pictures: mean confidence", percent(random["mean_confidence"]), note=f"{random['images']}"
        ),
        Row(f"{what}, random pictures: at least 99 %", share_text(random["reaching"]["0.99"])),
        Row(
            f"{what}, random pictures: classes that are answered",
            f"{random['classes_answered']} of {random['classes']}",
            note=f"the commonest, {random['commonest']}: {share_text(random['commonest_share'])}",
        ),
        Row(
            f"{what}: local dimension of natural images",
            f"{dimension['natural']:.1f}" if "natural" in dimension else None,
            control=f"{dimension['random']:.0f}",
            note="control: of as many random pictures at most 2000, of which distances tell little more than a bound",
        ),
    ]
    if "to natural" in entry:
        way, other = entry["to natural"], entry["between natural"]
        rows += [
            Row(
                f"{what}, from elite to natural image of its class: lowest confidence on the way, median",
                percent(way["lowest"]),
                control=percent(other["lowest"]),
                note="control: from a natural image to one of another class",
            ),
            Row(
                f"{what}, the same: share of the way below one half",
                share_text(way["dip"]),
                control=share_text(other["dip"]),
                note=f"{way['ways']} ways",
            ),
        ]
    return rows


def _pictures(
    what: str, judge: Classifier, elites: ImageSet, natural: ImageSet | None, entry: dict[str, Any]
) -> list[Picture]:
    if natural is None or "to natural" not in entry:
        return []
    way, other = entry["to natural"], entry["between natural"]
    at = np.array(way["at"])
    lines = {
        "elite to natural image of its class: confidence in the class": way["first"],
        "the same: confidence in whatever is answered": way["top"],
        "natural image to one of another class: confidence in the first": other["first"],
        "the same: confidence in whatever is answered ": other["top"],
    }
    curves = {name: (at, np.array(values)[None]) for name, values in lines.items()}
    chart = Picture(
        f"{what} lines",
        bands(curves, xlabel="position on the straight line", ylabel="median confidence"),
        f"{what}: confidence along straight lines, medians over {way['ways']} of them.",
    )
    if what != "MNIST":  # photographs have owners; digits may be shown
        return [chart]
    starts, ends = pairs(elites, natural)
    rows = [
        (elites.classes[starts.targets[i]], [(image, "") for image in line(starts.images[i], ends.images[i], _FRAMES)])
        for i in range(min(_SHOWN, len(starts)))
    ]
    return [chart, Picture(f"{what} ways", board(rows, tile=72, label=40), "From an elite to a digit of its class.")]
