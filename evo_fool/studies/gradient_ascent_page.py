"""The report's page on gradient ascent: the paper's four settings on digits and on ImageNet's classes (Figure 13)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from evo_fool.classifiers.base import Classifier
from evo_fool.errors import ClassifierError
from evo_fool.probability import probability
from evo_fool.reports.captions import percent
from evo_fool.reports.paper_figures import GRADIENT_ASCENT_CONFIDENCE
from evo_fool.runs.packed_image import pack_image, unpack_image
from evo_fool.studies.base import Picture, Row, Section, judged
from evo_fool.studies.charts import bands
from evo_fool.studies.drawing import board
from evo_fool.studies.elites import noise_set
from evo_fool.studies.gradient_ascent import SETTINGS, ascend, shortened
from evo_fool.studies.imagenet import primary_network
from evo_fool.studies.pgd import targeted_pgd
from evo_fool.studies.workshop import Workshop

KEY, TITLE, FIGURES = "gradient-ascent", "Images by gradient ascent", "Figure 13"

MNIST_MEAN = 0.1307
"""Of the training images, in [0, 1]: where digits start, as LeNet subtracts no mean of its own."""

_UNTIL = 0.99999
"""A climb on ImageNet ends here: it would go on for hundreds of steps that change nothing in the table."""

_SHOWN = 5
_LABELS = {"none": "no regularisation", "l2": "L2", "l2-blur": "L2, blur", "l2-blur-pixels": "L2, blur, pixels"}

_Case = tuple[Classifier, list[int], Sequence[float] | None, float | None]
"""A network, the classes to try, the data's mean, and where climbs end."""

_WANTED = {"MNIST": 1.0, "ImageNet": 0.95}
"""Share of the classes tried that must reach 99.99 % without regularisation for the result to count as reproduced."""


def section(workshop: Workshop) -> Section:
    """The page."""
    parts: dict[str, _Case] = {"MNIST": (workshop.classifier(), list(range(10)), [MNIST_MEAN], None)}
    network = primary_network(workshop)
    if network is not None:
        name, weights = network
        judge = workshop.classifier(f"torchvision:{name}", weights)
        count = workshop.scale(smoke=2, laptop=100, paper=1000)
        classes = np.linspace(0, len(judge.classes) - 1, count).round().astype(int).tolist()
        parts["ImageNet"] = (judge, classes, None, _UNTIL)
    found = {what: _climb_all(workshop, what, *part) for what, part in parts.items()}
    checks = {what: _check(workshop, what, part[0], part[1]) for what, part in parts.items()}
    verdict, why = judged([_claim(what, settings) for what, settings in found.items()])
    if network is None:
        why += " ImageNet: no weights were given."
    return Section(
        key=KEY,
        title=TITLE,
        figures=FIGURES,
        verdict=verdict,
        why=why,
        rows=tuple(row for what in parts for row in _rows(what, found[what], checks[what])),
        pictures=tuple(p for what, part in parts.items() for p in _pictures(what, part[0], found[what])),
        settings={
            "settings": {name: {f: getattr(s, f) for f in s.__slots__} for name, s in SETTINGS.items()},
            "start": "the mean plus a standard normal draw for each value, in bytes",
            "networks": {what: part[0].name for what, part in parts.items()},
            "ImageNet climbs end at": _UNTIL,
        },
        seeds=workshop.seeds[:1],
        commands=("evo-fool study gradient-ascent RUN --setting all",),
        data={
            what: {name: entry["figures"] for name, entry in settings.items()} | {"pgd": checks[what]}
            for what, settings in found.items()
        },
    )


def _climb_all(
    workshop: Workshop,
    what: str,
    classifier: Classifier,
    classes: list[int],
    mean: Sequence[float] | None,
    until: float | None,
) -> dict[str, dict[str, Any]]:
    """Every setting, from the cache or climbed; ImageNet's regularised settings for fewer classes on a laptop."""
    found = {}
    fingerprint = classifier.fingerprint()[:12]
    for name, setting in SETTINGS.items():
        setting = shortened(setting, workshop.scale(smoke=150, laptop=setting.steps, paper=setting.steps))
        few = workshop.scale(smoke=1, laptop=_SHOWN, paper=100)
        tried = classes if what == "MNIST" or name == "none" else classes[:: max(1, len(classes) // few)][:few]
        seed = workshop.seeds[0]

        def climb(setting: Any = setting, tried: list[int] = tried, seed: int = seed) -> dict[str, Any]:
            ascent = ascend(
                classifier, tried, setting, seed=seed, mean=mean, until=until, report=lambda *_: workshop.check()
            )
            workshop.count(int(ascent.steps.sum()))
            chosen = np.linspace(0, len(tried) - 1, min(10 if what == "MNIST" else _SHOWN, len(tried))).astype(int)
            return {
                "figures": ascent.to_json() | {"images": int(ascent.steps.sum())},
                "curve": np.quantile(ascent.curve, (0.25, 0.5, 0.75), axis=1),
                "targets": ascent.targets[chosen],
                "confidences": probability(ascent.log_odds[chosen]),
                "pictures": [base64.b64encode(pack_image(ascent.images[i].tobytes())).decode() for i in chosen],
            }

        key = f"gradient ascent {what} {name} {setting.steps} {len(tried)} classes seed {seed} {fingerprint}"
        found[name] = workshop.cache(key, climb)
    return found


def _check(workshop: Workshop, what: str, classifier: Classifier, classes: list[int]) -> dict[str, Any] | None:
    """foolbox's targeted PGD from uniform noise, for as many classes as the regularised settings; None without it."""
    tried = classes if what == "MNIST" else classes[:: max(1, len(classes) // 20)][:20]
    steps = workshop.scale(smoke=10, laptop=40, paper=100)
    shape = (classifier.channels, classifier.size, classifier.size)
    noise = noise_set(classifier.classes, shape, len(tried), seed=workshop.seeds[0])

    def attack() -> dict[str, Any]:
        found = targeted_pgd(classifier, noise.images, tried, steps=steps)
        p = probability(found.log_odds)
        return {
            "classes": len(tried),
            "median": np.median(p),
            "reaching": float((p >= 0.9999).mean()),
            "predicted": found.predicted.mean(),
            "steps": steps,
        }

    try:
        return workshop.cache(
            f"PGD {what} {len(tried)} classes, {steps} steps, {classifier.fingerprint()[:12]}", attack
        )
    except ClassifierError as error:
        workshop.say(f"no check by PGD: {error}")
        return None


def _claim(what: str, found: dict[str, dict[str, Any]]) -> tuple[bool, str]:
    figures = found["none"]["figures"]
    reached = round(figures["reaching"]["0.9999"] * figures["classes"])
    text = (
        f"{what}: without regularisation {reached} of {figures['classes']} classes reach 99.99 % "
        f"(median {percent(figures['median'])}) with the 8-bit image; the paper: every class shown."
    )
    return reached >= _WANTED[what] * figures["classes"], text


def _rows(what: str, found: dict[str, dict[str, Any]], check: dict[str, Any] | None) -> list[Row]:
    rows = []
    for name, entry in found.items():
        figures = entry["figures"]
        rows += [
            Row(
                f"{what}, {_LABELS[name]}: median confidence",
                percent(figures["median"]),
                f"≥ {percent(GRADIENT_ASCENT_CONFIDENCE)}" if name == "none" else "slightly lower",
                note=f"{figures['classes']} classes, {figures['steps']:.0f} steps on average",
            ),
            Row(
                f"{what}, {_LABELS[name]}: classes ≥ 99.99 %",
                f"{round(figures['reaching']['0.9999'] * figures['classes'])} of {figures['classes']}",
                "all that are shown" if name == "none" else None,
            ),
        ]
    if check is not None:
        rows.append(
            Row(
                f"{what}, check: foolbox's targeted PGD from noise, classes ≥ 99.99 %",
                f"{round(check['reaching'] * check['classes'])} of {check['classes']}",
                note=f"L∞ 0.3, {check['steps']} steps; median {percent(check['median'])}",
            )
        )
    return rows


def _pictures(what: str, classifier: Classifier, found: dict[str, dict[str, Any]]) -> list[Picture]:
    shape = (classifier.channels, classifier.size, classifier.size)
    rows = []
    for name, entry in found.items():
        images = [unpack_image(base64.b64decode(text), shape) for text in entry["pictures"]]
        captions = [
            f"{classifier.classes[target]} {percent(p)}"
            for target, p in zip(entry["targets"], entry["confidences"], strict=True)
        ]
        rows.append((_LABELS[name], list(zip(images, captions, strict=True))))
    lines = {
        _LABELS[name]: (np.arange(1, len(entry["curve"][0]) + 1), np.array(entry["curve"]))
        for name, entry in found.items()
    }
    return [
        Picture(
            f"{what} images",
            board(rows, tile=84 if what == "MNIST" else 128, label=130),
            f"As Figure 13: {what} classes by gradient ascent on {classifier.name}, one row a setting.",
        ),
        Picture(
            f"{what} climb",
            bands(lines, xlabel="step", ylabel="best confidence so far"),
            f"{what}: median over classes of the best confidence so far by step, the middle half behind it.",
        ),
    ]
