"""Patches on held-out photographs: by gradient, evolved and published, beside a photograph of the class and noise.

Targeted success is that of Brown et al. (2017): the share of photographs that the network takes for the patch's class.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.runs import find_run, open_run
from evo_fool.sampling import evenly
from evo_fool.scenes.photographs import Photographs, read_photographs
from evo_fool.scenes.placement import Form, side_of
from evo_fool.studies.charts import board
from evo_fool.studies.context import Context
from evo_fool.studies.held_out import held_out, networks_of, source_of
from evo_fool.studies.patch import Options
from evo_fool.studies.patch.measure import patched, placements, success
from evo_fool.studies.patch.patches import (
    PlacedPatch,
    natural_patch,
    noise_picture,
    patch_of,
    read_published,
    surest,
)
from evo_fool.studies.run_groups import group_labels, over_runs, rows_over_runs
from evo_fool.studies.section import Picture, Row, share_text
from evo_fool.studies.study import Skipped, Study
from evo_fool.studies.universal.measure import answered, effect, predictions

_SHOWN = 6
"""Photographs on the board."""

_NATURAL = "natural"


@dataclass(frozen=True, slots=True)
class Material:
    """What is compared.

    Attributes:
        photographs: held out.
        networks: by name.
        patches: those asked for, and photographs of their classes last.
    """

    photographs: Photographs
    networks: dict[str, Scorer]
    patches: list[PlacedPatch]


class Patches(Study[Options]):
    key = "patch"
    title = "Adversarial patches"

    def load(self, context: Context) -> Material:
        if self.options is None:
            raise Skipped("patches are those of runs, or published ones; name some")
        options = self.options
        if not options.runs and not options.published:
            raise ConfigError("there is no patch to test; give a RUN or --published FILE.png")
        with ExitStack() as stack:
            runs = [stack.enter_context(open_run(find_run(text, options.out))) for text in options.runs]
            networks = networks_of(context, options.classifiers, runs)
            scorer = next(iter(networks.values()))
            patches = [
                patch_of(run, options.target, scorer.classifier, setting)
                for run, setting in zip(runs, group_labels(runs), strict=True)
            ]
            for path in options.published:
                patches += read_published(Path(path), scorer.classifier)
            photographs = held_out(context, runs, networks, options.photos, options.between)
            source = source_of(runs, options.photos)
        if len({one.name for one in patches}) < len(patches):
            raise ConfigError("a patch is given twice; name each RUN and --published once")
        naturals = self._naturals(context, scorer, patches, source)
        pasted = {one.source for one in naturals}
        rows = [i for i, image in enumerate(photographs.images) if image.tobytes() not in pasted]
        return Material(photographs.pick(np.array(rows, np.int64)), networks, patches + naturals)

    def _naturals(
        self, context: Context, scorer: Scorer, patches: list[PlacedPatch], source: Path
    ) -> list[PlacedPatch]:
        """Photographs of the classes that the patches are made for, in their forms."""
        options, classifier = self.options or Options(), scorer.classifier
        by_runs = {one.target for one in patches if one.kind != "published"}
        targets = by_runs or {one.target for one in patches}
        images: dict[int, np.ndarray | None]
        if options.natural:
            if len(targets) != 1:
                raise ConfigError(
                    f"--natural {options.natural}: the patches are of {len(targets)} classes; leave it out"
                )
            images = dict.fromkeys(targets, read_photographs(classifier, Path(options.natural)).images[0])
        else:
            everything = read_photographs(classifier, source)
            images = {one.target: surest(scorer, everything, one.target) for one in patches}
        for target in by_runs:
            if images[target] is None:
                name = classifier.classes[target]
                context.remarks.append(f"{source} has no photograph of {name} to stand beside; give --natural FILE")
        forms = dict.fromkeys((one.target, one.form) for one in patches)
        return [
            natural_patch(classifier, image, target, form)
            for target, form in forms
            if (image := images.get(target)) is not None
        ]

    def measure(self, context: Context) -> dict[str, Any]:
        material, options = self.loaded(context), self.options or Options()
        photographs, labels = material.photographs, material.photographs.labels
        clean = {name: predictions(scorer, photographs.images) for name, scorer in material.networks.items()}
        found = []
        for share in options.shares:
            noise: dict[Form, dict[str, np.ndarray]] = {}
            for one in material.patches:
                places = self._places(material, one.form, share)
                if one.form not in noise:
                    shape = photographs.images.shape
                    picture = noise_picture(one.form, share, (shape[1], shape[2], shape[3]), options.seed)
                    noise[one.form] = _answers(material, patched(photographs.images, picture, one.form, places))
                side = side_of(one.form, share, _size(photographs))
                after = _answers(material, patched(photographs.images, one.at(side), one.form, places))
                for name, scorer in material.networks.items():
                    before, by_noise = clean[name], noise[one.form][name]
                    entry = {"name": one.name, "network": name, "share": share, "noise": {}}
                    entry["own"] = one.made_on == scorer.classifier.fingerprint()
                    for into, answers in ((entry, after[name]), (entry["noise"], by_noise)):
                        into |= effect(before, answers, labels, scorer.classifier.classes)
                        into |= success(before, answers, labels, one.target)
                    found.append(entry)
        targets = {one.target for one in material.patches}
        classes = next(iter(material.networks.values())).classifier.classes
        return {
            "photographs": len(photographs),
            "shares": list(options.shares),
            "rotation": options.rotation,
            "classes": {str(target): classes[target] for target in sorted(targets)},
            "patches": [one.to_json() for one in material.patches],
            "effects": found,
        }

    def rows(self, data: dict[str, Any]) -> list[Row]:
        made = {one["name"]: one for one in data["patches"]}
        rows = []
        for entry in sorted(data["effects"], key=lambda entry: (entry["network"], entry["share"])):
            one, noise = made[entry["name"]], entry["noise"]
            beside = [f"noise {share_text(noise['hit'])}"]
            if (natural := _natural(data, one, entry)) is not None:
                beside.append(f"photograph {share_text(natural['hit'])}")
            own = " (its own)" if entry["own"] else ""
            made_on = f"; made on {one['photographs']} photographs" if one["photographs"] else ""
            rows.append(
                Row(
                    f"{one['name']} ({one['kind']}) at {100 * entry['share']:g} % on {entry['network']}{own}",
                    _rate(entry, "hit", "hit_low", "hit_high"),
                    control=", ".join(beside),
                    note=f"{data['classes'][str(one['target'])]}, of {entry['tested']}; answers changed "
                    f"{_rate(entry, 'fooled', 'low', 'high')}, by noise {share_text(noise['fooled'])}{made_on}",
                )
            )
        return rows + rows_over_runs(over_runs(data["patches"], data["effects"], "hit"))

    def values(self, data: dict[str, Any]) -> dict[str, Any]:
        kinds = {one["name"]: one["kind"] for one in data["patches"]}
        asked = [entry for entry in data["effects"] if kinds[entry["name"]] != _NATURAL]
        above = sum(entry["hit_low"] > entry["noise"]["hit_high"] for entry in asked)
        by_kind = []
        for kind in dict.fromkeys(kinds.values()):
            for share in data["shares"]:
                each = [e for e in data["effects"] if kinds[e["name"]] == kind and e["share"] == share]
                hits, changed = ([e[key] for e in each] for key in ("hit", "fooled"))
                by_kind.append({"kind": kind, "share": share, "hits": _range(hits), "changed": _range(changed)})
        return {"by_kind": by_kind, "pairs": len(asked), "above": above}

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        material, options = self.loaded(context), self.options or Options()
        name, scorer = next(iter(material.networks.items()))
        share = sorted(options.shares)[len(options.shares) // 2]
        shown = evenly(len(material.photographs), _SHOWN)
        rows = [("clean", [(None, ""), *answered(scorer, material.photographs.images[shown])])]
        for one in material.patches:
            places = self._places(material, one.form, share)
            at = one.at(side_of(one.form, share, _size(material.photographs)))
            images = patched(material.photographs.images[shown], at, one.form, [places[i] for i in shown.tolist()])
            rows.append((one.name, [(one.picture, scorer.classifier.classes[one.target]), *answered(scorer, images)]))
        caption = f"What {name} answers to held-out photographs, clean and with each patch at {100 * share:g} % of the "
        caption += "area; before them the patch and its class."
        return [Picture("patch", board(rows, tile=112, label=190), caption, borrowed=True)]

    def _places(self, material: Material, form: Form, share: float) -> Any:
        options = self.options or Options()
        n, size = len(material.photographs), _size(material.photographs)
        return placements(n, form, share, rotation=options.rotation, size=size, seed=options.seed)


def _size(photographs: Photographs) -> tuple[int, int]:
    return photographs.images.shape[2], photographs.images.shape[3]


def _answers(material: Material, images: np.ndarray) -> dict[str, np.ndarray]:
    """The class that each network answers, by its name, int64 ``(n,)``."""
    return {name: predictions(scorer, images) for name, scorer in material.networks.items()}


def _natural(data: dict[str, Any], one: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any] | None:
    """What the photograph of the same class does in the same form, at the same share, to the same network."""
    if one["kind"] == _NATURAL:
        return None
    like = {
        other["name"]
        for other in data["patches"]
        if other["kind"] == _NATURAL and (other["target"], other["form"]) == (one["target"], one["form"])
    }
    same = (
        other
        for other in data["effects"]
        if other["name"] in like and (other["network"], other["share"]) == (entry["network"], entry["share"])
    )
    return next(same, None)


def _rate(entry: dict[str, Any], rate: str, low: str, high: str) -> str:
    return f"{share_text(entry[rate])} ({100 * entry[low]:.1f} to {100 * entry[high]:.1f})"


def _range(rates: list[float]) -> str:
    """One rate, or the least and the largest."""
    if min(rates) == max(rates):
        return share_text(rates[0])
    return f"{100 * min(rates):.1f} to {share_text(max(rates))}"
