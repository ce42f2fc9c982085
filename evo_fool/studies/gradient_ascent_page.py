"""The report's page on gradient ascent: the paper's four settings on digits and on ImageNet's classes (Figure 13)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evo_fool.classifiers.base import Classifier
from evo_fool.errors import ClassifierError
from evo_fool.probability import probability
from evo_fool.runs.packed_image import pack_image, unpack_image
from evo_fool.sampling import evenly
from evo_fool.studies.array_digest import array_digest
from evo_fool.studies.charts import bands, board
from evo_fool.studies.context import Context
from evo_fool.studies.elites import noise_set
from evo_fool.studies.gradient_ascent import SETTINGS, STARTS, Setting, ascend, shortened
from evo_fool.studies.imagenet_runs import primary_network
from evo_fool.studies.noise.measure import noise_budget, noise_harvest
from evo_fool.studies.pgd import targeted_pgd
from evo_fool.studies.published import GRADIENT_ASCENT_CONFIDENCE
from evo_fool.studies.review import reviewed
from evo_fool.studies.section import Picture, Row, Section, judged
from evo_fool.text import percent

KEY, TITLE, FIGURES = "gradient-ascent", "Images by gradient ascent", "Figure 13"

MNIST_MEAN = 0.1307
"""Of the training images, in [0, 1]: where digits start, as LeNet subtracts no mean of its own."""

SURE = GRADIENT_ASCENT_CONFIDENCE

_UNTIL = 0.99999
"""A climb on ImageNet ends here: it would go on for hundreds of steps that change nothing in the table."""

_SHOWN = 5
_CHECKED = 20
_EPSILON = 0.3
_LABELS = {"none": "no regularisation", "l2": "L2", "l2-blur": "L2, blur", "l2-blur-pixels": "L2, blur, pixels"}

_WANTED = {"MNIST": 1.0, "ImageNet": 0.95}
"""Share of the classes tried that must reach 99.99 % without regularisation for the claim to hold."""

_SLIGHTLY = 0.9
"""Regularised images "score slightly lower": at least this share of the median without regularisation."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is climbed on.

    Attributes:
        what: ``MNIST`` or ``ImageNet``.
        classifier: the network.
        classes: to try without regularisation.
        shared: those of them that every setting and every start tries; the comparisons between settings are over these.
        mean: the data's mean in [0, 1]; None: the one that the classifier subtracts.
        until: where climbs end; None: nowhere.
    """

    what: str
    classifier: Classifier
    classes: tuple[int, ...]
    shared: tuple[int, ...]
    mean: Sequence[float] | None
    until: float | None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of an image."""
        return self.classifier.channels, self.classifier.size, self.classifier.size

    @property
    def shown(self) -> list[int]:
        """The classes of the picture, the same in every row of it."""
        return _spread(self.shared, 10 if self.what == "MNIST" else _SHOWN)


def section(context: Context) -> Section:
    """The page."""
    digits = tuple(range(10))
    cases = [Case("MNIST", context.classifier(), digits, digits, [MNIST_MEAN], None)]
    network = primary_network(context)
    if network is not None:
        judge = context.classifier(f"torchvision:{network[0]}", network[1])
        every = list(range(len(judge.classes)))
        classes = _spread(every, context.scale(smoke=2, laptop=100, paper=1000))
        shared = _spread(classes, context.scale(smoke=1, laptop=_SHOWN, paper=100))
        cases.append(Case("ImageNet", judge, tuple(classes), tuple(shared), None, _UNTIL))
    found = {case.what: climbs(context, case) for case in cases}
    checks = {case.what: _check(context, case) for case in cases}
    noise = {case.what: _noise(context, case) for case in cases}
    verdict, why = judged(claims({what: entries for what, entries in found.items() if what == "ImageNet"}))
    return Section(
        key=KEY,
        title=TITLE,
        figures=FIGURES,
        verdict=verdict,
        why=reviewed(KEY, f"{why} MNIST, which the figure does not show: {_reached(found['MNIST'])}"),
        rows=tuple(r for c in cases for r in _rows(c, found[c.what], checks[c.what], noise[c.what])),
        pictures=tuple(picture for case in cases for picture in _pictures(case, found[case.what])),
        settings={
            "settings": {name: asdict(setting) for name, setting in SETTINGS.items()},
            "start": "the mean plus a standard normal draw for each value, in bytes",
            "networks": {case.what: case.classifier.name for case in cases},
            "ImageNet climbs end at": _UNTIL,
        },
        seeds=context.seeds[:1],
        commands=("evo-fool study gradient-ascent RUN --setting all",),
        data={
            what: {name: entry["figures"] | {"by class": entry["by_class"]} for name, entry in entries.items()}
            | {"pgd": checks[what], "noise": noise[what]}
            for what, entries in found.items()
        },
    )


def _spread(values: Sequence[int], n: int) -> list[int]:
    """At most ``n`` of them, evenly spaced, the first and the last among them."""
    return [values[i] for i in evenly(len(values), n)]


def climbs(context: Context, case: Case) -> dict[str, dict[str, Any]]:
    """Every setting from the mean, and the first one from the other starts: from the cache, or climbed."""
    found = {}
    for name, setting in SETTINGS.items():
        setting = shortened(setting, context.scale(smoke=150, laptop=setting.steps, paper=setting.steps))
        for start in STARTS if name == "none" else STARTS[:1]:
            first = name == "none" and start == "mean"
            label = name if start == "mean" else f"{name} from {start}"
            found[label] = _climb(context, case, case.classes if first else case.shared, setting, start)
    return found


def _climb(context: Context, case: Case, tried: Sequence[int], setting: Setting, start: str) -> dict[str, Any]:
    seed = context.seeds[0]

    def climb() -> dict[str, Any]:
        ascent = ascend(
            case.classifier,
            tried,
            setting,
            start=start,
            seed=seed,
            mean=case.mean,
            until=case.until,
            report=lambda *_: context.check(),
        )
        context.count(int(ascent.steps.sum()))
        rows = [list(tried).index(cls) for cls in case.shown]
        return {
            "figures": ascent.to_json(),
            "by_class": dict(zip(map(str, tried), probability(ascent.log_odds).tolist(), strict=True)),
            "curve": np.quantile(ascent.curve, (0.25, 0.5, 0.75), axis=1),
            "pictures": [base64.b64encode(pack_image(ascent.images[i].tobytes())).decode() for i in rows],
        }

    key = (
        f"gradient ascent {case.what} {len(tried)} classes {array_digest(np.array(tried))} {setting} start {start} "
        f"mean {case.mean} until {case.until} seed {seed} {case.classifier.fingerprint()[:12]}"
    )
    return context.cache(key, climb)


def _check(context: Context, case: Case) -> dict[str, Any] | None:
    """foolbox's targeted PGD from uniform noise, for twenty classes at most; None without foolbox."""
    tried = _spread(case.classes, _CHECKED)
    steps = context.scale(smoke=10, laptop=40, paper=100)
    noise = noise_set(case.classifier.classes, case.shape, len(tried), seed=context.seeds[0])

    def attack() -> dict[str, Any]:
        found = targeted_pgd(case.classifier, noise.images, tried, epsilon=_EPSILON, steps=steps)
        context.count(len(tried) * steps)
        p = probability(found.log_odds)
        return {
            "classes": len(tried),
            "median": np.median(p),
            "reaching": float((p >= SURE).mean()),
            "predicted": found.predicted.mean(),
            "steps": steps,
        }

    digest = array_digest(np.array(tried), noise.images)
    key = (
        f"PGD {case.what} {len(tried)} classes {digest} epsilon {_EPSILON} {steps} steps "
        f"{case.classifier.fingerprint()[:12]}"
    )
    try:
        return context.cache(key, attack)
    except ClassifierError as error:
        context.say(f"no check by PGD: {error}")
        return None


def _noise(context: Context, case: Case) -> dict[str, Any]:
    """The best of many uniform random images for each class tried: what needs no gradient."""
    n = noise_budget(context, case.classifier)
    best = np.array(noise_harvest(context, case.classifier, "uniform", n)["best"])[list(case.classes)]
    return {"images": n, "median": float(np.median(best)), "reaching": int((best >= SURE).sum())}


def _median(entry: dict[str, Any], classes: Sequence[int]) -> float:
    return float(np.median([entry["by_class"][str(cls)] for cls in classes]))


def _count(entry: dict[str, Any]) -> int:
    return sum(p >= SURE for p in entry["by_class"].values())


def _reached(entries: dict[str, dict[str, Any]]) -> str:
    none = entries["none"]
    return (
        f"without regularisation {_count(none)} of {len(none['by_class'])} classes reach 99.99 % (median "
        f"{percent(none['figures']['median'])}) with the 8-bit image."
    )


def claims(found: dict[str, dict[str, dict[str, Any]]]) -> list[tuple[bool, str]]:
    """What Figure 13 says, and whether it held on ImageNet.

    Args:
        found: by what was climbed on, what :func:`climbs` returns; empty where there is no ImageNet network.
    """
    result = []
    for what, entries in found.items():
        none = entries["none"]
        enough = _count(none) >= _WANTED[what] * len(none["by_class"])
        result.append((enough, f"{what}: {_reached(entries)} The paper: every class shown."))
        regular = {name: entry for name, entry in entries.items() if name in _LABELS and name != "none"}
        if regular:
            shared = [int(cls) for cls in next(iter(regular.values()))["by_class"]]
            free, medians = _median(none, shared), {name: _median(entry, shared) for name, entry in regular.items()}
            text = ", ".join(f"{_LABELS[name]} {percent(p)}" for name, p in medians.items())
            result.append(
                (
                    all(_SLIGHTLY * free <= p and round(p, 4) <= round(free, 4) for p in medians.values()),
                    f"{what}, regularised, the same {len(shared)} classes: {text}, against {percent(free)} without "
                    "(the paper: slightly lower).",
                )
            )
    return result or [(False, "ImageNet, which Figure 13 shows, was not tried: no weights were given.")]


def _rows(
    case: Case, found: dict[str, dict[str, Any]], check: dict[str, Any] | None, noise: dict[str, Any]
) -> list[Row]:
    rows = []
    shown = case.what == "ImageNet"
    control = {"median": percent(noise["median"]), "count": f"{noise['reaching']} of {len(case.classes)}"}
    for name, entry in found.items():
        figures, plain = entry["figures"], name == "none"
        setting, _, start = name.partition(" from ")
        label = _LABELS[setting] + (f", from {start} instead of the mean" if start else "")
        median, n = _median(entry, case.shared), len(entry["by_class"])
        over = "" if n == len(case.shared) else f"; over the {len(case.shared)} that all settings try {percent(median)}"
        rows += [
            Row(
                f"{case.what}, {label}: median confidence",
                percent(figures["median"]),
                "slightly lower" if shown and not plain and not start else None,
                control["median"] if plain else None,
                f"{n} classes, {figures['steps']:.0f} steps on average{over}"
                + (f"; control: best of {noise['images']:,} uniform random images" if plain else ""),
            ),
            Row(
                f"{case.what}, {label}: classes ≥ 99.99 %",
                f"{_count(entry)} of {n}",
                "all that are shown" if shown and plain else None,
                control["count"] if plain else None,
            ),
        ]
    if check is not None:
        rows.append(
            Row(
                f"{case.what}, check: foolbox's targeted PGD from noise, classes ≥ 99.99 %",
                f"{round(check['reaching'] * check['classes'])} of {check['classes']}",
                note=f"L∞ {_EPSILON}, {check['steps']} steps; median {percent(check['median'])}",
            )
        )
    return rows


def _pictures(case: Case, found: dict[str, dict[str, Any]]) -> list[Picture]:
    rows, lines = [], {}
    for name, label in _LABELS.items():
        if name not in found:
            continue
        entry = found[name]
        images = [unpack_image(base64.b64decode(text), case.shape) for text in entry["pictures"]]
        captions = [f"{case.classifier.classes[cls]} {percent(entry['by_class'][str(cls)])}" for cls in case.shown]
        rows.append((label, list(zip(images, captions, strict=True))))
        lines[label] = (np.arange(1, len(entry["curve"][0]) + 1), np.array(entry["curve"]))
    return [
        Picture(
            f"{case.what} images",
            board(rows, tile=84 if case.what == "MNIST" else 128, label=130),
            f"As Figure 13: {case.what} classes by gradient ascent on {case.classifier.name}, one row a setting.",
        ),
        Picture(
            f"{case.what} climb",
            bands(lines, xlabel="step", ylabel="best confidence so far"),
            f"{case.what}: median over classes of the best confidence so far by step, the middle half behind it. "
            f"Without regularisation {len(case.classes)} classes, otherwise {len(case.shared)}.",
        ),
    ]
