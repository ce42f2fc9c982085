"""Stability: whether images keep a network's confidence when they are moved, mirrored, recompressed or photographed.

Beside evolved images stand photographs, and the best of random images where there are such runs, both also at equal
confidence: what is surer has further to fall. Runs that differ in their seed alone are a group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.runs import Run, find_run, open_run
from evo_fool.sampling import evenly
from evo_fool.scene_sections import places
from evo_fool.scenes.photographs import read_photographs
from evo_fool.studies.charts import heat_map
from evo_fool.studies.context import Context
from evo_fool.studies.digit_runs import RANDOM, digit_run
from evo_fool.studies.elites import ImageSet, digest_of, elites_of, photographs, test_digits
from evo_fool.studies.imagenet_runs import imagenet_run, primary_network
from evo_fool.studies.networks import Networks
from evo_fool.studies.run_finder import opened
from evo_fool.studies.run_groups import compared, group_labels, over_runs, spread_text
from evo_fool.studies.section import Picture, Row, Table, share_text
from evo_fool.studies.stability import Options
from evo_fool.studies.stability.measure import Answers, beside
from evo_fool.studies.stability.transformations import UNCHANGED, transformations
from evo_fool.studies.study import Study
from evo_fool.studies.transfer.judges import own_networks
from evo_fool.text import percent

SURE = "0.9"
PHOTOGRAPHS = "photographs"
_CONTROLS = ("random", PHOTOGRAPHS)
"""Kinds of images that evolution did not make."""
_TOLD = ("shifted 1 px", "JPEG 75", "printed and photographed")
"""What the sentences say."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Images and the network that sees them.

    Attributes:
        images: their name is distinct among those of a network.
        setting: what their run shares with those of other seeds, or :data:`PHOTOGRAPHS`.
        kind: the run's ``search.kind``, or :data:`PHOTOGRAPHS`.
        network: the name of the network.
        scorer: asks it.
    """

    images: ImageSet
    setting: str
    kind: str
    network: str
    scorer: Scorer


class Stability(Study[Options]):
    key = "stability"
    title = "Images that the network sees twice"

    def load(self, context: Context) -> list[Subject]:
        return _reported(context, self.seeds(context)) if self.options is None else _asked(context, self.options)

    def measure(self, context: Context) -> dict[str, Any]:
        subjects, seed = self.loaded(context), self.options.seed if self.options else context.seeds[0]
        networks = {one.network: one.scorer.classifier.fingerprint()[:12] for one in subjects}
        labels = [f"{one.images.name} {one.setting}" for one in subjects]
        key = f"stability {digest_of(*(one.images for one in subjects))} of {labels} on {networks}, seed {seed}"
        return context.cache(key, lambda: _measured(context, subjects, seed))

    def rows(self, data: dict[str, Any]) -> list[Row]:
        kept, sure = _groups(data, "kept", SURE), _groups(data, "kept", "0.99")
        at = _groups(data, "reaching", SURE)
        medians, classes = _groups(data, "median"), _groups(data, "class kept")
        rows = []
        for key, group in medians.items():
            setting, network, transformation = key
            if setting == PHOTOGRAPHS:
                continue
            controls = [
                f"{share_text(one['mean'])} ({other[0]})"
                for other, one in kept.items()
                if other[1:] == key[1:] and _is_control(data, other[0]) and other[0] != setting
            ]
            note = [f"median {percent(group['mean'])}"]
            note += [
                f"{what} {spread_text(found[key])}"
                for what, found in (("at 99 %", sure), ("class kept", classes))
                if key in found
            ]
            runs = len(group["rates"])
            what, stays = f"{transformation}: still at 90 %", kept.get(key)
            if transformation == UNCHANGED:
                what, stays, controls, note = "at 90 %", at[key], [], note[:1]
            note += [f"mean of {runs} runs"] if runs > 1 else []
            label, ours = f"{setting} on {network}, {what}", None if stays is None else spread_text(stays)
            rows.append(Row(label, ours, control=", ".join(controls) or None, note="; ".join(note)))
        return rows

    def tables(self, data: dict[str, Any]) -> list[Table]:
        """Images beside others of equal confidence, and groups of runs beside each other."""
        columns = [
            "transformation",
            " median",
            " the other",
            " still at 90 %",
            " the other",
            " class kept",
            " the other",
        ]
        found = []
        for (setting, other, network), entries in _pairs(data).items():
            lines = []
            for name in data["transformations"]:
                ours, theirs = (_means(entries, side, name) for side in ("ours", "theirs"))
                lines.append((name, *chain.from_iterable(zip(ours, theirs, strict=True))))
            pairs = ", ".join(str(entry["pairs"]) for entry in entries)
            title = f"{setting} beside {other} on {network}, {pairs} pairs of equal confidence"
            found.append(Table(columns, lines, title))
        lines = [
            (
                pair["first"]["share"],
                f"{pair['first']['setting']} less {pair['second']['setting']}, on {pair['first']['network']}",
                f"{100 * (pair['first']['mean'] - pair['second']['mean']):+.1f} points",
                f"{pair['p']:.3g}",
                f"{pair['least']:.2g}",
            )
            for pair in compared(list(_groups(data, "kept", SURE).values()))
            if pair["first"]["share"] != UNCHANGED
        ]
        title = "Groups of at least three runs, share still at 90 %; Mann–Whitney over runs"
        columns = ["transformation", "groups", " difference", " p", " least p"]
        return [*found, Table(columns, lines, title)] if lines else found

    def values(self, data: dict[str, Any]) -> dict[str, Any]:
        at, kept = _groups(data, "reaching", SURE), _groups(data, "kept", SURE)
        told = []
        for (setting, network, transformation), group in at.items():
            if transformation != UNCHANGED:
                continue
            stays = [
                (name, share_text(kept[setting, network, name]["mean"]))
                for name in _TOLD
                if (setting, network, name) in kept
            ]
            told.append({"setting": setting, "network": network, "at": spread_text(group), "stays": stays})
        return {"told": told}

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        kept = _groups(data, "kept", SURE)
        columns = list(dict.fromkeys(key[:2] for key in kept))
        if not columns:
            return []
        names = data["transformations"][1:]
        values = np.array([[kept[(*column, name)]["mean"] for column in columns] for name in names])
        titles = ["\n".join(f"{setting}, {network}".split(", ")) for setting, network in columns]
        drawn = heat_map(values, names, titles, row_label="", label="of the images at 90 % or more")
        caption = "Share of the images at 90 % or more that stay there, mean over runs."
        return [Picture("stability", drawn, caption)]

    def seeds(self, context: Context) -> tuple[int, ...]:
        return context.seeds[: context.scale(smoke=1, laptop=3, paper=len(context.seeds))]

    def commands(self, context: Context, data: dict[str, Any]) -> tuple[str, ...]:
        return (
            "evo-fool run mnist-cppn",
            "evo-fool run mnist-cppn -S scoring.view=random-8",
            "evo-fool run mnist-random",
            "evo-fool run imagenet-cppn --weights squeezenet1_1.pt",
            "evo-fool run imagenet-random --weights squeezenet1_1.pt",
            "evo-fool study stability RUN… --photos DIR",
        )


def _asked(context: Context, options: Options) -> list[Subject]:
    """The runs that the user names, and the photographs of their classes as each network is shown them."""
    with opened(open_run(find_run(text, options.out)) for text in options.runs) as runs:
        if len({run.path.resolve() for run in runs}) < len(runs):
            raise ConfigError("a run is given twice; name each RUN once")
        networks, names, remarks = own_networks(runs, options.classifiers, options.device)
        found = _subjects(runs, networks, names, options.limit)
    context.remarks += remarks
    if options.photos is None:
        return found
    span = None if options.between is None else places(options.between)
    for name, scorer in networks.scorers.items():
        read = read_photographs(scorer.classifier, Path(options.photos), between=span)
        if read.labels is None:
            raise ConfigError(f"--photos {options.photos}: nothing says their classes; give one folder a class")
        images = ImageSet(PHOTOGRAPHS, read.images, read.labels, tuple(scorer.classifier.classes))
        found += _photographs(images, name, scorer, found)
    return found


def _reported(context: Context, seeds: Sequence[int]) -> list[Subject]:
    """The report's runs on digits, with and without random views, and ImageNet's, each with its controls."""
    most = context.scale(smoke=50, laptop=200, paper=1000)
    view = {"scoring.view": context.scale(smoke="random-2", laptop="random-8", paper="random-8")}
    lenet = context.scorer(context.classifier())
    made: list[tuple[Callable[[], Run], Scorer]] = [
        (partial(digit_run, context, preset, seed, settings), lenet)
        for preset, settings in (("mnist-cppn", {}), ("mnist-cppn", view), RANDOM["cppn"])
        for seed in seeds
    ]
    natural: dict[str, ImageSet] = {}
    networks = Networks()
    if (digits := context.data.mnist()) is not None:
        natural[networks.add(lenet)] = test_digits(digits, most)
    if network := primary_network(context):
        scorer = context.scorer(context.classifier(f"torchvision:{network[0]}", network[1]))
        made += [(partial(imagenet_run, context, *network, kind, seeds[0]), scorer) for kind in ("cppn", "random")]
        if (folder := context.data.photographs()) is not None:
            natural[networks.add(scorer)] = photographs(scorer.classifier, folder, most)
    with opened(make() for make, _ in made) as runs:
        found = _subjects(runs, networks, [networks.add(scorer) for _, scorer in made], most)
    for name, images in natural.items():
        found += _photographs(images, name, networks.scorers[name], found)
    return found


def _subjects(runs: Sequence[Run], networks: Networks, names: Sequence[str], limit: int | None) -> list[Subject]:
    found = []
    for run, setting, network in zip(runs, group_labels(runs), names, strict=True):
        images = elites_of(run)
        images = images.pick(evenly(len(images), limit or len(images)))
        found.append(Subject(images, setting, run.experiment.search.kind, network, networks.scorers[network]))
    return found


def _photographs(images: ImageSet, network: str, scorer: Scorer, found: Sequence[Subject]) -> Iterator[Subject]:
    """Those of the classes of a network's images; they are inputs already, which no view crops."""
    classes = np.concatenate([one.images.targets for one in found if one.network == network])
    rows = np.flatnonzero(np.isin(images.targets, classes))
    if len(rows):
        plain = Scorer(scorer.classifier, batch=scorer.batch, view="auto", device=scorer.device)
        yield Subject(images.pick(rows), PHOTOGRAPHS, PHOTOGRAPHS, network, plain)


def _measured(context: Context, subjects: Sequence[Subject], seed: int) -> dict[str, Any]:
    answers, names = [], []
    for one in subjects:
        context.check()
        by_name = transformations(one.images.images.shape[1:], seed)
        names = list(by_name)
        answers.append(Answers.of(one.scorer, one.images, by_name))
    sets, pairs, order = [], [], list(dict.fromkeys(one.setting for one in subjects))
    for one, found in zip(subjects, answers, strict=True):
        entry = {"name": one.images.name, "setting": one.setting, "network": one.network, "kind": one.kind}
        sets.append(entry | {"images": len(one.images), "under": found.summary()})
        others: dict[str, list[Answers]] = {}
        for other, theirs in zip(subjects, answers, strict=True):
            if _compare(one, other, order):
                others.setdefault(other.setting, []).append(theirs)
        for setting, several in others.items():
            pairs.append(entry | {"beside": setting} | beside(found, Answers.joined(several)))
    return {"transformations": names, "sets": sets, "pairs": pairs}


def _compare(one: Subject, other: Subject, order: Sequence[str]) -> bool:
    """Whether one stands beside the other at equal confidence: evolved images beside controls and later settings."""
    if one.network != other.network or one.setting == other.setting or one.kind in _CONTROLS:
        return False
    return other.kind in _CONTROLS or order.index(one.setting) < order.index(other.setting)


def _is_control(data: dict[str, Any], setting: str) -> bool:
    return any(one["setting"] == setting and one["kind"] in _CONTROLS for one in data["sets"])


def _groups(data: dict[str, Any], *table: str) -> dict[tuple[str, str, str], dict[str, Any]]:
    """What the runs of a group come to, by setting, network and transformation; without those that have no number."""
    made = [{"name": one["name"], "setting": one["setting"], "photographs": None} for one in data["sets"]]
    effects = []
    for one in data["sets"]:
        for name, value in one["under"].items():
            for key in table:
                value = value[key]
            if value is not None:
                effects.append({"name": one["name"], "network": one["network"], "share": name, "rate": value})
    return {(g["setting"], g["network"], g["share"]): g for g in over_runs(made, effects, "rate")}


def _pairs(data: dict[str, Any]) -> dict[tuple[str, str, str], list[dict[str, Any]]]:
    """The runs that have pairs, by setting, the other setting and network."""
    found: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for entry in data["pairs"]:
        if entry["pairs"]:
            found.setdefault((entry["setting"], entry["beside"], entry["network"]), []).append(entry)
    return found


def _means(entries: Sequence[dict[str, Any]], side: str, transformation: str) -> list[str]:
    """Median, share still at 90 % and share of classes kept, means over runs, as texts."""
    under = [entry[side][transformation] for entry in entries]
    found = [percent(float(np.mean([one["median"] for one in under])))]
    for values in ([one["kept"][SURE] for one in under], [one["class kept"] for one in under]):
        known = [value for value in values if value is not None]
        found.append(share_text(float(np.mean(known))) if known else "–")
    return found
