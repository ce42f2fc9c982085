"""The report's page on random pictures: what a network calls them, lines to natural images, and how many dimensions
images fill."""

from __future__ import annotations

from typing import Any

import numpy as np

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.randomness import stream
from evo_fool.sampling import evenly
from evo_fool.studies.base import Picture, Row, Section
from evo_fool.studies.charts import bands
from evo_fool.studies.digit_runs import digit_run
from evo_fool.studies.drawing import board
from evo_fool.studies.elites import ImageSet, elites_of, identity_of, photographs, share_text, sure
from evo_fool.studies.imagenet_runs import imagenet_run, primary_network
from evo_fool.studies.noise import random_images
from evo_fool.studies.paths import follow, intrinsic_dimension, line, natural_pairs, pair_rows, see
from evo_fool.studies.workshop import Workshop
from evo_fool.text import percent

KEY, TITLE, FIGURES = "paths", "What a random picture looks like", ""

_STEPS = 21
_SHOWN = 4
_FRAMES = 7
_SURE = 0.5
"""Ends below this confidence are left out: a way to them falls below it whatever lies between."""

_POINTS = 2000
"""Images of which the dimension is estimated, at most; the estimate depends on their number."""


def section(workshop: Workshop) -> Section:
    """The page."""
    found: dict[str, dict[str, Any]] = {}
    pictures: list[Picture] = []
    cases = [("MNIST", workshop.classifier(), _digit_elites(workshop), _digits(workshop))]
    network = primary_network(workshop)
    if network is not None:
        name, weights = network
        judge = workshop.classifier(f"torchvision:{name}", weights)
        folder = workshop.photographs()
        natural = None
        if folder is not None:
            natural = photographs(judge, folder)
        with imagenet_run(workshop, name, weights, "cppn", workshop.seeds[0]) as run:
            wanted = workshop.scale(smoke=20, laptop=500, paper=1000)
            held = [elite.class_index for elite in run.elites]
            if natural is not None:  # elites of other classes have nowhere to go
                held = sorted(set(held) & set(natural.targets.tolist())) or held
            elites = elites_of(run, [held[i] for i in evenly(len(held), wanted)])
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
        settings={
            "random": "uniform bytes",
            "steps of a line": _STEPS,
            "least confidence of ends": _SURE,
            "dimension": "TwoNN, 10 % discarded",
        },
        seeds=workshop.seeds[:1],
        commands=("evo-fool study paths RUN --photos DIR",),
        data=found,
    )


def _digit_elites(workshop: Workshop) -> ImageSet:
    with digit_run(workshop, "mnist-cppn", workshop.seeds[0]) as run:
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
    seed = workshop.seeds[0]

    def make() -> dict[str, Any]:
        noise = random_images("uniform", n, shape, stream(seed, "random pictures"))
        entry: dict[str, Any] = {"random": see(scorer, noise).to_json(judge.classes)}
        workshop.check()
        points = min(_POINTS, n, n if natural is None else len(natural))
        entry["points"] = points
        entry["dimension"] = {"random": _dimension(noise[:points])}
        if natural is not None:
            entry["dimension"]["natural"] = _dimension(natural.images[evenly(len(natural), points)])
            workshop.check()
            entry |= _ways(scorer, elites, natural)
        return entry

    key = f"random pictures {what} {judge.fingerprint()[:12]} images {identity_of(elites, natural)} n {n} seed {seed}"
    return workshop.cache(key, make)


def _dimension(images: np.ndarray) -> float | None:
    """The intrinsic dimension; None where the images are too few to estimate it."""
    try:
        return intrinsic_dimension(images)
    except ConfigError:
        return None


def _ways(scorer: Scorer, elites: ImageSet, natural: ImageSet) -> dict[str, Any]:
    """Straight lines between images that the network is sure of, and how many these are."""
    own, real = sure(scorer, elites, _SURE), sure(scorer, natural, _SURE)
    rows, ends = pair_rows(elites.pick(own), natural.pick(real))
    rows, ends = own[rows], real[ends]
    found: dict[str, Any] = {
        "sure": {"elites": [len(own), len(elites)], "natural": [len(real), len(natural)]},
        "rows": {"elites": rows, "natural": ends},
    }
    if len(rows):
        found["to natural"] = follow(scorer, elites.pick(rows), natural.pick(ends), steps=_STEPS).to_json()
        known = natural.pick(real)
        first, second, same = natural_pairs(known, np.searchsorted(real, ends))
        if len(first):
            between = follow(scorer, known.pick(first), known.pick(second), steps=_STEPS)
            found["between natural"] = between.to_json() | {"same class": same}
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
            f"all the way for {share_text(way['never_below_half'])} of {way['ways']}"
        )
        if other := entry.get("between natural"):
            text += f"; {_between(other)}, for {share_text(other['never_below_half'])} of {other['ways']}"
        text += "."
    elif "sure" in entry:
        text += f" No straight line was followed: {_counts(entry)}, of no class in common."
    return text


def _between(other: dict[str, Any]) -> str:
    """What the ways between natural images are."""
    if other["same class"]:
        return "between two natural images of one class"
    return "between natural images of two classes, by the confidence in either"


def _counts(entry: dict[str, Any]) -> str:
    """How many images the network is sure of."""
    (elites, of_elites), (natural, of_natural) = (entry["sure"][key] for key in ("elites", "natural"))
    least = f"{100 * _SURE:.0f} %"
    return (
        f"{elites} of {of_elites} elites of classes with a natural image, and {natural} of {of_natural} natural "
        f"images, have at least {least}"
    )


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
            None if dimension.get("natural") is None else f"{dimension['natural']:.1f}",
            control=None if dimension["random"] is None else f"{dimension['random']:.0f}",
            note=f"of {entry['points']:,} images; control: of as many random pictures, of which distances tell little "
            "more than a bound",
        ),
    ]
    if "to natural" in entry:
        way, other = entry["to natural"], entry.get("between natural")
        beside = f"; control: {other['ways']}, {_between(other)}" if other else ""
        rows += [
            Row(
                f"{what}, from elite to natural image of its class: lowest confidence on the way, median",
                percent(way["lowest"]),
                control=percent(other["lowest"]) if other else None,
                note=f"{way['ways']} ways; {_counts(entry)}, the others are left out{beside}",
            ),
            Row(
                f"{what}, the same: share of the way below one half",
                share_text(way["dip"]),
                control=share_text(other["dip"]) if other else None,
                note=f"{way['ways']} ways{beside}",
            ),
            Row(
                f"{what}, the same: ways that nowhere fall below one half",
                share_text(way["never_below_half"]),
                control=share_text(other["never_below_half"]) if other else None,
                note=f"{way['ways']} ways{beside}",
            ),
        ]
    return rows


def _pictures(
    what: str, judge: Classifier, elites: ImageSet, natural: ImageSet | None, entry: dict[str, Any]
) -> list[Picture]:
    if natural is None or "to natural" not in entry:
        return []
    way, other = entry["to natural"], entry.get("between natural")
    at = np.array(way["at"])
    lines = {
        "elite to natural image of its class: confidence in the class": way["first"],
        "the same: confidence in whatever is answered": way["top"],
    }
    if other:
        lines[_between(other)] = other["either"]
    curves = {name: (at, np.array(values)[None]) for name, values in lines.items()}
    chart = Picture(
        f"{what} lines",
        bands(curves, xlabel="position on the straight line", ylabel="median confidence"),
        f"{what}: confidence along straight lines, medians over {way['ways']} of them.",
    )
    if what != "MNIST":  # photographs have owners; digits may be shown
        return [chart]
    starts, ends = (images.pick(entry["rows"][key]) for images, key in ((elites, "elites"), (natural, "natural")))
    rows = [
        (elites.classes[starts.targets[i]], [(image, "") for image in line(starts.images[i], ends.images[i], _FRAMES)])
        for i in range(min(_SHOWN, len(starts)))
    ]
    caption = "From an elite to a digit of its class."
    return [chart, Picture(f"{what} ways", board(rows, tile=72, label=40), caption, borrowed=True)]
