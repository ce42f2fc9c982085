"""Gradient ascent by the paper's four settings, on digits and on ImageNet's classes (Figure 13)."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evo_fool.classifiers.base import Classifier
from evo_fool.errors import ClassifierError
from evo_fool.gradient.ascent import SETTINGS, STARTS, Ascent, ascend, shortened
from evo_fool.probability import probability
from evo_fool.runs.packed_image import pack_image, unpack_image
from evo_fool.sampling import evenly
from evo_fool.studies.array_digest import array_digest
from evo_fool.studies.case_study import elites_asked, subjects
from evo_fool.studies.charts import bands, board
from evo_fool.studies.context import Context
from evo_fool.studies.elites import ImageSet, noise_set, shares
from evo_fool.studies.gradient_ascent import Options
from evo_fool.studies.gradient_ascent.pgd import targeted_pgd
from evo_fool.studies.imagenet_runs import primary_network
from evo_fool.studies.noise.measure import noise_budget, noise_harvest
from evo_fool.studies.published import GRADIENT_ASCENT_CONFIDENCE as SURE
from evo_fool.studies.section import Picture, Row, Table, Verdict, share_text
from evo_fool.studies.study import Study
from evo_fool.text import percent

MNIST_MEAN = 0.1307
"""Of the training images, in [0, 1]: where digits start, as LeNet subtracts no mean of its own."""

_UNTIL = 0.99999
"""A climb on ImageNet ends here: it would go on for hundreds of steps that change nothing in the table."""

_SHOWN, _SHOWN_ALONE = 5, 12
"""Classes on the picture: of ImageNet in the report, of ``evo-fool study``."""

_CHECKED = 20
_EPSILON = 0.3
_LABELS = {"none": "no regularisation", "l2": "L2", "l2-blur": "L2, blur", "l2-blur-pixels": "L2, blur, pixels"}

_WANTED = 0.95
"""Share of ImageNet's classes that must reach 99.99 % without regularisation for the claim to hold."""

_SLIGHTLY = 0.9
"""Regularised images "score slightly lower": at least this share of the median without regularisation."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is climbed on.

    Attributes:
        what: its label.
        classifier: the network.
        classes: to try without regularisation.
        shared: those that every setting and every start tries, so that settings are compared over the same classes.
        shown: those on the picture.
        mean, until: see :func:`.ascend`.
        elites: of the classes, for comparison; None in the report.
    """

    what: str
    classifier: Classifier
    classes: Sequence[int]
    shared: Sequence[int]
    shown: Sequence[int]
    mean: Sequence[float] | None
    until: float | None = None
    elites: ImageSet | None = None


class GradientAscent(Study[Options]):
    key = "gradient-ascent"
    title = "Images by gradient ascent"
    figures = "Figure 13"

    def cases(self, context: Context) -> list[Case]:
        """The run's network; in the report LeNet and, where there is one, a network for ImageNet."""
        if self.options is not None:
            with subjects(context, self.options) as (subject,):
                elites, judge = elites_asked(subject.run, self.options), subject.scorer.classifier
            mean = [MNIST_MEAN] if judge.name == "lenet-mnist" else None
            classes = elites.targets.tolist()
            shown = _spread(classes, _SHOWN_ALONE)
            return [Case(subject.what, judge, classes, classes, shown, mean, self.options.until, elites)]
        digits = range(10)
        cases = [Case("MNIST", context.classifier(), digits, digits, digits, [MNIST_MEAN])]
        if network := primary_network(context):
            judge = context.classifier(f"torchvision:{network[0]}", network[1])
            classes = _spread(range(len(judge.classes)), context.scale(smoke=2, laptop=100, paper=1000))
            shared = _spread(classes, context.scale(smoke=1, laptop=_SHOWN, paper=100))
            cases.append(Case("ImageNet", judge, classes, shared, _spread(shared, _SHOWN), None, _UNTIL))
        return cases

    def load(self, context: Context) -> list[tuple[Case, dict[str, dict[str, Any]]]]:
        """The cases, and by setting and start what :meth:`_climb` found: every setting from the mean, and the first one
        from the other starts."""
        asked, steps = self.options, context.scale(smoke=150, laptop=None, paper=None)
        climbs = [(name, start) for name in SETTINGS for start in (STARTS if name == "none" else STARTS[:1])]
        if asked is not None:
            names = SETTINGS if asked.setting == "all" else [asked.setting]
            climbs, steps = [(name, asked.start) for name in names], asked.steps
        labels = {(name, start): name if start == "mean" else f"{name} from {start}" for name, start in climbs}
        return [
            (case, {label: self._climb(context, case, *climb, steps) for climb, label in labels.items()})
            for case in self.cases(context)
        ]

    def _climb(self, context: Context, case: Case, name: str, start: str, steps: int | None) -> dict[str, Any]:
        tried, setting = case.shared, shortened(SETTINGS[name], steps)
        if (name, start) == ("none", "mean"):
            tried = case.classes
        seed = context.seeds[0] if self.options is None else self.options.seed

        def climb() -> dict[str, Any]:
            how: dict[str, Any] = {"start": start, "seed": seed, "mean": case.mean, "until": case.until}
            ascent = ascend(case.classifier, tried, setting, check=context.check, **how)
            context.count(int(ascent.steps.sum()))
            rows = [list(tried).index(cls) for cls in case.shown]
            return {
                "figures": _figures(ascent),
                "by_class": dict(zip(map(str, tried), probability(ascent.log_odds).tolist(), strict=True)),
                "curve": np.quantile(ascent.curve, (0.25, 0.5, 0.75), axis=1),
                "pictures": [base64.b64encode(pack_image(ascent.images[i].tobytes())).decode() for i in rows],
            }

        key = (
            f"gradient ascent {case.what} {len(tried)} classes {array_digest(np.array(tried))} {setting} start {start} "
            f"mean {case.mean} until {case.until} seed {seed} {case.classifier.fingerprint()[:12]}"
        )
        return context.cache(key, climb)

    def measure(self, context: Context) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for case, climbs in self.loaded(context):
            part = {name: entry["figures"] | {"by class": entry["by_class"]} for name, entry in climbs.items()}
            if self.options is None:
                part |= {"pgd": _check(context, case), "noise": _noise(context, case)}
            data[case.what] = part
        return data

    def reached(self, name: str, entry: dict[str, Any]) -> str:
        """How many classes reach 99.99 % by a setting."""
        how = "without regularisation" if name == "none" else f"with {_label(name)}"
        count, of = _count(entry), len(entry["by class"])
        return f"{how} {count} of {of} classes reach 99.99 % (median {percent(entry['median'])}) with the 8-bit image"

    def rows(self, data: dict[str, Any]) -> list[Row]:
        return [row for what, part in data.items() for row in _rows(what, part)]

    def table(self, data: dict[str, Any]) -> Table:
        (part,) = data.values()
        shares = {_label(name): (*entry["reaching"].values(), entry["predicted"]) for name, entry in part.items()}
        columns = ["share of the classes", " ≥ 90 %", " ≥ 99 %", " ≥ 99.99 %", " answered"]
        return Table(columns, [(label, *map(share_text, line)) for label, line in shares.items()])

    def document(self, data: dict[str, Any]) -> dict[str, Any]:
        (part,) = data.values()
        return {name.partition(" from ")[0]: entry for name, entry in part.items()}

    def values(self, data: dict[str, Any]) -> Mapping[str, Any]:
        climbs = _climbs(data.get("ImageNet", {}))
        regularised = {_label(name): entry for name, entry in climbs.items() if _regularised(name)}
        if not regularised:
            return {"regularised": {}}
        shared = _shared(climbs)
        medians = {label: _median(entry, shared) for label, entry in regularised.items()}
        return {"regularised": medians, "free": _median(climbs["none"], shared), "shared": len(shared)}

    def claims(self, data: dict[str, Any]) -> Mapping[str, bool]:
        if "ImageNet" not in data:
            return {"untried": False}
        none, found = data["ImageNet"]["none"], self.values(data)
        held = {"reached": _count(none) >= _WANTED * len(none["by class"])}
        if regularised := found["regularised"].values():
            free = found["free"]
            held["regularised"] = all(_SLIGHTLY * free <= p and round(p, 4) <= round(free, 4) for p in regularised)
        return held

    def conclude(self, data: dict[str, Any]) -> tuple[Verdict, str]:
        return super().conclude(data) if self.options is None else ("new", self.sentence(data, "asked"))

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        return [picture for case, climbs in self.loaded(context) for picture in self._pictures(case, climbs)]

    def _pictures(self, case: Case, climbs: dict[str, dict[str, Any]]) -> list[Picture]:
        judge, rows, lines = case.classifier, [], {}
        if case.elites is not None:
            shown = case.elites.pick([list(case.classes).index(cls) for cls in case.shown])
            rows.append(("evolved", list(zip(shown.images, shown.names, strict=True))))
        for name, entry in climbs.items():
            if name not in _LABELS and self.options is None:
                continue
            shape = judge.shape
            images = [unpack_image(base64.b64decode(text), shape) for text in entry["pictures"]]
            captions = [f"{judge.classes[cls]} {percent(entry['by_class'][str(cls)])}" for cls in case.shown]
            rows.append((_label(name), list(zip(images, captions, strict=True))))
            lines[_label(name)] = (np.arange(1, len(entry["curve"][0]) + 1), np.array(entry["curve"]))
        return [
            Picture(
                f"{case.what} images",
                board(rows, tile=84 if judge.size <= 64 else 128, label=130),
                f"As Figure 13: {case.what} classes by gradient ascent on {judge.name}, one row a setting.",
            ),
            Picture(
                f"{case.what} climb",
                bands(lines, xlabel="step", ylabel="best confidence so far"),
                f"{case.what}: median over classes of the best confidence so far by step, the middle half behind it. "
                f"Without regularisation {len(case.classes)} classes, otherwise {len(case.shared)}.",
            ),
        ]

    def settings(self, context: Context, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "settings": {name: asdict(setting) for name, setting in SETTINGS.items()},
            "start": "the mean plus a standard normal draw for each value, in bytes",
            "networks": {case.what: case.classifier.name for case, _ in self.loaded(context)},
            "ImageNet climbs end at": _UNTIL,
        }

    def commands(self, context: Context, data: dict[str, Any]) -> tuple[str, ...]:
        return ("evo-fool study gradient-ascent RUN --setting all",)


def _figures(ascent: Ascent) -> dict[str, Any]:
    """The figures of the whole, JSON-able."""
    p = probability(ascent.log_odds)
    return {
        "classes": len(p),
        "median": float(np.median(p)),
        "mean": float(p.mean()),
        "min": float(p.min()),
        "reaching": shares(p),
        "predicted": float(ascent.predicted.mean()),
        "steps": float(ascent.steps.mean()),
    }


def _spread(values: Sequence[int], n: int) -> list[int]:
    """At most ``n`` of them, evenly spaced, the first and the last among them."""
    return [values[i] for i in evenly(len(values), n)]


def _check(context: Context, case: Case) -> dict[str, Any] | None:
    """foolbox's targeted PGD from uniform noise, for twenty classes at most; None without foolbox."""
    judge, tried = case.classifier, _spread(case.classes, _CHECKED)
    steps = context.scale(smoke=10, laptop=40, paper=100)
    shape = judge.shape
    noise = noise_set(judge.classes, shape, len(tried), seed=context.seeds[0])

    def attack() -> dict[str, Any]:
        log_odds = targeted_pgd(judge, noise.images, tried, epsilon=_EPSILON, steps=steps)[1]
        context.count(len(tried) * steps)
        p, predicted = probability(log_odds[np.arange(len(tried)), tried]), log_odds.argmax(axis=1) == tried
        found = {"median": np.median(p), "reaching": (p >= SURE).mean(), "predicted": predicted.mean()}
        return found | {"classes": len(tried), "steps": steps}

    digest = array_digest(np.array(tried), noise.images)
    key = f"PGD {case.what} {len(tried)} classes {digest} epsilon {_EPSILON} {steps} steps {judge.fingerprint()[:12]}"
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


def _rows(what: str, part: dict[str, Any]) -> list[Row]:
    climbs, noise, check = _climbs(part), part.get("noise"), part.get("pgd")
    shared, rows = _shared(climbs), []
    for name, entry in climbs.items():
        plain, of = name == "none", len(entry["by class"])
        note = f"{of} classes, {entry['steps']:.0f} steps on average"
        if of > len(shared):
            note += f"; over the {len(shared)} that all settings try {percent(_median(entry, shared))}"
        control: tuple[str | None, str | None] = None, None
        if plain and noise:
            note += f"; control: best of {noise['images']:,} uniform random images"
            control = percent(noise["median"]), f"{noise['reaching']} of {of}"
        slightly, shown = ("slightly lower", "all that are shown") if what == "ImageNet" else (None, None)
        label, lower = f"{what}, {_label(name)}", slightly if _regularised(name) else None
        count = f"{_count(entry)} of {of}"
        rows += [
            Row(f"{label}: median confidence", percent(entry["median"]), lower, control[0], note),
            Row(f"{label}: classes ≥ 99.99 %", count, shown if plain else None, control[1]),
        ]
    if check:
        rows.append(
            Row(
                f"{what}, check: foolbox's targeted PGD from noise, classes ≥ 99.99 %",
                f"{round(check['reaching'] * check['classes'])} of {check['classes']}",
                note=f"L∞ {_EPSILON}, {check['steps']} steps; median {percent(check['median'])}",
            )
        )
    return rows


def _climbs(part: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: entry for name, entry in part.items() if name not in ("pgd", "noise")}


def _shared(climbs: dict[str, dict[str, Any]]) -> list[str]:
    """The classes that every climb tried."""
    return min((list(entry["by class"]) for entry in climbs.values()), key=len)


def _regularised(name: str) -> bool:
    return name in _LABELS and name != "none"


def _label(name: str) -> str:
    setting, _, start = name.partition(" from ")
    return _LABELS[setting] + (f", from {start} instead of the mean" if start else "")


def _median(entry: dict[str, Any], classes: Sequence[str]) -> float:
    return float(np.median([entry["by class"][cls] for cls in classes]))


def _count(entry: dict[str, Any]) -> int:
    return sum(p >= SURE for p in entry["by class"].values())
