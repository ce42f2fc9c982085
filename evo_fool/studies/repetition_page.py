"""The report's page on repetition: all ImageNet elites in which something repeats, rather than three (Figure 10)."""

from __future__ import annotations

from typing import Any

import numpy as np

from evo_fool.classifiers.scoring import Scorer
from evo_fool.studies.array_digest import array_digest
from evo_fool.studies.charts import board, distributions
from evo_fool.studies.context import Context
from evo_fool.studies.elites import ImageSet, confidences, elites_of
from evo_fool.studies.imagenet_runs import imagenet_run, primary_network
from evo_fool.studies.page import skipped
from evo_fool.studies.published import REPETITION, as_printed
from evo_fool.studies.repetition import ablate, find_repetition, tilings, without
from evo_fool.studies.review import reviewed
from evo_fool.studies.section import Picture, Row, Section, Verdict, judged, share_text
from evo_fool.text import percent

KEY, TITLE, FIGURES = "repetition", "Repeated elements", "Figure 10"

TILINGS = (2, 3, 4)

_SHOWN = 8
_SURE = 0.9
"""Elites of at least this confidence are reported by themselves: the paper's three had 99.9 %."""

_LOSS = 0.1
"""What removal may cost beyond the paper's three, as a share of the confidence: there a person cut by hand, here masks
take a rim with them. It is also what the one element must be worth: less would be within what is forgiven."""


def section(context: Context) -> Section:
    """The page."""
    network = primary_network(context)
    if network is None:
        reason = "Elites of an ImageNet network are needed: give --data a folder with imagenet/weights/NAME.pt."
        return skipped(KEY, TITLE, FIGURES, reason)
    name, weights = network
    with imagenet_run(context, name, weights, "cppn", context.seeds[0]) as run:
        elites = elites_of(run)
        if context.budget == "smoke":
            elites = elites.pick(range(0, len(elites), 10))
    judge = context.classifier(f"torchvision:{name}", weights)
    scorer, seed = context.scorer(judge), context.seeds[0]
    key = f"repetition {judge.fingerprint()[:12]} elites {array_digest(elites.images, elites.targets)} seed {seed}"
    found = context.cache(key, lambda: _measure(context, elites, scorer, seed))
    if not found["rows"]:
        return skipped(KEY, TITLE, FIGURES, f"Of {len(elites)} elites not one has repeated elements.")
    before, one, none = (np.array(found[key]) for key in ("before", "one", "none"))
    verdict, why = verdict_on(before, one, none)
    return Section(
        key=KEY,
        title=TITLE,
        figures=FIGURES,
        verdict=verdict,
        why=reviewed(KEY, why),
        rows=tuple(_rows(found, before, one, none)),
        pictures=tuple(_pictures(elites, found["rows"], before, one, none, np.array(found["elsewhere"]))),
        settings={"network": name, "tiles a side": TILINGS, "control": "as many pixels at random places"},
        seeds=context.seeds[:1],
        commands=("evo-fool study repetition RUN",),
        data=found,
    )


def _measure(context: Context, elites: ImageSet, scorer: Scorer, seed: int) -> dict[str, Any]:
    result = ablate(elites, scorer, seed=seed)
    as_they_are = confidences(scorer, elites.images, elites.targets)
    return result.to_json() | {
        "rows": result.rows,
        "before": result.before,
        "one": result.one,
        "none": result.none,
        "elsewhere": result.elsewhere,
        "changed": result.changed,
        "kinds": [repetition.kind for repetition in result.found],
        "counts": [repetition.count for repetition in result.found],
        "all_elites": np.median(as_they_are),
        "tilings": tilings(elites, scorer, TILINGS, as_they_are, context.check),
    }


def verdict_on(before: np.ndarray, one: np.ndarray, none: np.ndarray) -> tuple[Verdict, str]:
    """Whether one element is nearly enough, as in the paper's three images; "skipped" where no elite is sure.

    That the confidence falls at all is no claim: an elite is a maximum, and nearly any change lowers it.

    Args:
        before: probability of the class as it was, float64 ``(n,)``.
        one: with one element left.
        none: with no element left.
    """
    chosen = before >= _SURE
    count, least = int(chosen.sum()), f"{100 * _SURE:.0f} %"
    if not count:
        return "skipped", (
            f"Not one of {len(before)} elites with repeated elements has {least} or more, as the paper's three have: "
            "evolve further."
        )
    kept, rest = one[chosen] / before[chosen], none[chosen] / before[chosen]
    worth = float(np.median(kept - rest))
    lowest = min(b / a for a, b in REPETITION.values())
    with_one, with_none = float(np.median(kept)), float(np.median(rest))
    enough, matters = with_one >= lowest - _LOSS, worth >= _LOSS
    text = (
        f"With one element left {count} elites at {least} or more keep {share_text(with_one)} of their confidence "
        f"(median), with none {share_text(with_none)}; the paper's three keep {share_text(lowest)} and more with one."
    )
    if not enough:
        text += " Here one is not enough: the repeats are needed."
    elif not matters:
        text += (
            f" The one element is worth {share_text(worth)}: what repeats is hardly what the network goes by, so that "
            "this does not tell whether one of them is enough."
        )
    return judged([(enough and matters, text)])


def _rows(found: dict[str, Any], before: np.ndarray, one: np.ndarray, none: np.ndarray) -> list[Row]:
    kinds, control = found["kinds"], np.array(found["elsewhere"])
    changed = np.array(found["changed"])
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
            rows += _removal(f"{label}: ", *(p[chosen] for p in (before, one, none, control, changed)))
    rows += [
        Row(
            f"tiled {times} × {times}: median confidence of all elites",
            percent(entry["median"]),
            control=f"as they are: {percent(found['all_elites'])}",
            note=f"raised for {share_text(entry['raised'])}",
        )
        for times, entry in found["tilings"].items()
    ]
    return rows


def _removal(label: str, before: np.ndarray, one: np.ndarray, none: np.ndarray, *control: np.ndarray) -> list[Row]:
    """What removal cost some of the elites, beside the control: probabilities, and the changed share of pixels."""
    painted, changed = control
    middle = [float(np.median(p)) for p in (before, one, none, painted)]
    matter = none <= (1 - _LOSS) * before
    rows = [
        Row(
            f"{label}median confidence before → with one element",
            f"{percent(middle[0])} → {percent(middle[1])}",
            "; ".join(f"{n} {as_printed(a)} → {as_printed(b)}" for n, (a, b) in REPETITION.items()),
            f"with none: {percent(middle[2])}",
            f"{len(before)} elites",
        ),
        Row(
            f"{label}what removing the repeats costs, median",
            _points(before - one),
            "slightly less confidence",
            _points(before - painted),
            "control: as many pixels painted over at random places; clearly changed "
            f"{share_text(float(np.median(changed[:, 0])))} of the pixels, control "
            f"{share_text(float(np.median(changed[:, 1])))}",
        ),
        Row(
            f"{label}share that loses at most one per cent point",
            share_text(float((before - one <= 0.01).mean())),
            "3 of 3",
            share_text(float((before - painted <= 0.01).mean())),
            f"control: at random places; with no element left {share_text(float((before - none <= 0.01).mean()))}",
        ),
    ]
    if matter.any():
        rows.append(
            Row(
                f"{label}share of the confidence kept with one, where the elements matter, median",
                share_text(float(np.median(one[matter] / before[matter]))),
                control=share_text(float(np.median(painted[matter] / before[matter]))),
                note=f"{int(matter.sum())} elites that lose a tenth or more with no element left; control: at random "
                "places",
            )
        )
    return rows


def _points(cost: np.ndarray) -> str:
    """A difference of probabilities, median."""
    return f"{100 * float(np.median(cost)):.2f} points"


def _pictures(
    elites: ImageSet, rows: list[int], before: np.ndarray, one: np.ndarray, none: np.ndarray, control: np.ndarray
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
