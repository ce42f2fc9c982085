"""Repeated elements: all elites in which something repeats, rather than three images (Figure 10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from evo_fool.classifiers.scoring import Scorer
from evo_fool.studies.array_digest import array_digest
from evo_fool.studies.case_study import NO_NETWORK, elites_asked, subjects
from evo_fool.studies.charts import board, distributions
from evo_fool.studies.context import Context
from evo_fool.studies.elites import ImageSet, confidences, elites_of
from evo_fool.studies.published import REPETITION, as_printed
from evo_fool.studies.repetition import Options
from evo_fool.studies.repetition.measure import QUARTILES, ablate, find_repetition, tiled, without
from evo_fool.studies.section import Picture, Row, Table, Verdict, share_text
from evo_fool.studies.study import Skipped, Study
from evo_fool.text import percent

_TILINGS = (2, 3, 4)

_SHOWN = 8
_SURE = 0.9
"""Elites of at least this confidence are reported by themselves: the paper's three had 99.9 %."""

_LOSS = 0.1
"""What removal may cost beyond the paper's three, as a share of the confidence: there a person cut by hand, here masks
take a rim with them. It is also what the one element must be worth: less would be within what is forgiven."""

_LOWEST = min(after / before for before, after in REPETITION.values())
_SCORED = ("before", "one", "none", "elsewhere")


class Repetitions(Study[Options]):
    key = "repetition"
    title = "Repeated elements"
    figures = "Figure 10"
    least_text = f"{100 * _SURE:.0f} %"

    def load(self, context: Context) -> tuple[ImageSet, Scorer]:
        with subjects(context, self.options, digits=False) as found:
            if not found:
                raise Skipped(NO_NETWORK)
            (subject,) = found
            elites = elites_of(subject.run) if self.options is None else elites_asked(subject.run, self.options)
        if self.options is None and context.budget == "smoke":
            elites = elites.pick(range(0, len(elites), 10))
        return elites, subject.scorer

    def measure(self, context: Context) -> dict[str, Any]:
        elites, scorer = self.loaded(context)
        tiles, seed = sorted(set(self.options.tiles)) if self.options else _TILINGS, context.seeds[0]

        def make() -> dict[str, Any]:
            found, whole = ablate(elites, scorer, seed=seed), confidences(scorer, elites.images, elites.targets)
            tilings = {}
            for times in tiles:
                context.check()
                p = confidences(scorer, np.stack([tiled(image, times) for image in elites.images]), elites.targets)
                tilings[times] = {"median": np.median(p), "raised": (p > whole).mean()}
            return found | {"all_elites": np.median(whole), "tilings": tilings}

        digest = array_digest(elites.images, elites.targets)
        judge = scorer.classifier.fingerprint()[:12]
        return context.cache(f"repetition {judge} elites {digest} seed {seed}", make)

    def values(self, data: dict[str, Any]) -> Mapping[str, Any]:
        before, one, none, _ = _scored(data)
        sure = before >= _SURE
        if not sure.any():
            return {"count": 0}
        kept, rest = one[sure] / before[sure], none[sure] / before[sure]
        return {
            "count": int(sure.sum()),
            "with_one": float(np.median(kept)),
            "with_none": float(np.median(rest)),
            "worth": float(np.median(kept - rest)),
            "lowest": _LOWEST,
            "enough": _LOWEST - _LOSS,
            "matters": _LOSS,
        }

    def claims(self, data: dict[str, Any]) -> Mapping[str, bool]:
        """Whether one element is nearly enough, as in the paper's three images.

        That the confidence falls at all is no claim: an elite is a maximum, and nearly any change lowers it.
        """
        found = self.values(data)
        return {"enough": found["with_one"] >= found["enough"] and found["worth"] >= found["matters"]}

    def conclude(self, data: dict[str, Any]) -> tuple[Verdict, str]:
        if not data["rows"]:
            return "skipped", self.sentence(data, "nothing")
        if not self.values(data)["count"]:
            return "skipped", f"{self.sentence(data, 'unsure')} {self.sentence(data, 'after')}"
        return super().conclude(data)

    def rows(self, data: dict[str, Any]) -> list[Row]:
        kinds, scored, changed = data["kinds"], _scored(data), np.array(data["changed"])
        found = f"{kinds.count('objects')} with like objects, {kinds.count('lattice')} periodic"
        if kinds:
            found += f"; median {np.median(data['counts']):.0f} elements"
        rows = [Row("elites with repeated elements", f"{len(kinds)} of {data['searched']}", "3, by hand", note=found)]
        for label, chosen in (("at 90 % or more", scored[0] >= _SURE), ("all of them", scored[0] >= 0)):
            if chosen.any():
                rows += _removal(f"{label}: ", *(p[chosen] for p in (*scored, changed)))
        return rows + [
            Row(
                f"tiled {times} × {times}: median confidence of all elites",
                percent(entry["median"]),
                control=f"as they are: {percent(data['all_elites'])}",
                note=f"raised for {share_text(entry['raised'])}",
            )
            for times, entry in data["tilings"].items()
        ]

    def table(self, data: dict[str, Any]) -> Table | None:
        lines = [
            (name, kind, str(count), *map(percent, p))
            for name, kind, count, *p in zip(
                data["names"], data["kinds"], data["counts"], *(data[key] for key in _SCORED), strict=True
            )
        ]
        columns = ["class", "kind", " elements", " as it is", " one left", " none left", " elsewhere"]
        return Table(columns, lines) if lines else None

    def document(self, data: dict[str, Any]) -> dict[str, Any]:
        """With quartiles instead of every elite's probabilities."""
        if not data["rows"]:
            return data
        quartiles = {key: np.quantile(data[key], QUARTILES) for key in _SCORED}
        return data | quartiles | {"changed": np.median(data["changed"], axis=0)}

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        (elites, _), scored = self.loaded(context), _scored(data)
        shown, seen = [], set()
        for place in np.argsort(-scored[0]).tolist():
            row = data["rows"][place]
            image = elites.images[row]
            repetition = find_repetition(image)
            # An image can hold many classes; and a cached result may be of another version.
            if image.tobytes() in seen or repetition is None:
                continue
            seen.add(image.tobytes())
            left = without(image, repetition.removed, repetition.fill)
            images = (image, left, without(left, repetition.kept, repetition.fill))
            captions = (percent(float(p[place])) for p in scored)
            shown.append((elites.names[row], list(zip(images, captions, strict=False))))
            if len(shown) == _SHOWN:
                break
        if not shown:
            return []
        before, one, none, control = scored
        groups = {
            "as it is": before,
            "one element left": one,
            "as many pixels painted over at random places": control,
            "none left": none,
        }
        return [
            Picture(
                "removal",
                board(shown, tile=128, label=130),
                "As Figure 10: an elite, the same with one of its repeated elements left, and with none; the "
                "confidence of its class below.",
            ),
            Picture(
                "confidence",
                distributions(groups, label="confidence in the class"),
                "Share of the elites with repeated elements that reach a confidence.",
            ),
        ]

    def settings(self, context: Context, data: dict[str, Any]) -> dict[str, Any]:
        network = self.loaded(context)[1].classifier.name.removeprefix("torchvision:")
        return {"network": network, "tiles a side": _TILINGS, "control": "as many pixels at random places"}

    def commands(self, context: Context, data: dict[str, Any]) -> tuple[str, ...]:
        return ("evo-fool study repetition RUN",)


def _scored(data: dict[str, Any]) -> list[np.ndarray]:
    """Probability of the class as it is, with one element left, with none, and with the control, float64 ``(k,)``."""
    return [np.array(data[key], dtype=np.float64) for key in _SCORED]


def _removal(
    label: str, before: np.ndarray, one: np.ndarray, none: np.ndarray, control: np.ndarray, changed: np.ndarray
) -> list[Row]:
    """What removal cost some of the elites, beside the control: probabilities, and the changed share of pixels."""
    as_it_is, with_one, with_none = (percent(float(np.median(p))) for p in (before, one, none))
    matter = none <= (1 - _LOSS) * before

    def points(p: np.ndarray) -> str:
        return f"{100 * float(np.median(before - p)):.2f} points"

    def unharmed(p: np.ndarray) -> str:
        return share_text(float((before - p <= 0.01).mean()))

    def kept(p: np.ndarray) -> str:
        return share_text(float(np.median(p[matter] / before[matter])))

    by_one, by_control = (share_text(float(share)) for share in np.median(changed, axis=0))
    rows = [
        Row(
            f"{label}median confidence before → with one element",
            f"{as_it_is} → {with_one}",
            "; ".join(f"{n} {as_printed(a)} → {as_printed(b)}" for n, (a, b) in REPETITION.items()),
            f"with none: {with_none}",
            f"{len(before)} elites",
        ),
        Row(
            f"{label}what removing the repeats costs, median",
            points(one),
            "slightly less confidence",
            points(control),
            f"control: as many pixels painted over at random places; clearly changed {by_one} of the pixels, control "
            f"{by_control}",
        ),
        Row(
            f"{label}share that loses at most one per cent point",
            unharmed(one),
            "3 of 3",
            unharmed(control),
            f"control: at random places; with no element left {unharmed(none)}",
        ),
    ]
    if matter.any():
        rows.append(
            Row(
                f"{label}share of the confidence kept with one, where the elements matter, median",
                kept(one),
                control=kept(control),
                note=f"{int(matter.sum())} elites that lose a tenth or more with no element left; control: at random "
                "places",
            )
        )
    return rows
