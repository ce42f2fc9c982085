"""Random pictures: what a network calls them, lines to natural images, and how many dimensions images fill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.randomness import stream
from evo_fool.sampling import evenly
from evo_fool.studies.case_study import CaseStudy, Subject, elites_asked
from evo_fool.studies.charts import bands, board
from evo_fool.studies.context import Context
from evo_fool.studies.elites import ImageSet, digest_of, elites_of, photographs, sure, test_digits
from evo_fool.studies.noise.measure import random_images
from evo_fool.studies.paths import Options
from evo_fool.studies.paths.measure import follow, intrinsic_dimension, line, natural_pairs, pair_rows, see
from evo_fool.studies.section import Picture, Row, Table, share_text
from evo_fool.text import percent

_STEPS = 21
_SHOWN = 4
_FRAMES = 7
_SURE = 0.5
"""Ends below this confidence are left out: a way to them falls below it whatever lies between."""

_POINTS = 2000
"""Images of which the dimension is estimated, at most; the estimate depends on their number."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is compared on one network.

    Attributes:
        what: its label.
        scorer: the network.
        elites: where the lines begin.
        natural: where they end; None: there are no natural images.
        random: how many random pictures are scored.
    """

    what: str
    scorer: Scorer
    elites: ImageSet
    natural: ImageSet | None
    random: int


class Paths(CaseStudy[Options]):
    key = "paths"
    title = "What a random picture looks like"

    def case(self, context: Context, subject: Subject) -> Case:
        run, scorer = subject.run, subject.scorer
        large, judge = scorer.classifier.size > 64, scorer.classifier
        random = context.scale(smoke=100, laptop=400 if large else 5000, paper=10_000)
        if self.options is not None:
            photos = self.options.photos
            natural = None if photos is None else photographs(judge, photos)
            return Case(subject.what, scorer, elites_asked(run, self.options), natural, self.options.random)
        if subject.what == "MNIST":
            data, n = context.data.mnist(), context.scale(smoke=500, laptop=4000, paper=10_000)
            return Case(subject.what, scorer, elites_of(run), None if data is None else test_digits(data, n), random)
        folder, wanted = context.data.photographs(), context.scale(smoke=20, laptop=500, paper=1000)
        natural = None if folder is None else photographs(judge, folder)
        held = [elite.class_index for elite in run.elites]
        if natural is not None:  # elites of other classes have nowhere to go
            held = sorted(set(held) & set(natural.targets.tolist())) or held
        elites = elites_of(run, [held[i] for i in evenly(len(held), wanted)])
        return Case(subject.what, scorer, elites, natural, random)

    def measure_case(self, context: Context, case: Case) -> dict[str, Any]:
        judge, n, natural, seed = case.scorer.classifier, case.random, case.natural, context.seeds[0]
        shape = judge.shape

        def make() -> dict[str, Any]:
            noise = random_images("uniform", n, shape, stream(seed, "random pictures"))
            entry: dict[str, Any] = {"random": see(case.scorer, noise).to_json(judge.classes)}
            context.check()
            points = min(_POINTS, n, n if natural is None else len(natural))
            entry["points"] = points
            entry["dimension"] = {"random": _dimension(noise[:points])}
            if natural is not None:
                entry["dimension"]["natural"] = _dimension(natural.images[evenly(len(natural), points)])
                context.check()
                entry |= _ways(case.scorer, case.elites, natural)
            return entry

        of = digest_of(case.elites, natural)
        key = f"random pictures {case.what} {judge.fingerprint()[:12]} images {of} n {n} seed {seed}"
        return context.cache(key, make)

    def between(self, other: dict[str, Any]) -> str:
        """What the ways between natural images are."""
        if other["same class"]:
            return "between two natural images of one class"
        return "between natural images of two classes, by the confidence in either"

    def counts(self, entry: dict[str, Any]) -> str:
        """How many images the network is sure of."""
        (elites, of_elites), (natural, of_natural) = (entry["sure"][key] for key in ("elites", "natural"))
        return (
            f"{elites} of {of_elites} elites of classes with a natural image, and {natural} of {of_natural} natural "
            f"images, have at least {100 * _SURE:.0f} %"
        )

    def case_rows(self, what: str, entry: dict[str, Any]) -> list[Row]:
        random, dimension = entry["random"], entry["dimension"]
        sight = f"{what}, random pictures"
        rows = [
            Row(f"{sight}: mean confidence", percent(random["mean_confidence"]), note=f"{random['images']}"),
            Row(f"{sight}: at least 99 %", share_text(random["reaching"]["0.99"])),
            Row(
                f"{sight}: classes that are answered",
                f"{random['classes_answered']} of {random['classes']}",
                note=f"the commonest, {random['commonest']}: {share_text(random['commonest_share'])}",
            ),
            Row(
                f"{what}: local dimension of natural images",
                None if dimension.get("natural") is None else f"{dimension['natural']:.1f}",
                control=None if dimension["random"] is None else f"{dimension['random']:.0f}",
                note=f"of {entry['points']:,} images; control: of as many random pictures, of which distances tell "
                "little more than a bound",
            ),
        ]
        if way := entry.get("to natural"):
            other = entry.get("between natural")
            beside = f"; control: {other['ways']}, {self.between(other)}" if other else ""
            left_out = f"; {self.counts(entry)}, the others are left out"
            for name, key, text, remark in (
                (
                    "from elite to natural image of its class: lowest confidence on the way, median",
                    "lowest",
                    percent,
                    left_out,
                ),
                ("the same: share of the way below one half", "dip", share_text, ""),
                ("the same: ways that nowhere fall below one half", "never_below_half", share_text, ""),
            ):
                control = text(other[key]) if other else None
                rows.append(
                    Row(f"{what}, {name}", text(way[key]), None, control, f"{way['ways']} ways{remark}{beside}")
                )
        return rows

    def table(self, data: dict[str, Any]) -> Table | None:
        way = self.document(data).get("to natural")
        if way is None:
            return None
        lines = [(f"{at:.2f}", *map(percent, p)) for at, *p in zip(way["at"], way["first"], way["top"], strict=True)]
        return Table([" on the way", " its class", " what is answered"], lines)

    def case_pictures(self, context: Context, case: Case, entry: dict[str, Any]) -> list[Picture]:
        what, elites, natural = case.what, case.elites, case.natural
        if natural is None or "to natural" not in entry:
            return []
        way, other = entry["to natural"], entry.get("between natural")
        lines = {
            "elite to natural image of its class: confidence in the class": way["first"],
            "the same: confidence in whatever is answered": way["top"],
        }
        if other:
            lines[self.between(other)] = other["either"]
        curves = {name: (np.array(way["at"]), np.array(values)[None]) for name, values in lines.items()}
        chart = Picture(
            f"{what} lines",
            bands(curves, xlabel="position on the straight line", ylabel="median confidence"),
            f"{what}: confidence along straight lines, medians over {way['ways']} of them.",
        )
        if what != "MNIST":  # photographs have owners; digits may be shown
            return [chart]
        starts, ends = elites.pick(entry["rows"]["elites"]), natural.pick(entry["rows"]["natural"])
        board_rows = [
            (name, [(image, "") for image in line(start, end, _FRAMES)])
            for name, start, end in zip(starts.names[:_SHOWN], starts.images, ends.images, strict=False)
        ]
        caption = "From an elite to a digit of its class."
        return [chart, Picture(f"{what} ways", board(board_rows, tile=72, label=40), caption, borrowed=True)]

    def settings(self, context: Context, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "random": "uniform bytes",
            "steps of a line": _STEPS,
            "least confidence of ends": _SURE,
            "dimension": "TwoNN, 10 % discarded",
        }

    def commands(self, context: Context, data: dict[str, Any]) -> tuple[str, ...]:
        return ("evo-fool study paths RUN --photos DIR",)


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
