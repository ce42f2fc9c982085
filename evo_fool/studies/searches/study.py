"""MAP-Elites against the single-class genetic algorithm at equal evaluations, and goal switches.

MAP-Elites lets every image compete for every class. What that is worth shows against an algorithm that evolves each
class by itself, and in goal switches: classes that an image took whose parent held only others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from evo_fool.studies.charts import Curve, draw_confidence, draw_matrix
from evo_fool.studies.context import Context
from evo_fool.studies.digit_runs import Course
from evo_fool.studies.imagenet_runs import primary_network
from evo_fool.studies.options import Options
from evo_fool.studies.searches.measure import digit_searches, imagenet_duels
from evo_fool.studies.section import Picture, Row, spread
from evo_fool.studies.study import Study
from evo_fool.studies.switching.measure import shares
from evo_fool.studies.switching.study import switching_rows
from evo_fool.text import percent

_NAMES = {"pixels": "direct", "cppn": "CPPN"}
_SEARCHES = {"MAP-Elites": "-", "genetic algorithm": "--", "random": ":"}
"""Search -> its line style."""


class Searches(Study[Options]):
    """Data: kind of encoding -> :func:`.digit_searches`, and ``imagenet`` -> :func:`.imagenet_duels`."""

    key = "searches"
    title = "MAP-Elites against one class at a time"

    def measure(self, context: Context) -> dict[str, Any]:
        data = {kind: digit_searches(context, kind) for kind in _NAMES}
        if network := primary_network(context):
            data["imagenet"] = imagenet_duels(context, *network)
        return data

    def values(self, data: dict[str, Any]) -> Mapping[str, Any]:
        digits = []
        for kind, name in (("pixels", "Direct"), ("cppn", "CPPN")):
            elites, genetic, _ = _courses(data[kind]).values()
            share = float(np.median([shares(found)["share"] for found in data[kind]["switching"]]))
            images = elites.images // len(elites.seeds)
            digits.append({"name": name, "images": images, "elites": elites, "genetic": genetic, "share": share})
        if "imagenet" not in data:
            return {"digits": digits}
        duels = data["imagenet"]["duels"]
        return {
            "digits": digits,
            "wins": sum(duel["genetic"] > duel["map_elites"] for duel in duels),
            "even": sum(duel["genetic_start"] > duel["map_elites"] for duel in duels),
            "switched": shares(data["imagenet"]["switching"])["share"],
        }

    def rows(self, data: dict[str, Any]) -> list[Row]:
        rows = []
        for kind, name in _NAMES.items():
            courses = _courses(data[kind])
            random = courses.pop("random")
            for search, c in courses.items():
                images, seconds = c.images // len(c.seeds), data[kind]["seconds"][search]
                note = f"{images:,} images a run, {seconds:.0f} s; control: random genomes"
                what, control = f"{name}, {search}: median over digits", spread(random.final)
                rows.append(Row(what, spread(c.final), None, control, note))
                what = f"{name}, {search}: digits ≥ 99.99 %"
                rows.append(Row(what, c.digits, None, random.digits, "median over seeds"))
            rows += switching_rows(f"{name}: ", data[kind]["switching"])
        return rows + (_duel_rows(data["imagenet"]) if "imagenet" in data else [])

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        curves = [
            Curve(
                f"{name}, {search}", np.arange(c.last + 1), c.median, {"linestyle": _SEARCHES[search], "color": colour}
            )
            for (kind, name), colour in zip(_NAMES.items(), ("#2f6db3", "#c8553d"), strict=True)
            for search, c in _courses(data[kind]).items()
        ]
        steps = np.sum([found["steps"] for found in data["cppn"]["switching"]], axis=0)
        names = list(map(str, range(len(steps))))
        return [
            Picture(
                "median",
                draw_confidence(curves, xlabel="generation of 200 images", ylabel="median confidence over ten digits"),
                "Median confidence over the ten digits by generation, on a scale of log-odds: median and range over "
                "seeds. The genetic algorithm evolves one digit a generation, in turn.",
            ),
            Picture(
                "steps",
                draw_matrix(steps, names, xlabel="digit that the child took", ylabel="digit that the parent held"),
                "Goal switches of CPPNs, all seeds: how often a child took a digit that its parent did not hold.",
            ),
        ]

    def settings(self, context: Context, data: dict[str, Any]) -> dict[str, Any]:
        presets = "paper/mnist-direct, mnist-cppn, mnist-ga; imagenet-cppn, imagenet-ga"
        return {"presets": presets, "classifier": "lenet-mnist"}

    def seeds(self, context: Context) -> tuple[int, ...]:
        return context.seeds

    def commands(self, context: Context, data: dict[str, Any]) -> tuple[str, ...]:
        runs = ("mnist-ga", "mnist-ga -S encoding.kind=cppn", "paper/mnist-direct", "mnist-cppn")
        return (*(f"evo-fool run {run} --seed {context.seeds[0]}" for run in runs), "evo-fool study switching RUN")


def _courses(found: dict[str, Any]) -> dict[str, Course]:
    return {search: Course.from_json(found[search]) for search in _SEARCHES}


def _duel_rows(found: dict[str, Any]) -> list[Row]:
    first, images, shared = found["images"]
    rows = [
        Row(
            f"ImageNet, {duel['name']}",
            f"{percent(duel['map_elites'])} by MAP-Elites, {percent(duel['map_elites_then'])} after {images:,} images",
            note=f"{percent(duel['genetic'])} by the genetic algorithm, {percent(duel['genetic_start'])} after its "
            f"first {first}; {shared:,} images for all 1000 classes against {images:,} for this one; CPPNs on "
            f"{found['network']}, the same mutation; MAP-Elites also crosses colour channels",
        )
        for duel in found["duels"]
    ]
    return rows + switching_rows(f"ImageNet, {found['network']}: ", [found["switching"]])
