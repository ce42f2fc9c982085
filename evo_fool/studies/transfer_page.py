"""The report's page on transfer: digits among five networks, and ImageNet's classes among those at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from evo_fool.classifiers.ensemble import WAYS, ensemble_spec
from evo_fool.experiment import ClassifierConfig
from evo_fool.reports.captions import percent
from evo_fool.runs import Run
from evo_fool.studies.base import Picture, Row, Section, judged, skipped
from evo_fool.studies.charts import heat_map
from evo_fool.studies.digit_networks import SHIPPED, digit_networks
from evo_fool.studies.elites import elites_of, joined, noise_set, share_text
from evo_fool.studies.imagenet import imagenet_run
from evo_fool.studies.transfer import TransferMatrix, transfer
from evo_fool.studies.workshop import Workshop

KEY, TITLE, FIGURES = "transfer", "Transfer from network to network", "text"

SURE = 0.9999
"""What the paper counts as fooled by both networks."""

_NOISE = 500

_FEW = 50
"""Elites of a run that the smoke budget looks at: a thousand of them, by every network, take minutes."""

Maker = Callable[[int], Run]
"""The run of a seed against one network, or against several."""


def section(workshop: Workshop) -> Section:
    """The page."""
    tables: dict[str, tuple[TransferMatrix, list[str]]] = {}
    specs: dict[str, dict[str, str]] = {}
    data = workshop.mnist()
    if data is not None:
        networks = digit_networks(workshop, data)
        taught = [SHIPPED, f"{SHIPPED} B"]
        tables["MNIST"] = _table(
            workshop, networks, taught, _digit_makers(workshop, networks, taught), _seeds(workshop)
        )
        specs["MNIST"] = {name: config.spec for name, config in networks.items()}
    files = workshop.imagenet_networks()
    if len(files) > 1:
        networks = {name: ClassifierConfig(spec=f"torchvision:{name}", weights=str(p)) for name, p in files.items()}
        taught = _taught(list(networks))
        makers = _object_makers(workshop, networks, taught)
        tables["ImageNet"] = _table(workshop, networks, taught, makers, workshop.seeds[:1])
        specs["ImageNet"] = {name: config.spec for name, config in networks.items()}
    if not tables:
        reason = (
            "There is neither MNIST to train further networks on, nor are there two ImageNet networks: give --data."
        )
        return skipped(KEY, TITLE, FIGURES, reason)
    verdict, why = judged([claim for name, (table, _) in tables.items() for claim in _claims(name, table)])
    return Section(
        key=KEY,
        title=TITLE,
        figures=FIGURES,
        verdict=verdict,
        why=" ".join([why, *(_ensembles(name, *table) for name, table in tables.items())]).strip(),
        rows=tuple(row for name, (table, taught) in tables.items() for row in _rows(name, table, taught)),
        pictures=tuple(picture for name, (table, _) in tables.items() for picture in _pictures(name, table)),
        settings={"networks": specs, "ensembles of": {name: taught for name, (_, taught) in tables.items()}},
        seeds=_seeds(workshop),
        commands=(
            "evo-fool run mnist-cppn --classifier ensemble:minimum:lenet-mnist+lenet-mnist@B.safetensors",
            "evo-fool study transfer RUN RUN --judge lenet-mnist@C.safetensors",
        ),
        data={name: table.to_json() for name, (table, _) in tables.items()},
    )


def _seeds(workshop: Workshop) -> tuple[int, ...]:
    return workshop.seeds[: workshop.scale(smoke=1, laptop=2, paper=5)]


def _taught(names: Sequence[str]) -> list[str]:
    """The members of the ensembles: those of one family where there are some, so that a stranger is left out."""
    alike = [name for name in names if name.startswith("squeezenet")]
    return alike if 1 < len(alike) < len(names) else list(names)[:-1]


def _ensemble_configs(networks: Mapping[str, ClassifierConfig], taught: Sequence[str]) -> dict[str, ClassifierConfig]:
    if len(taught) < 2:
        return {}
    members = [networks[name] for name in taught]
    return {f"{way} of {' + '.join(taught)}": ClassifierConfig(spec=ensemble_spec(way, members)) for way in WAYS}


def _digit_makers(
    workshop: Workshop, networks: Mapping[str, ClassifierConfig], taught: Sequence[str]
) -> dict[str, Maker]:
    def maker(config: ClassifierConfig) -> Maker:
        settings: dict[str, Any] = {} if config == ClassifierConfig() else {"classifier": config.model_dump()}
        settings |= {"generations": 20} if workshop.budget == "smoke" else {}
        return lambda seed: workshop.run(workshop.experiment("mnist-cppn", settings | {"seed": seed}))

    return {name: maker(config) for name, config in (dict(networks) | _ensemble_configs(networks, taught)).items()}


def _object_makers(
    workshop: Workshop, networks: Mapping[str, ClassifierConfig], taught: Sequence[str]
) -> dict[str, Maker]:
    files = workshop.imagenet_networks()

    def single(name: str) -> Maker:
        return lambda seed: imagenet_run(workshop, name, files[name], "cppn", seed)

    def together(config: ClassifierConfig) -> Maker:
        """As long as the run against one network, so that the two are compared at equal numbers of images."""

        def make(seed: int) -> Run:
            with single(taught[0])(seed) as like:
                experiment = like.experiment
            changed = experiment.model_copy(update={"classifier": config, "name": "imagenet-cppn-ensemble"})
            return workshop.run(changed)

        return make

    makers = {name: single(name) for name in networks}
    return makers | {name: together(config) for name, config in _ensemble_configs(networks, taught).items()}


def _table(
    workshop: Workshop,
    networks: Mapping[str, ClassifierConfig],
    taught: list[str],
    makers: Mapping[str, Maker],
    seeds: Sequence[int],
) -> tuple[TransferMatrix, list[str]]:
    """Images of every maker, and noise, shown to every network; and the members of the ensembles."""
    sets = []
    for name, make in makers.items():
        found = []
        for seed in seeds:
            with make(seed) as run:
                elites = elites_of(run, name=name)
            step = workshop.scale(smoke=max(1, len(elites) // _FEW), laptop=1, paper=1)
            found.append(elites.pick(range(0, len(elites), step)))
        sets.append(joined(found))
    judges = {name: workshop.scorer(workshop.classifier(c.spec, c.weights)) for name, c in networks.items()}
    first = next(iter(judges.values())).classifier
    shape = (first.channels, first.size, first.size)
    sets.append(noise_set(first.classes, shape, workshop.scale(smoke=_FEW, laptop=_NOISE, paper=_NOISE), seed=seeds[0]))
    workshop.check()
    matrix = transfer(sets, judges)
    return matrix, taught


def _claims(name: str, table: TransferMatrix) -> list[tuple[bool, str]]:
    """The paper's sentence: some images are as sure with both networks, some with one only."""
    reaching, n = table.reaching[SURE], len(table.judges)
    own = float(np.mean([reaching[i, i] for i in range(n)]))
    other = float(np.mean([reaching[i, j] for i in range(n) for j in range(n) if i != j]))
    text = (
        f"{name}: 99.99 % is reached by {share_text(own)} of images with the network they were evolved against, and "
        f"by {share_text(other)} with another (the paper: by some with both, by some with one only)."
    )
    return [(0 < other < own, text)]


def _ensembles(name: str, table: TransferMatrix, taught: Sequence[str]) -> str:
    """How images evolved against several networks do on those left out, beside images evolved against one."""
    out = [j for j, judge in enumerate(table.judges) if judge not in taught]
    rows = {source: i for i, source in enumerate(table.sources)}
    ways = {way: i for source, i in rows.items() for way in WAYS if source.startswith(f"{way} of ")}
    if not out or not ways:
        return ""
    members = [rows[member] for member in taught]
    alone, kept = (float(values[members][:, out].mean()) for values in (table.mean, table.agreement))
    means = {way: (float(table.mean[i, out].mean()), float(table.agreement[i, out].mean())) for way, i in ways.items()}
    together = ", ".join(f"{way} {percent(p)} (class kept by {share_text(kept)})" for way, (p, kept) in means.items())
    left_out = ", ".join(table.judges[j] for j in out)
    return (
        f"{name}: to networks left out ({left_out}) images evolved against one of {' and '.join(taught)} mean "
        f"{percent(alone)} (class kept by {share_text(kept)}), against both at once: {together}."
    )


def _rows(name: str, table: TransferMatrix, taught: Sequence[str]) -> list[Row]:
    noise = len(table.sources) - 1
    rows = []
    for i, source in enumerate(table.sources[:noise]):
        known = [source] if source in table.judges else taught
        others = [j for j, judge in enumerate(table.judges) if judge not in known]
        own = table.judges.index(source) if source in table.judges else None
        note = "" if own is None else f"its own network: {percent(float(table.mean[i, own]))}"
        rows += [
            Row(
                f"{name}, evolved against {source}: class kept by another network",
                share_text(float(table.agreement[i, others].mean())),
                control=share_text(float(table.agreement[noise, others].mean())),
                note=f"mean over {len(others)} networks",
            ),
            Row(
                f"{name}, evolved against {source}: mean confidence of another network",
                percent(float(table.mean[i, others].mean())),
                control=percent(float(table.mean[noise, others].mean())),
                note=note,
            ),
            Row(
                f"{name}, evolved against {source}: at least 99.99 % with another network",
                share_text(float(table.reaching[SURE][i, others].mean())),
                "some, not all",
                share_text(float(table.reaching[SURE][noise, others].mean())),
                f"with every network at once: {share_text(float(table.everywhere[SURE][i]))}",
            ),
        ]
    return rows


def _pictures(name: str, table: TransferMatrix) -> list[Picture]:
    labels = {"row_label": "evolved against", "label": "judged by"}
    return [
        Picture(
            f"{name} agreement",
            heat_map(table.agreement, table.sources, table.judges, **labels),
            f"{name}: share of images that each network takes for the class they were evolved for. The last row is "
            "uniform noise, each image with the next class in turn.",
        ),
        Picture(
            f"{name} confidence",
            heat_map(table.mean, table.sources, table.judges, **labels),
            f"{name}: mean confidence of each network in that class.",
        ),
    ]
