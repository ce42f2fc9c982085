"""Transfer from network to network: digits among five networks, and ImageNet's classes among those at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evo_fool.classifiers.spec import WAYS, ClassifierSpec
from evo_fool.runs import Run
from evo_fool.sections import ClassifierConfig
from evo_fool.studies.charts import heat_map
from evo_fool.studies.context import Context
from evo_fool.studies.data_folder import MnistData
from evo_fool.studies.digit_networks import SHIPPED, digit_networks
from evo_fool.studies.digit_runs import digit_run
from evo_fool.studies.elites import elites_of, noise_set
from evo_fool.studies.imagenet_runs import imagenet_run
from evo_fool.studies.section import Picture, Row, Table, Verdict, judged, share_text
from evo_fool.studies.study import Skipped, Study
from evo_fool.studies.transfer import Options
from evo_fool.studies.transfer.judges import judges_of
from evo_fool.studies.transfer.measure import CHANCE, THRESHOLDS, Matrix, beside_noise, transfer, transfer_of_noise
from evo_fool.text import percent

SURE = "0.9999"
"""What the paper counts as fooled by both networks."""

SAME = "same architecture, other start"
ALIKE = "same architecture, other start, trained as long"
OTHER = "other architecture"

_FEW = 50
"""Elites of a run that the smoke budget looks at: a thousand of them, by every network, take minutes."""

Pairs = Sequence[tuple[str, str]]
"""(the network that images were evolved against, another that judges them)."""

Part = dict[str, Any]
"""What became of images that were passed among the networks of one data set, JSON-able.

``by seed``: the matrix of each seed; ``noise``: that of noise. ``networks``: name -> ``spec`` and, where it is known,
``epochs`` of training: networks of one architecture share the spec. ``ensembles of``: their members. ``random images``:
from which the noise was chosen; ``images of an evolution``: that it scored.
"""


class Transfer(Study[Options]):
    key = "transfer"
    title = "Transfer from network to network"
    figures = "text"

    def measure(self, context: Context) -> dict[str, Any]:
        if self.options is not None:
            sets, judges, remarks = judges_of(self.options)
            context.remarks += remarks
            noise = noise_set(sets[0].classes, sets[0].images.shape[1:], self.options.noise, seed=1)
            return {"evolved": transfer(sets, judges), "noise": transfer_of_noise(noise, judges)}
        data = {}
        if (digits := context.data.mnist()) is not None:
            data["MNIST"] = self._digits(context, digits)
        if len(files := context.data.imagenet_networks()) > 1:
            data["ImageNet"] = self._objects(context, files)
        if not data:
            raise Skipped(
                "There is neither MNIST to train further networks on, nor are there two ImageNet networks: give --data."
            )
        return data

    def _digits(self, context: Context, data: MnistData) -> Part:
        networks = digit_networks(context, data)

        def evolved(name: str, config: ClassifierConfig, seed: int) -> Run:
            changed = {} if config == ClassifierConfig() else {"classifier": config.model_dump()}
            return digit_run(context, "mnist-cppn", seed, changed)

        noise = context.scale(smoke=_FEW, laptop=2000, paper=20_000)
        configs = {name: network.config for name, network in networks.items()}
        part = _compared(context, configs, [SHIPPED, f"{SHIPPED} B"], evolved, self.seeds(context), noise)
        return part | {"networks": {name: network.to_json() for name, network in networks.items()}}

    def _objects(self, context: Context, files: Mapping[str, Path]) -> Part:
        # Networks of one family where there are some, so that another family is left out.
        alike = [name for name in files if name.startswith("squeezenet")]
        members = alike if 1 < len(alike) < len(files) else list(files)[:-1]

        def evolved(name: str, config: ClassifierConfig, seed: int) -> Run:
            if name in files:
                return imagenet_run(context, name, files[name], "cppn", seed)
            # As long as the run against one network, so that the two are compared at equal numbers of images.
            with imagenet_run(context, members[0], files[members[0]], "cppn", seed) as like:
                experiment = like.experiment
            return context.run(experiment.model_copy(update={"classifier": config, "name": "imagenet-cppn-ensemble"}))

        noise = context.scale(smoke=_FEW, laptop=500, paper=5000)
        configs = {name: ClassifierConfig(spec=f"torchvision:{name}", weights=str(p)) for name, p in files.items()}
        return _compared(context, configs, members, evolved, context.seeds[:1], noise)

    def rows(self, data: dict[str, Any]) -> list[Row]:
        if self.options is not None:
            return []  # the table says it all
        return [row for name, part in data.items() for row in rows_of(name, part)]

    def table(self, data: dict[str, Any]) -> Table:
        return matrix_table(self.document(data))

    def document(self, data: dict[str, Any]) -> dict[str, Any]:
        return beside_noise(data["evolved"], data["noise"])

    def conclude(self, data: dict[str, Any]) -> tuple[Verdict, str]:
        """At 99.99 %, or where no network has such an image of its own, at 99 % or 90 %."""
        if self.options is not None:
            evolved = data["evolved"]
            reaching = zip(evolved["sources"], evolved["everywhere"]["0.99"], strict=True)
            return "new", self.sentence(dict(reaching), "asked")
        left_out = (_ensembles_left_out(name, part) for name, part in data.items())
        ensembles = [self.sentence(found, "ensembles") for found in left_out if found]
        untested: list[str] = []
        for threshold in reversed(THRESHOLDS):
            found = [claim for name, part in data.items() for claim in claims_of(name, part, threshold)]
            untested += [self.sentence(claim, "untested") for claim in found if claim["held"] is None]
            claims = [(claim["held"], self.sentence(claim, "claim")) for claim in found if claim["held"] is not None]
            if claims:
                verdict, why = judged(claims)
                return verdict, " ".join([why, *untested, *ensembles])
        return "skipped", " ".join([*untested, *ensembles])

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        if self.options is not None:
            drawn = matrix_picture([self.document(data)], "mean", "images")
            return [Picture("confidence", drawn, "Mean confidence of each network in the class of the images.")]
        return [picture for name, part in data.items() for picture in _pictures(name, part)]

    def settings(self, context: Context, data: dict[str, Any]) -> dict[str, Any]:
        keys = ("networks", "ensembles of", "random images")
        return {name: {key: part[key] for key in keys} for name, part in data.items()}

    def seeds(self, context: Context) -> tuple[int, ...]:
        return context.seeds[: context.scale(smoke=1, laptop=2, paper=5)]

    def commands(self, context: Context, data: dict[str, Any]) -> tuple[str, ...]:
        """What makes the second LeNet and the third, and an ensemble of the first two, outside of the report."""
        commands: list[str] = []
        if "MNIST" in data:
            for letter in "BC":
                network = data["MNIST"]["networks"][f"{SHIPPED} {letter}"]
                trained = f"--seed {network['seed']} --epochs {network['epochs']} --out {letter}.safetensors"
                commands.append(f"evo-fool train lenet --data DIR {trained}")
            commands += [
                "evo-fool run mnist-cppn --classifier ensemble:minimum:lenet-mnist+lenet-mnist@B.safetensors",
                "evo-fool study transfer RUN --judge lenet-mnist --judge lenet-mnist@C.safetensors",
            ]
        return (*commands, "evo-fool study transfer RUN RUN")


def _compared(
    context: Context,
    networks: Mapping[str, ClassifierConfig],
    members: list[str],
    evolved: Callable[[str, ClassifierConfig, int], Run],
    seeds: Sequence[int],
    noise: int,
) -> Part:
    """Images evolved against every network and against ensembles of ``members``, seed by seed, and ``noise`` random
    images, shown to every network; ``evolved`` finds the run of a name, a classifier and a seed.
    """
    ensembles = {f"{way} of {' + '.join(members)}": (way, members) for way in WAYS} if len(members) > 1 else {}
    specs = tuple(ClassifierSpec.of(networks[member]) for member in members)
    together = {name: ClassifierSpec("ensemble", way, ensembled=specs).config() for name, (way, _) in ensembles.items()}
    judges = {name: context.scorer(context.classifier(c.spec, c.weights)) for name, c in networks.items()}
    by_seed, evaluations = [], 0
    for seed in seeds:
        sets = []
        for name, config in (dict(networks) | together).items():
            with evolved(name, config, seed) as run:
                elites = elites_of(run, name=name)
                evaluations = run.summary()["evaluations"]
            step = context.scale(smoke=max(1, len(elites) // _FEW), laptop=1, paper=1)
            sets.append(elites.pick(range(0, len(elites), step)))
        context.check()
        by_seed.append(transfer(sets, judges))
    first = next(iter(judges.values())).classifier
    context.check()
    random = noise_set(first.classes, (first.channels, first.size, first.size), noise, seed=seeds[0])
    return {
        "by seed": by_seed,
        "noise": transfer_of_noise(random, judges, ensembles),
        "networks": {name: {"spec": config.spec} for name, config in networks.items()},
        "ensembles of": members,
        "random images": noise,
        "images of an evolution": evaluations,
    }


def pairs_of(part: Part) -> dict[str, Pairs]:
    """The pairs of networks of every kind that there is."""
    names, networks = part["noise"]["judges"], part["networks"]
    every = [(one, other) for one in names for other in names if one != other]

    def agree(key: str, pairs: Pairs) -> list[tuple[str, str]]:
        return [(one, other) for one, other in pairs if networks[one].get(key) == networks[other].get(key)]

    kin = agree("spec", every)
    alike = agree("epochs", kin)
    kinds = {SAME: kin, ALIKE: alike if alike != kin else [], OTHER: [pair for pair in every if pair not in kin]}
    return {kind: pairs for kind, pairs in kinds.items() if pairs}


def claims_of(name: str, part: Part, threshold: str) -> Iterator[dict[str, Any]]:
    """The paper's sentence at a threshold: some images reach it with both networks, some with their own alone.

    It is asked of networks that were trained alike but for their start, and of networks of other architectures. It
    neither holds nor fails (``held`` is None) where no image reaches the threshold with its own network.
    """
    kinds = pairs_of(part)
    for kind in (ALIKE if ALIKE in kinds else SAME, OTHER):
        if kind not in kinds:
            continue
        own_pairs = [(one, one) for one, _ in kinds[kind]]
        own = _by_seed(part, ("reaching", threshold), own_pairs)
        both = _by_seed(part, ("both", threshold), kinds[kind])
        yield {
            "name": name,
            "kind": kind,
            "at": _printed(threshold),
            "own": _range(own, share_text),
            "both": _range(both, share_text),
            "paper": "the paper asks it of ImageNet" if kind == OTHER and SAME in kinds else "the paper: some, not all",
            "held": 0 < float(both.mean()) < float(own.mean()) if own.any() else None,
        }


def rows_of(name: str, part: Part) -> list[Row]:
    """With their own network, by kind of pair, ensembles with the networks left out, and chance."""
    noise, kinds = part["noise"], pairs_of(part)
    control = (
        f"control: for each class the best of {part['random images']:,} random images; an evolution scored "
        f"{part['images of an evolution']:,}"
    )

    def row(what: str, pairs: Pairs, *table: str, note: str = "", paper: str | None = None) -> Row:
        text = percent if table == ("mean",) else share_text
        ours, chance = _range(_by_seed(part, table, pairs), text), text(_mean(noise, table, pairs))
        return Row(f"{name}, {what}", ours, paper, chance, "; ".join(filter(None, (note, control))))

    own = [(judge, judge) for judge in noise["judges"]]
    rows = [row(f"their own network, at least {_printed(t)}", own, "reaching", t) for t in THRESHOLDS]
    for kind, pairs in kinds.items():
        note = f"mean over {len(pairs)} pairs of networks" + _training(part, kind, kinds)
        paper = None if kind == OTHER and SAME in kinds else "some, not all"
        rows += [row(f"{kind}: {what}", pairs, table, note=note) for what, table, _ in _TABLES]
        for t in THRESHOLDS:
            what = f"{kind}: at least {_printed(t)} with both"
            rows.append(row(what, pairs, "both", t, note=note, paper=paper if t == SURE else None))
    out, members = _left_out(part), part["ensembles of"]
    note = f"left out: {', '.join(out)}; each evolved image cost {len(members)} forward passes, one a member"
    for source in _ensembles(part).values():
        pairs, label = [(source, judge) for judge in out], f"evolved against the {source}, networks left out"
        rows += [row(f"{label}: {what}", pairs, table, note=note) for what, table, _ in _TABLES]
        rows.append(row(f"{label}: at least {_printed(SURE)}", pairs, "reaching", SURE, note=note))
    chance = np.mean(noise["agreement"][noise["sources"].index(CHANCE)])
    note = f"{part['random images']:,} images; 1 in the number of classes by construction"
    return [*rows, Row(f"{name}, {CHANCE}: class kept", share_text(float(chance)), note=note)]


def _training(part: Part, kind: str, kinds: Mapping[str, Pairs]) -> str:
    """What a reader has to know of the training of networks of one architecture."""
    if ALIKE not in kinds or kind == OTHER:
        return ""
    epochs = {one: part["networks"][one]["epochs"] for one, _ in kinds[kind]}
    trained = {one: f"{n} {'passes' if n > 1 else 'pass'}" for one, n in epochs.items()}
    if kind == ALIKE:
        return f": {' and '.join(trained)}, {next(iter(trained.values()))} each"
    listed = ", ".join(f"{one} {passes}" for one, passes in trained.items())
    return f"; they differ in training too ({listed}): only the budget paper trains them alike, minutes each"


def _left_out(part: Part) -> list[str]:
    """The networks that are no member of the ensembles."""
    return [name for name in part["noise"]["judges"] if name not in part["ensembles of"]]


def _ensembles(part: Part) -> dict[str, str]:
    """Way -> source, where there are networks left out."""
    sources = part["noise"]["sources"] if _left_out(part) else []
    return {way: source for source in sources for way in WAYS if source.startswith(f"{way} of ")}


def _ensembles_left_out(name: str, part: Part) -> dict[str, Any] | None:
    """How images evolved against several networks do on those left out, beside images evolved against one."""
    out, ways = _left_out(part), _ensembles(part)
    if not ways:
        return None

    def told(sources: Sequence[str]) -> str:
        pairs = [(source, judge) for source in sources for judge in out]
        mean, kept = (float(_by_seed(part, (table,), pairs).mean()) for table in ("mean", "agreement"))
        return f"{percent(mean)} (class kept by {share_text(kept)})"

    members = part["ensembles of"]
    together = ", ".join(f"{way} {told([source])}" for way, source in ways.items())
    return {"name": name, "out": ", ".join(out), "members": members, "alone": told(members), "together": together}


def _pictures(name: str, part: Part) -> list[Picture]:
    """The matrices as heat maps, mean over seeds."""
    below = (
        f"Below, for each class the best of {part['random images']:,} random images by each network, and all of them "
        "with the classes in turn."
    )
    caption = f"{name}: share of images that each network takes for the class they were evolved for. {below}"
    whole = [beside_noise(matrix, part["noise"]) for matrix in part["by seed"]]
    label = "evolved against, or chosen from noise by"
    return [
        Picture(f"{name} agreement", matrix_picture(whole, "agreement", label), caption),
        Picture(
            f"{name} confidence",
            matrix_picture(whole, "mean", label),
            f"{name}: mean confidence of each network in that class.",
        ),
    ]


def matrix_picture(matrices: Sequence[Matrix], table: str, row_label: str) -> bytes:
    """A table of matrices as a heat map, their mean."""
    values, first = np.mean([matrix[table] for matrix in matrices], axis=0), matrices[0]
    return heat_map(values, first["sources"], first["judges"], row_label=row_label, label="judged by")


def matrix_table(matrix: Matrix, title: str = "") -> Table:
    """Each row of a matrix: what each network makes of these images."""
    lines = [
        (source, what, *map(text, values))
        for what, table, text in _TABLES
        for source, values in zip(matrix["sources"], matrix[table], strict=True)
    ]
    return Table(["images", "what", *(f" {judge}" for judge in matrix["judges"])], lines, title)


_TABLES = (("class kept", "agreement", share_text), ("mean confidence", "mean", percent))
"""What a table of a matrix shows, its name in the matrix, and how a number is written."""


def _mean(matrix: Matrix, table: Sequence[str], pairs: Pairs) -> float:
    """Over pairs of source and judge, of the table that the keys lead to."""
    values: Any = matrix
    for key in table:
        values = values[key]
    rows, columns = matrix["sources"], matrix["judges"]
    return float(np.mean([values[rows.index(one)][columns.index(other)] for one, other in pairs]))


def _by_seed(part: Part, table: Sequence[str], pairs: Pairs) -> np.ndarray:
    return np.array([_mean(matrix, table, pairs) for matrix in part["by seed"]])


def _range(values: np.ndarray, text: Callable[[float], str]) -> str:
    """The mean over seeds, and the range where there is one."""
    mean, low, high = (text(float(value)) for value in (values.mean(), values.min(), values.max()))
    return mean if low == high else f"{mean} ({low} to {high} by seed)"


def _printed(threshold: str) -> str:
    return f"{100 * float(threshold):g} %"
