"""Natural adversarial images: ImageNet-A, ImageNet-O, and adversarial filtration, beside evolved images.

Hendrycks, Zhao, Basart, Steinhardt & Song, *Natural Adversarial Examples* (CVPR 2021).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.errors import ConfigError
from evo_fool.runs import find_run, open_run
from evo_fool.studies.charts import board
from evo_fool.studies.context import Context
from evo_fool.studies.elites import elites_of
from evo_fool.studies.natural import Options
from evo_fool.studies.natural.answers import Answers, Files, answers, class_files, outside_files
from evo_fool.studies.natural.filtration import EVERY, FOOL, filtered
from evo_fool.studies.natural.metrics import aurra, average_precision, calibrated, calibration_errors
from evo_fool.studies.networks import Networks
from evo_fool.studies.section import Picture, Row, Table, share_text
from evo_fool.studies.study import Study
from evo_fool.studies.wilson import wilson
from evo_fool.text import percent

_SHOWN = 8
"""Errors of each network in the picture."""


@dataclass(frozen=True, slots=True)
class Material:
    """What is measured.

    Attributes:
        networks: by name.
        keep: the kept classes, int64, sorted.
        files: photographs of these classes.
        photographs: each network's answers to them.
        outside: photographs of no class; None: none are given.
        outside_answers: each network's answers to these.
        elites: of each run, each network's answers.
        pairs: networks that filter and that are tested.
    """

    networks: dict[str, Scorer]
    keep: np.ndarray
    files: Files
    photographs: dict[str, Answers]
    outside: Files | None
    outside_answers: dict[str, Answers]
    elites: dict[str, dict[str, Answers]]
    pairs: list[tuple[str, str]]


class Natural(Study[Options]):
    """Data: ``networks`` (a network's figures by its name), ``kept``, ``classes``, ``photographs``, ``outside`` and
    ``filtration`` (see :func:`.filtered`)."""

    key = "natural"
    title = "Natural adversarial images"

    def load(self, context: Context) -> Material:
        options = self.options
        if options is None:
            raise ConfigError("natural images are asked about by evo-fool study natural")
        if bool(options.filter_by) is not bool(options.tests):
            raise ConfigError("filtration needs both: --filter-by A, which keeps what fools A, and --test B")
        if options.runs and not options.tests:
            raise ConfigError("a RUN's elites are filtered: give --filter-by A --test B")
        networks = Networks()
        names = {text: _add(context, networks, text) for text in _named(options)}
        if not names:
            raise ConfigError("there is no network to measure; name some: SPEC[@WEIGHTS]")
        pairs = [(names[a], names[b]) for a in options.filter_by for b in options.tests if names[a] != names[b]]
        if options.tests and not pairs:
            raise ConfigError(f"--test {options.tests[0]} is the network that filters; name another")
        first = next(iter(networks.scorers.values())).classifier
        files, keep, unknown = class_files(first, options.photos, options.classes)
        if unknown:
            context.remarks.append(f"{len(unknown)} folder(s) name no class and are left out, such as {unknown[0]}")
        photographs = _seen(networks.scorers, files, keep)
        if lost := len(files.paths) - len(next(iter(photographs.values())).places):
            context.remarks.append(f"{lost} photograph(s) do not load and are left out")
        outside = None if options.outside is None else outside_files(options.outside)
        elites = {}
        for text in options.runs:
            with open_run(find_run(text, options.out)) as run:
                made = elites_of(run)
            if made.classes != tuple(first.classes):
                raise ConfigError(f"{text}: its classes are not those of {first.name}; name a run of the same classes")
            elites[made.name] = {
                name: found
                for name, scorer in networks.scorers.items()
                if (found := answers(scorer, zip(made.images, range(len(made)), strict=True), made.targets, keep))
            }
        return Material(
            networks.scorers,
            keep,
            files,
            photographs,
            outside,
            {} if outside is None else _seen(networks.scorers, outside, keep),
            elites,
            list(dict.fromkeys(pairs)),
        )

    def measure(self, context: Context) -> dict[str, Any]:
        material = self.loaded(context)
        first = next(iter(material.networks.values())).classifier
        sets = {"photographs": material.photographs} | material.elites
        return {
            "kept": len(material.keep),
            "classes": len(first.classes),
            "photographs": len(next(iter(material.photographs.values())).places),
            "outside": len(next(iter(material.outside_answers.values())).places) if material.outside else 0,
            "networks": {
                name: _figures(seen, material.outside_answers.get(name)) for name, seen in material.photographs.items()
            },
            "filtration": [
                entry
                for name, seen in sets.items()
                for by, test in material.pairs
                for entry in filtered(name, seen, by, test, evolved=name in material.elites)
            ],
        }

    def rows(self, data: dict[str, Any]) -> list[Row]:
        rows = []
        kept = f"the {data['kept']} kept classes"
        for name, found in data["networks"].items():
            for which, n in (("kept", data["kept"]), ("all", data["classes"])):
                share, low, high = found["accuracy"][which]
                text = f"{share_text(share)} ({100 * low:.1f} to {100 * high:.1f})"
                over = kept if which == "kept" else f"all {n} classes"
                rows.append(Row(f"{name}: accuracy over {over}", text, control=share_text(1 / n), note="chance"))
            for which, (ours, control) in found["calibration"].items():
                texts = [None if value is None else share_text(value) for value in (ours, control)]
                note = "one bin alone" if ours is None else "control: a calibrated network of these confidences"
                rows.append(Row(f"{name}: RMS calibration error, {which}", texts[0], None, texts[1], note))
            accuracy = found["accuracy"]["kept"][0]
            note = "control: its answers in random order"
            rows.append(Row(f"{name}: AURRA", share_text(found["aurra"]), control=share_text(accuracy), note=note))
            if found["aupr"] is not None:
                control = share_text(data["outside"] / (data["outside"] + data["photographs"]))
                note = f"{data['outside']} outside, {data['photographs']} photographs; control: their share, by chance"
                rows.append(Row(f"{name}: AUPR of what lies outside", share_text(found["aupr"]), None, control, note))
        return rows

    def table(self, data: dict[str, Any]) -> Table | None:
        if not data["filtration"]:
            return None
        lines = [
            (
                e["images"],
                e["by"],
                e["subset"],
                e["n"],
                share_text(e["filter"]),
                e["test"],
                f"{share_text(e['fooled'])} ({100 * e['low']:.1f} to {100 * e['high']:.1f})",
                share_text(e["same"]),
                "" if e["chance"] is None else share_text(e["chance"]),
            )
            for e in data["filtration"]
        ]
        columns = ["images", "filtered by", "kept", " n", " fool it", "test", " fool the test", " same answer"]
        return Table([*columns, " by chance"], lines, "Adversarial filtration")

    def values(self, data: dict[str, Any]) -> Mapping[str, Any]:
        def of(images: str, by: str, test: str, subset: str) -> dict[str, Any]:
            keys = ("images", "by", "test", "subset")
            return next(e for e in data["filtration"] if tuple(e[key] for key in keys) == (images, by, test, subset))

        kept = [e for e in data["filtration"] if e["subset"] == FOOL]
        return {"pairs": [(e, of(e["images"], e["by"], e["test"], EVERY)) for e in kept]}

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        material = self.loaded(context)
        rows = []
        for name, scorer in material.networks.items():
            rows.append((name, _errors(material.files, material.photographs[name], scorer)))
            if material.outside:
                rows.append((f"outside: {name}", _errors(material.outside, material.outside_answers[name], scorer)))
        caption = "The most confident errors of each network, with its answer and confidence over all classes, and the "
        caption += "class of the photograph."
        return [Picture("errors", board(rows, tile=112, label=190), caption, borrowed=True)]


def _named(options: Options) -> tuple[str, ...]:
    return (*options.classifiers, *options.filter_by, *options.tests)


def _add(context: Context, networks: Networks, text: str) -> str:
    """The name of a network, whose classes are those of the networks before it.

    Raises:
        ConfigError: they are not.
    """
    config = ClassifierSpec.parse_with_weights(text).config()
    scorer = context.scorer(context.classifier(config.spec, config.weights))
    first = next(iter(networks.scorers.values()), scorer).classifier
    if scorer.classifier.classes != first.classes:
        raise ConfigError(f"{text} knows other classes than {first.name}; measure them one at a time")
    return networks.add(scorer)


def _seen(networks: Mapping[str, Scorer], files: Files, keep: np.ndarray) -> dict[str, Answers]:
    """Each network's answers to the photographs that load.

    Raises:
        ConfigError: other photographs load for one network than for another.
    """
    found = {name: files.shown(scorer, keep) for name, scorer in networks.items()}
    if len({one.places.tobytes() for one in found.values()}) > 1:
        raise ConfigError(f"{files.folder}: the networks cannot read the same photographs; measure them one at a time")
    return found


_BINS = ("all bins", "without the most confident bin")


def _figures(seen: Answers, outside: Answers | None) -> dict[str, Any]:
    """A network's figures, JSON-able; of confidences over the kept classes where it is not said otherwise."""
    correct, n = {"kept": seen.kept == seen.labels, "all": seen.all == seen.labels}, len(seen.labels)
    confidence = np.exp(seen.kept_log_p)
    ours = (None if value is None else float(value) for value in calibration_errors(confidence, correct["kept"]))
    aupr = None
    if outside is not None:
        # Logarithms, of which fewer are equal: 1 - 1e-17 is 1.
        scores = -np.concatenate([seen.kept_log_p, outside.kept_log_p])
        aupr = average_precision(scores, np.arange(len(scores)) >= n)
    surest = _surest_errors(seen)[:1]
    return {
        "accuracy": {which: wilson(int(right.sum()), n) for which, right in correct.items()},
        "calibration": dict(zip(_BINS, zip(ours, calibrated(confidence), strict=True), strict=True)),
        "aurra": aurra(seen.kept_log_p, correct["kept"]),
        "aupr": aupr,
        "surest_error": float(np.exp(seen.log_p[surest[0]])) if len(surest) else None,
    }


def _surest_errors(seen: Answers) -> np.ndarray:
    """The images to which the likeliest of all classes is wrong, the surest first: their rows, int64."""
    wrong = np.flatnonzero(seen.all != seen.labels)
    ordered: np.ndarray = wrong[np.argsort(-seen.log_p[wrong], kind="stable")]
    return ordered


def _errors(files: Files, seen: Answers, scorer: Scorer) -> list[tuple[np.ndarray | None, str]]:
    """The most confident errors as images with captions."""
    classes = scorer.classifier.classes
    tiles: list[tuple[np.ndarray | None, str]] = []
    for i in _surest_errors(seen)[:_SHOWN]:
        truth = classes[seen.labels[i]] if seen.labels[i] >= 0 else files.paths[seen.places[i]].parent.name
        caption = f"{classes[seen.all[i]]}\n{percent(float(np.exp(seen.log_p[i])))}\n{truth}"
        tiles.append((files.image(int(seen.places[i]), scorer.classifier), caption))
    return tiles
