"""Universal perturbations on held-out photographs: evolved, by gradient and published, beside noise of equal size.

The fooling rate is that of Moosavi-Dezfooli et al. (CVPR 2017): the share of photographs whose predicted class differs
from the one predicted for the clean photograph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.runs import find_run, open_run
from evo_fool.sampling import evenly
from evo_fool.scenes.photographs import Photographs
from evo_fool.studies.array_digest import array_digest
from evo_fool.studies.charts import board
from evo_fool.studies.context import Context
from evo_fool.studies.held_out import held_out, networks_of
from evo_fool.studies.run_groups import group_labels, over_runs, rows_over_runs, spread_text
from evo_fool.studies.section import Picture, Row, Table, share_text
from evo_fool.studies.study import Study
from evo_fool.studies.universal import Options, published
from evo_fool.studies.universal.measure import answered, changed_images, effect, predictions
from evo_fool.studies.universal.perturbations import (
    UniversalPerturbation,
    noise_beside,
    perturbations_of,
    read_published,
)
from evo_fool.studies.universal.report_runs import COMMANDS, standard_options, standard_seeds

_SHOWN = 6
"""Photographs on the board."""

_LABELS = 2
"""Labels of each graph that the table shows; --json has more."""


@dataclass(frozen=True, slots=True)
class Material:
    """What is compared.

    Attributes:
        photographs: held out.
        networks: by name.
        perturbations: noise last.
        noise: for each perturbation that is not noise, the names of its controls.
    """

    photographs: Photographs
    networks: dict[str, Scorer]
    perturbations: list[UniversalPerturbation]
    noise: dict[str, list[str]]


class Universal(Study[Options]):
    key = "universal"
    title = "Universal perturbations"

    def load(self, context: Context) -> Material:
        options = self.options or standard_options(context)
        if not options.runs and not options.published:
            raise ConfigError("there is no perturbation to test; give a RUN or --published FILE.npy")
        with ExitStack() as stack:
            runs = [stack.enter_context(open_run(find_run(text, options.out))) for text in options.runs]
            networks = networks_of(context, options.classifiers, runs)
            first = next(iter(networks.values())).classifier
            made = [
                one
                for run, setting in zip(runs, group_labels(runs), strict=True)
                for one in perturbations_of(run, options.cells, first.shape, setting)
            ]
            made += [read_published(Path(path), first.shape) for path in options.published]
            photographs = held_out(context, runs, networks, options.photos, options.between)
        for one in made:
            if one.values.shape != first.shape:
                raise ConfigError(f"{one.name}: a perturbation of {one.values.shape}; {first.name} takes {first.shape}")
        if len({one.name for one in made}) < len(made):
            raise ConfigError("a perturbation is given twice; name each RUN, --cell and --published once")
        beside = noise_beside(made, options.seed)
        noise = {one.name: [control.name for control in controls] for one, controls in zip(made, beside, strict=True)}
        distinct = {control.name: control for controls in beside for control in controls}
        return Material(photographs, networks, [*made, *distinct.values()], noise)

    def measure(self, context: Context) -> dict[str, Any]:
        material = self.loaded(context)
        epsilons = self.options.epsilons if self.options else ()
        names = np.array([f"{one.to_json()}" for one in material.perturbations])
        arrays = array_digest(material.photographs.images, names, *(one.values for one in material.perturbations))
        networks = [scorer.classifier.fingerprint()[:12] for scorer in material.networks.values()]
        key = f"universal perturbations {arrays} on {', '.join(networks)} at {list(epsilons)}"
        return context.cache(key, lambda: _measured(material, epsilons))

    def rows(self, data: dict[str, Any]) -> list[Row]:
        made = {one["name"]: one for one in data["perturbations"]}
        rows = []
        for entry, controls in _with_controls(data):
            one = made[entry["perturbation"]]
            made_on = f", made on {one['photographs']} photographs" if one["photographs"] else ""
            own = " (its own)" if entry["own"] else ""
            kind = f" ({one['kind']})" if controls else ""
            dominant, share = entry["dominant"][0]
            size = f"L∞ {one['linf']:.4g}, l2 {one['l2']:.4g}{made_on}; most often {dominant} ({share_text(share)})"
            rows.append(
                Row(
                    f"{one['name']}{kind} on {entry['network']}{own}",
                    _rate(entry),
                    paper=_paper(one, entry),
                    control=", ".join(share_text(control["fooled"]) for control in controls) or None,
                    note=size + _accuracy(data, entry),
                )
            )
        return rows + rows_over_runs(_over_runs(data))

    def tables(self, data: dict[str, Any]) -> list[Table]:
        """The curve over epsilon, that over photographs used, and the graph of labels."""
        found = []
        if data["epsilons"]:
            columns = ["perturbation", "network", *(f" ε {epsilon:g}" for epsilon in data["epsilons"])]
            lines = [(e["perturbation"], e["network"], *map(share_text, e["curve"])) for e in data["effects"]]
            found.append(Table(columns, lines, "Fooling rate by size"))
        groups = _over_runs(data)
        counts = {
            setting: {g["photographs"] for g in groups if g["setting"] == setting} for setting in _settings(groups)
        }
        lines = [
            (g["setting"], g["network"], g["photographs"], len(g["rates"]), spread_text(g))
            for g in sorted(groups, key=lambda g: (g["setting"], g["network"], g["photographs"]))
            if len(counts[g["setting"]]) > 1
        ]
        if lines:
            columns = ["made by", "network", " photographs used", " runs", " fooling rate"]
            found.append(Table(columns, lines, "Fooling rate by photographs used: mean over runs and range"))
        lines = [
            (entry["perturbation"], entry["network"], label, n, sources, ", ".join(names))
            for entry, controls in _with_controls(data)
            if controls
            for label, n, sources, names in entry.get("graph", [])[:_LABELS]
        ]
        columns = ["perturbation", "network", "label after", " photographs", " clean labels", "the commonest of these"]
        return [*found, Table(columns, lines, "Graph of labels: where changed answers arrive")]

    def values(self, data: dict[str, Any]) -> dict[str, Any]:
        pairs = [(entry, controls) for entry, controls in _with_controls(data) if controls]
        best = []
        for network in data["networks"]:
            here = [pair for pair in pairs if pair[0]["network"] == network]
            entry, controls = max(here, key=lambda pair: pair[0]["fooled"])
            noise = [(control["perturbation"], _rate(control)) for control in controls]
            best.append({"name": entry["perturbation"], "network": network, "ours": _rate(entry), "noise": noise})
        above = [sum(entry["low"] > controls[kind]["high"] for entry, controls in pairs) for kind in (0, 1)]
        return {"best": best, "pairs": len(pairs), "above": above}

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        material = self.loaded(context)
        name, scorer = next(iter(material.networks.items()))
        images = material.photographs.images[evenly(len(material.photographs), _SHOWN)]
        rows = [("clean", [(None, ""), *answered(scorer, images)])]
        for one in material.perturbations:
            rows.append(
                (
                    one.name,
                    [(_amplified(one.values), "amplified"), *answered(scorer, changed_images(images, one.values))],
                )
            )
        caption = f"What {name} answers to held-out photographs, clean and with each perturbation; before them the "
        caption += "perturbation, amplified to the full range."
        return [Picture("universal", board(rows, tile=112, label=190), caption, borrowed=True)]

    def seeds(self, context: Context) -> tuple[int, ...]:
        return standard_seeds(context)

    def commands(self, context: Context, data: dict[str, Any]) -> tuple[str, ...]:
        return COMMANDS


def _measured(material: Material, epsilons: Sequence[float]) -> dict[str, Any]:
    photographs, labels = material.photographs, material.photographs.labels
    networks, found = {}, []
    for name, scorer in material.networks.items():
        clean = predictions(scorer, photographs.images)
        networks[name] = {"accuracy": None if labels is None else float((clean == labels).mean())}
        fingerprint = scorer.classifier.fingerprint()
        for one in material.perturbations:
            after = predictions(scorer, photographs.images, one.values)
            curve = [
                float((predictions(scorer, photographs.images, one.scaled(epsilon)) != clean).mean())
                for epsilon in epsilons
            ]
            entry = {"perturbation": one.name, "network": name, "own": one.made_on == fingerprint, "curve": curve}
            found.append(entry | effect(clean, after, labels, scorer.classifier.classes))
    perturbations = [one.to_json() | {"controls": material.noise.get(one.name, [])} for one in material.perturbations]
    return {
        "photographs": len(photographs),
        "epsilons": list(epsilons),
        "networks": networks,
        "perturbations": perturbations,
        "effects": found,
    }


def _with_controls(data: dict[str, Any]) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Every effect with those of its noise on the same network; noise has none."""
    controls = {one["name"]: one["controls"] for one in data["perturbations"]}
    by_name = {(entry["perturbation"], entry["network"]): entry for entry in data["effects"]}
    for entry in data["effects"]:
        yield entry, [by_name[name, entry["network"]] for name in controls[entry["perturbation"]]]


def _over_runs(data: dict[str, Any]) -> list[dict[str, Any]]:
    effects = [entry | {"name": entry["perturbation"]} for entry in data["effects"]]
    return over_runs(data["perturbations"], effects)


def _settings(groups: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(group["setting"] for group in groups))


def _paper(one: dict[str, Any], entry: dict[str, Any]) -> str | None:
    """What the paper reports of such a perturbation: by gradient in the same bound, or by the authors."""
    if one["kind"] == "published" and one["name"] in published.FILES:
        return published.across(published.FILES[one["name"]])
    if one["kind"] != "gradient" or round(one["linf"], 2) != published.BOUND:
        return None
    return published.own() if entry["own"] else published.across()


def _rate(entry: dict[str, Any]) -> str:
    """The fooling rate with its interval."""
    return f"{share_text(entry['fooled'])} ({100 * entry['low']:.1f} to {100 * entry['high']:.1f})"


def _accuracy(data: dict[str, Any], entry: dict[str, Any]) -> str:
    before = data["networks"][entry["network"]]["accuracy"]
    return "" if before is None else f"; accuracy {share_text(before)}, then {share_text(entry['accuracy'])}"


def _amplified(values: np.ndarray) -> np.ndarray:
    """A perturbation over the full range of bytes, grey where it is zero."""
    image: np.ndarray = (127.5 + 127.5 * values / max(float(np.abs(values).max()), 1e-12)).round().astype(np.uint8)
    return image
