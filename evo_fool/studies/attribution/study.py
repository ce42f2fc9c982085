"""Where the network looks in elites and in natural images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo_fool.classifiers.scoring import Scorer
from evo_fool.sampling import evenly
from evo_fool.studies.attribution import Options
from evo_fool.studies.attribution.measure import best_quarter, integrated_gradients, occlusion
from evo_fool.studies.case_study import CaseStudy, Subject, elites_asked
from evo_fool.studies.charts import board, distributions, overlay
from evo_fool.studies.context import Context
from evo_fool.studies.elites import ImageSet, digest_of, elites_of, photographs, sure, test_digits
from evo_fool.studies.section import Picture, Row, Table, share_text
from evo_fool.text import percent

_SHOWN, _SHOWN_ALONE = 6, 12
"""Elites on the picture: of the report, of ``evo-fool study``."""

_SURE = 0.5
"""Images below this confidence are left out of the report, elites and natural ones alike: there is nothing to
attribute, and whatever is left of next to nothing is a large share of it."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is compared on one network.

    Attributes:
        what: its label.
        scorer: the network.
        elites: those to measure; None: there are none.
        known: how many elites the network is sure of, and how many there are.
        natural: natural images, sure ones or not; None: there are none.
        most: how many sure ones of them are measured at most.
    """

    what: str
    scorer: Scorer
    elites: ImageSet | None
    known: tuple[int, int]
    natural: ImageSet | None
    most: int


class Attribution(CaseStudy[Options]):
    key = "attribution"
    title = "Where the network looks"
    least_text = f"{100 * _SURE:.0f} %"

    def case(self, context: Context, subject: Subject) -> Case:
        run, scorer = subject.run, subject.scorer
        if self.options is not None:
            elites = elites_asked(run, self.options)
            return Case(subject.what, scorer, elites, (len(elites), len(elites)), None, 0)
        known = [elite.class_index for elite in run.elites if elite.probability >= _SURE]
        digits = subject.what == "MNIST"
        n = 10 if digits else context.scale(smoke=4, laptop=60, paper=1000)
        chosen = elites_of(run, [known[i] for i in evenly(len(known), n)]) if known else None
        natural, most = None, 200 if digits else n
        if digits and (data := context.data.mnist()):
            natural = test_digits(data, 200)
        elif not digits and (folder := context.data.photographs()):
            # Twice as many as elites: a small network is not sure of every photograph.
            natural = photographs(scorer.classifier, folder, limit=2 * n)
        return Case(subject.what, scorer, chosen, (len(known), len(run.elites)), natural, most)

    def measure_case(self, context: Context, case: Case) -> dict[str, Any]:
        def quarters() -> dict[str, Any]:
            found: dict[str, Any] = {"elites": None, "natural": None, "sure": {"elites": case.known, "natural": None}}
            if case.elites is not None:
                found["elites"] = self._quarter(case.scorer, case.elites)
            if case.natural is not None:
                context.check()
                known = sure(case.scorer, case.natural, _SURE)
                found["sure"]["natural"] = [len(known), len(case.natural)]
                if len(known):
                    context.check()
                    some = case.natural.pick(known[evenly(len(known), case.most)])
                    found["natural"] = self._quarter(case.scorer, some)
            return found

        of, judge = digest_of(case.elites, case.natural), case.scorer.classifier.fingerprint()[:12]
        key = f"quarters {case.what} {judge} images {of} sure {case.known} most {case.most}"
        return context.cache(key, quarters)

    def _quarter(self, scorer: Scorer, images: ImageSet) -> dict[str, Any]:
        quarter = best_quarter(scorer, images.images, images.targets)
        found = quarter.to_json() | {"all": quarter.share}
        if self.options is not None:
            each = zip(images.names, quarter.whole, quarter.alone, quarter.without, quarter.share, strict=True)
            found["each"] = [[name, *map(float, values)] for name, *values in each]
        return found

    def case_rows(self, what: str, entry: dict[str, Any]) -> list[Row]:
        elites, natural = entry["elites"], entry["natural"]

        def row(name: str, of: Callable[[dict[str, Any]], str], note: str = "") -> Row:
            return Row(f"{what}: {name}", of(elites) if elites else None, None, of(natural) if natural else None, note)

        return [
            row("confidence of the whole image, median", lambda part: percent(part["whole"]), self._counts(entry)),
            row("its best quarter alone", lambda part: percent(part["alone"])),
            row("the image without that quarter", lambda part: percent(part["without"])),
            row(
                "images of which a quarter carries half the confidence or more",
                lambda part: share_text(part["carrying_half"]),
            ),
        ]

    def _counts(self, entry: dict[str, Any]) -> str:
        """How many images the network is sure of, and how many of these are measured."""
        if self.options is not None:
            return f"{entry['sure']['elites'][1]} elites"
        parts = []
        for key, name in (("elites", "elites"), ("natural", "natural images")):
            if entry["sure"][key]:
                known, of = entry["sure"][key]
                measured = entry[key]["images"] if entry[key] else 0
                parts.append(
                    f"{known} of {of} {name}" + (f" ({measured} of them measured)" if measured < known else "")
                )
        return f"at least {self.least_text} have {'; control: '.join(parts)}"

    def document(self, data: dict[str, Any]) -> dict[str, Any]:
        return dict(super().document(data)["elites"])

    def table(self, data: dict[str, Any]) -> Table:
        each = self.document(data)["each"]
        lines = [[name, *map(percent, confidences), share_text(share)] for name, *confidences, share in each]
        return Table(["class", " whole", " best quarter", " without it", " share"], lines)

    def case_pictures(self, context: Context, case: Case, entry: dict[str, Any]) -> list[Picture]:
        what, judge, elites = case.what, case.scorer.classifier, case.elites
        if elites is None:
            return []
        shown = elites.pick(evenly(len(elites), _SHOWN if self.options is None else _SHOWN_ALONE))
        gradient = integrated_gradients(judge, shown.images, shown.targets, steps=32, count=context.count)
        hidden = occlusion(judge, shown.images, shown.targets, count=context.count)
        rows = [
            ("elite", list(zip(shown.images, shown.names, strict=True))),
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
                board(rows, tile=84 if judge.size <= 64 else 128, label=150),
                f"{what}: what speaks for the class (red) and against it (blue), by integrated gradients and by "
                "occlusion.",
            ),
            Picture(
                f"{what} quarters",
                distributions(groups, label="share of the confidence that the best quarter carries"),
                f"{what}: how much of the confidence a quarter of the image carries by itself.",
            ),
        ]

    def settings(self, context: Context, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "quarter": "a window of half the sides at the best of 5 × 5 places; the rest is the commonest colour",
            "least confidence": _SURE,
            "attribution": "integrated gradients of the class's log-odds from the commonest colour; occlusion",
        }

    def commands(self, context: Context, data: dict[str, Any]) -> tuple[str, ...]:
        return ("evo-fool study attribution RUN",)
