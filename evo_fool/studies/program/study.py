"""Programs on held-out task images: accuracy beside no program, random programs and a linear classifier."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from evo_fool.errors import ConfigError
from evo_fool.sampling import evenly
from evo_fool.scenes.program import Program
from evo_fool.studies.array_digest import array_digest
from evo_fool.studies.charts import board, draw_matrix
from evo_fool.studies.context import Context
from evo_fool.studies.program import Options
from evo_fool.studies.program.measure import controls_of, tested, untrained
from evo_fool.studies.program.programs import (
    Reprogramming,
    identity,
    made_by_gradient,
    programs_of_report,
    programs_of_runs,
)
from evo_fool.studies.section import Picture, Row, Table, share_text
from evo_fool.studies.study import Study

_SHOWN = 6
"""Task images on the board."""

_PUBLISHED = {
    "squares": "98 to 100 % (recalled)",
    "mnist": "95 to 97.5 % (recalled)",
    "cifar10": "59 to 69 % (recalled)",
}
"""Elsayed et al. 2019, six networks for ImageNet, programs by gradient; from memory, not checked against the paper."""

_PUBLISHED_UNTRAINED = {"mnist": "10 to 45 %, one 93 % (recalled)"}
"""The same with random weights."""


class Programs(Study[Options]):
    key = "program"
    title = "Reprogramming"

    def load(self, context: Context) -> list[Reprogramming]:
        if self.options is None:
            return programs_of_report(context)
        found = programs_of_runs(context, self.options)
        if self.options.untrained and not any(one.own and one.settings for one in found):
            raise ConfigError("--untrained: no RUN was made by gradient on a network that is tested; leave it out")
        return found

    def measure(self, context: Context) -> dict[str, Any]:
        report = Options(runs=(), random=context.scale(smoke=3, laptop=10, paper=100), untrained=True)
        asked, programs = self.options or report, self.loaded(context)
        controls: dict[str, dict[str, Any]] = {}
        entries = []
        for one in programs:
            tests = f"{identity(one.scene)} {array_digest(one.part.images, one.part.labels)}"
            if tests not in controls:  # programs of one task, mapping and network share them
                key = f"program controls {tests} {asked.random} random, seed {asked.seed}"
                controls[tests] = {
                    "name": f"{one.scene.task.name} on {one.network}",
                    "task": one.scene.task.name,
                    **context.cache(key, partial(controls_of, one.scene, one.part, asked.random, asked.seed)),
                }
            entry = {
                "program": one.name,
                "kind": one.kind,
                "task": one.scene.task.name,
                "network": one.network,
                "own": one.own,
                "learned_from": len(one.scene.task.train.labels),
                "controls": list(controls).index(tests),
                "untrained": None,
            }
            key = f"program {array_digest(one.picture)} {tests}"
            entry |= context.cache(key, partial(tested, one.scene, one.picture, one.part))
            if asked.untrained and one.own and one.settings is not None:
                entry["untrained"] = _untrained(context, one, one.settings, asked.seed)
            entries.append(entry)
        return {"programs": entries, "controls": list(controls.values())}

    def rows(self, data: dict[str, Any]) -> list[Row]:
        rows = []
        for place, control in enumerate(data["controls"]):
            what, task, best = control["name"], control["task"], max(control["none"], *control["random"])
            for entry in data["programs"]:
                if entry["controls"] != place:
                    continue
                own = " (its own)" if entry["own"] else ""
                note = f"{entry['images']} held-out images; made with {entry['learned_from']}; "
                note += f"{share_text(entry['accuracy_of_all_classes'])} where all classes compete"
                published = _PUBLISHED.get(task) if entry["kind"] == "gradient" and entry["own"] else None
                rows.append(
                    Row(
                        f"{what}{own}: {entry['program']} ({entry['kind']})",
                        _rate(entry),
                        published,
                        _no_more(best),
                        note,
                    )
                )
                if again := entry["untrained"]:
                    name = f"{what}, random weights: a program made as {entry['program']}"
                    rows.append(Row(name, _rate(again), _PUBLISHED_UNTRAINED.get(task)))
            randoms = control["random"]
            rows.append(Row(f"{what}: no program", share_text(control["none"]), note="a grey frame"))
            spread = f"the mean; {share_text(min(randoms))} to {share_text(max(randoms))}"
            rows.append(
                Row(f"{what}: {len(randoms)} random programs", share_text(float(np.mean(randoms))), note=spread)
            )
            linear = "logistic regression on the pixels, from the same images"
            rows.append(Row(f"{what}: a linear classifier instead", _rate(control["linear"]), note=linear))
            rows.append(Row(f"{what}: chance", share_text(control["chance"])))
        return rows

    def table(self, data: dict[str, Any]) -> Table:
        """Accuracy by label."""
        lines = [
            (entry["program"], entry["network"], label, entry["classes"][i], counts[i], sum(counts))
            for entry in data["programs"]
            for i, (label, counts) in enumerate(zip(entry["labels"], entry["confusion"], strict=True))
        ]
        return Table(["program", "network", "label", "class that means it", " right", " of"], lines)

    def values(self, data: dict[str, Any]) -> Mapping[str, Any]:
        programs = [
            {"name": entry["program"], "where": control["name"], "rate": _rate(entry), "control": control}
            | {"untrained": entry["untrained"] and _rate(entry["untrained"])}
            for entry in data["programs"]
            for control in [data["controls"][entry["controls"]]]
        ]
        above = sum(
            entry["low"] > max(control["none"], *control["random"])
            for entry in data["programs"]
            for control in [data["controls"][entry["controls"]]]
        )
        return {"programs": programs, "above": above}

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        programs = self.loaded(context)
        rows = [(f"{one.scene.task.name}: {one.name}", _tiles(one)) for one in programs]
        borrowed = any(one.scene.task.name != "squares" for one in programs)
        caption = "Each program alone, then around held-out task images, with the class that the network answers among "
        caption += "those that mean a label, and what it means."
        made = [Picture("programs", board(rows, tile=128, label=190), caption, borrowed)]
        for number, (one, entry) in enumerate(zip(programs, data["programs"], strict=True), 1):
            labels = one.scene.task.names
            matrix = draw_matrix(np.array(entry["confusion"]), labels, xlabel="answered", ylabel="label")
            text = f"{entry['task']} on {entry['network']}, {entry['program']}: answers to held-out task images."
            made.append(Picture(f"confusion-{number}", matrix, text))
        return made


def _untrained(context: Context, one: Reprogramming, settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """The accuracy of a program that is made in the same way for the network with random weights."""
    network = untrained(one.scene.scorer.classifier, seed)
    scene = Program(one.scene.config, context.scorer(network), one.seed)
    scene.mapping[:] = one.scene.mapping
    picture = made_by_gradient(context, scene, settings, one.seed)
    key = f"program {array_digest(picture)} {identity(scene)} {array_digest(one.part.images, one.part.labels)}"
    return context.cache(key, partial(tested, scene, picture, one.part))


def _rate(entry: dict[str, Any]) -> str:
    """The accuracy with its interval."""
    return f"{share_text(entry['accuracy'])} ({100 * entry['low']:.1f} to {100 * entry['high']:.1f})"


def _no_more(best: float) -> str:
    return f"≤ {share_text(best)}"


def _tiles(one: Reprogramming) -> list[tuple[np.ndarray | None, str]]:
    """The program, and inputs with the answer among the mapped classes, its label, and whether that is right."""
    scene, part = one.scene, one.part
    rows = evenly(len(part.labels), min(_SHOWN, len(part.labels)))
    shown = scene.framed(one.picture, part.images[rows])
    tiles: list[tuple[np.ndarray | None, str]] = [(one.picture, "the program")]
    for image, label, log_odds in zip(shown, part.labels[rows], scene.scorer.score(shown), strict=True):
        answer = int(log_odds[scene.mapping].argmax())
        name = scene.scorer.classifier.classes[scene.mapping[answer]]
        verdict = "right" if answer == label else f"is {scene.task.names[label]}"
        tiles.append((image, f"{name}\n= {scene.task.names[answer]}, {verdict}"))
    return tiles
