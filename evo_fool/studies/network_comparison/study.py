"""Are other networks fooled as easily: robust and modern ones, networks for digits, colours and traffic signs?

The same search at the same number of images against each, beside random and drifted CPPNs; how natural images fare;
and what each network makes of the others' images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from evo_fool.classifiers.lenet import DIGITS
from evo_fool.classifiers.photographs import measure_accuracy
from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.errors import ConfigError
from evo_fool.jsonable import plain
from evo_fool.runs import Run, open_run
from evo_fool.sampling import evenly
from evo_fool.scenes.photographs import read_photographs
from evo_fool.sections import ClassifierConfig
from evo_fool.studies.charts import board
from evo_fool.studies.context import Context
from evo_fool.studies.digit_networks import digit_networks
from evo_fool.studies.elites import elites_of, test_digits
from evo_fool.studies.imagenet.measure import Arm
from evo_fool.studies.network_comparison import Options
from evo_fool.studies.network_comparison.runs import DRIFTED, EVOLVED, RANDOM, Network, make_runs, networks_of
from evo_fool.studies.run_groups import compared, spread_text
from evo_fool.studies.section import Picture, Row, Table, share_text, spread
from evo_fool.studies.study import Skipped, Study
from evo_fool.studies.transfer.measure import Matrix, transfer
from evo_fool.studies.transfer.study import matrix_picture, matrix_table
from evo_fool.studies.wilson import wilson
from evo_fool.text import percent

_TILES, _TILE = 10, 66
"""Images of each network in the picture, and the side of one: inputs of 28, 32 and 33 pixels are doubled."""
_FEW = 50
"""Classes of a network that has a line for each."""

Cells = list[tuple[np.ndarray | None, str]]


class NetworkComparison(Study[Options]):
    """Data: ``networks``, a list of ``name``, ``spec``, ``classes``, ``runs`` (kind -> the JSON of its
    :class:`~evo_fool.studies.imagenet.measure.Arm`) and ``natural`` (share of natural images that it gets right, with
    its interval and their number; None: there are none); ``transfer``, a list of matrices, see
    :data:`~evo_fool.studies.transfer.measure.Matrix`, over networks of the same classes and channels."""

    key = "network-comparison"
    title = "Are other networks fooled as easily?"

    def load(self, context: Context) -> tuple[dict[str, Any], dict[str, Cells]]:
        """The data, and images of each network."""
        if self.options is None:
            networks, photos, shown = _standard(context, self.seeds(context))
        else:
            networks, shown = _asked(context, self.options), self.options.shown
            photos = [None if path == "-" else Path(path) for path in self.options.photos]
        groups: dict[Any, list[Network]] = {}
        for network in networks.values():
            classifier = network.scorer.classifier
            groups.setdefault((classifier.channels, classifier.classes), []).append(network)
        sets = list(dict.fromkeys(classes for _, classes in groups))
        if len(photos) > len(sets):
            raise ConfigError(
                f"--photos {photos[-1]}: the networks have {len(sets)} set(s) of classes; give one for each"
            )
        natural = dict(zip_longest(sets, photos))
        entries, boards = [], {}
        for network in networks.values():
            entry, boards[network.name] = _described(network)
            entries.append(entry | {"natural": _natural(context, network, natural[network.scorer.classifier.classes])})
        matrices = [matrix for group in groups.values() for matrix in _transfer(group, shown)]
        return plain({"networks": entries, "transfer": matrices}), boards

    def measure(self, context: Context) -> dict[str, Any]:
        data: dict[str, Any] = self.loaded(context)[0]
        return data

    def rows(self, data: dict[str, Any]) -> list[Row]:
        rows = []
        for network in data["networks"]:
            arms, name = _arms(network), network["name"]
            evolved, controls = arms[EVOLVED], [arms[kind] for kind in (RANDOM, DRIFTED) if kind in arms]
            note = "; ".join(f"{kind} {_size(arm)}" for kind, arm in arms.items()) + _tested(name, arms)
            control = ", ".join(spread(np.median(arm.final, axis=1)) for arm in controls) or None
            medians = spread(np.median(evolved.final, axis=1))
            rows.append(Row(f"{name}: median over {len(network['classes'])} classes", medians, None, control, note))
            for least in (0.9, 0.99):
                ours, *others = (_reaching(arm, least) for arm in (evolved, *controls))
                what = f"{name}: classes at {100 * least:g} % or more"
                rows.append(Row(what, ours, None, ", ".join(others) or None, "control: " + _CONTROL if others else ""))
            if network["natural"]:
                share, low, high, n = network["natural"]
                interval = f"{share_text(share)} ({100 * low:.1f} to {100 * high:.1f})"
                rows.append(Row(f"{name}: natural images that it gets right", interval, note=f"{n:,} images"))
        return rows

    def tables(self, data: dict[str, Any]) -> list[Table]:
        found = [matrix_table(matrix, "What networks make of each other's images") for matrix in data["transfer"]]
        for network in data["networks"]:
            if len(network["classes"]) <= _FEW:
                arms = _arms(network)
                columns = ["class", *(f" {kind}" for kind in arms)]
                values = [map(percent, arm.by_class.tolist()) for arm in arms.values()]
                lines = list(zip(network["classes"], *values, strict=True))
                found.append(Table(columns, lines, f"{network['name']}: confidence by class, median over runs"))
        return found

    def values(self, data: dict[str, Any]) -> Mapping[str, Any]:
        found = []
        for network in data["networks"]:
            medians = {kind: float(np.median(arm.final, axis=1).mean()) for kind, arm in _arms(network).items()}
            sure = float((_arms(network)[EVOLVED].final >= 0.99).mean())
            found.append({"name": network["name"], "medians": medians, "sure": sure, "natural": network["natural"]})
        return {"found": sorted(found, key=lambda one: -one["medians"][EVOLVED])}

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        boards = self.loaded(context)[1]
        caption = "Evolved images of every network, of classes evenly spread, with their confidence."
        pictures = [Picture("images", board(list(boards.items()), tile=_TILE, label=190), caption)]
        for number, matrix in enumerate(data["transfer"], 1):
            caption = "Mean confidence of each network (columns) in the class of images that were found with another."
            pictures.append(Picture(f"transfer {number}", matrix_picture([matrix], "mean", "images"), caption))
        return pictures

    def seeds(self, context: Context) -> tuple[int, ...]:
        return context.seeds[: context.scale(smoke=1, laptop=1, paper=5)]

    def settings(self, context: Context, data: dict[str, Any]) -> dict[str, Any]:
        return {network["name"]: network["spec"] for network in data["networks"]}

    def commands(self, context: Context, data: dict[str, Any]) -> tuple[str, ...]:
        return ("evo-fool study network-comparison --classifier SPEC@WEIGHTS --classifier SPEC@WEIGHTS --photos DIR",)


_CONTROL = "random, then drifted CPPNs, as many images"


def _asked(context: Context, options: Options) -> dict[str, Network]:
    """The networks of the user, with runs."""
    configs = [ClassifierSpec.parse_with_weights(text).config() for text in options.classifiers]
    if not configs and not options.runs:
        raise ConfigError("there is no network to compare; name some: --classifier SPEC[@WEIGHTS], or give RUNs")
    networks = networks_of(context, configs, options.runs, context.folder / "runs")
    if not options.runs:
        for network in networks.values():
            make_runs(context, network, options.images, options.experiment, options.seeds)
    return networks


def _standard(context: Context, seeds: Sequence[int]) -> tuple[dict[str, Network], list[Path | None], int]:
    """The report's: ImageNet's networks and those for digits that there are data for; their photographs; how many
    images are shown to others."""
    files, digits = context.data.imagenet_networks(), context.data.mnist()
    configs = [ClassifierConfig(spec=f"torchvision:{name}", weights=str(path)) for name, path in files.items()]
    if digits is not None:
        configs += [network.config for network in digit_networks(context, digits).values()]
    if len(configs) < 2:
        raise Skipped("There are no two networks to compare: give --data a folder with mnist/ or imagenet/weights.")
    networks = networks_of(context, configs)
    images = context.scale(smoke=96, laptop=20_000, paper=200_000)
    for network in networks.values():
        make_runs(context, network, images, None, seeds, {"batch": 32} if context.budget == "smoke" else None)
    photos = context.data.photographs()
    return networks, [photos] if files and photos else [], context.scale(smoke=5, laptop=100, paper=1000)


def _described(network: Network) -> tuple[dict[str, Any], Cells]:
    """A network's entry of the data without ``natural``, and some of its evolved images."""
    arms = {}
    for kind in network.runs:
        with network.opened(kind) as runs:
            if len({run.generation for run in runs}) > 1:
                raise ConfigError(f"{network.name}: its {kind} runs have different numbers of generations")
            arms[kind] = Arm.of(runs)
            if kind == EVOLVED:
                cells = _cells(runs[0])
    classes = list(network.scorer.classifier.classes)
    made = {kind: arms[kind].to_json() for kind in (EVOLVED, RANDOM, DRIFTED) if kind in arms}
    return {"name": network.name, "spec": network.config.spec, "classes": classes, "runs": made}, cells


def _cells(run: Run) -> Cells:
    elites = run.elites
    chosen = [elites[i] for i in evenly(len(elites), _TILES)]
    return [(run.image(e.class_index), f"{e.class_name}\n{percent(e.probability)}") for e in chosen]


def _natural(context: Context, network: Network, photos: Path | None) -> tuple[float, float, float, int] | None:
    """The share of natural images that a network gets right, its interval, and their number."""
    scorer, classifier = network.scorer, network.scorer.classifier
    if photos is None:
        digits = context.data.mnist()
        if digits is None or (classifier.shape, classifier.classes) != ((1, 28, 28), DIGITS):
            return None
        images = test_digits(digits, len(digits.test.labels))
        right, n = int((scorer.score(images.images).argmax(axis=1) == images.targets).sum()), len(images)
    elif photos.suffix.lower() == ".npz":
        found = read_photographs(classifier, photos)
        if found.labels is None:
            raise ConfigError(f"--photos {photos}: holds no labels; save it with np.savez(path, images=…, labels=…)")
        right, n = int((scorer.score(found.images).argmax(axis=1) == found.labels).sum()), len(found)
    else:
        accuracy = measure_accuracy(scorer, photos)
        right, n = accuracy.first, accuracy.photos
    return (*wilson(right, n), n)


def _transfer(group: Sequence[Network], shown: int) -> list[Matrix]:
    """What networks of the same classes make of each other's images, mean over runs; none for one network alone."""
    if len(group) < 2:
        return []
    judges = {network.name: network.scorer for network in group}
    arms = [(network, kind) for kind in (EVOLVED, DRIFTED) for network in group if kind in network.runs]
    by_run = []
    for i in range(min(len(network.runs[kind]) for network, kind in arms)):
        sets = []
        for network, kind in arms:
            with open_run(network.runs[kind][i]) as run:
                held = [elite.class_index for elite in run.elites]
                name = network.name if kind == EVOLVED else f"{kind}, for {network.name}"
                sets.append(elites_of(run, [held[at] for at in evenly(len(held), shown)], name=name))
        by_run.append(transfer(sets, judges))
    tables = {key: np.mean([matrix[key] for matrix in by_run], axis=0).tolist() for key in ("agreement", "mean")}
    return [{"sources": by_run[0]["sources"], "judges": by_run[0]["judges"]} | tables]


def _arms(network: Mapping[str, Any]) -> dict[str, Arm]:
    return {kind: Arm.from_json(arm) for kind, arm in network["runs"].items()}


def _reaching(arm: Arm, least: float) -> str:
    """The share of classes that reach a confidence, mean over runs and range."""
    shares = arm.at_least(least) / arm.final.shape[1]
    return spread_text({"mean": float(shares.mean()), "low": shares.min(), "high": shares.max(), "rates": shares})


def _size(arm: Arm) -> str:
    runs = f"{len(arm.seeds)} run{'s' * (len(arm.seeds) > 1)}"
    return f"{runs} of {int(arm.images[-1]):,} images"


def _tested(name: str, arms: Mapping[str, Arm]) -> str:
    """Whether the medians of evolved runs and of drifted ones differ, where there are enough runs to say so."""
    groups = [
        {"setting": kind, "network": name, "share": None, "rates": np.median(arms[kind].final, axis=1).tolist()}
        for kind in (EVOLVED, DRIFTED)
        if kind in arms
    ]
    return "".join(f"; {EVOLVED} against {DRIFTED}: p = {pair['p']:.3g}" for pair in compared(groups))
