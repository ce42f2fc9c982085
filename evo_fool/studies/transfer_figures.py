"""What the page on transfer says of its matrices: claims, rows by kind of pair, pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo_fool.classifiers.ensemble import WAYS
from evo_fool.studies.charts import heat_map
from evo_fool.studies.section import Picture, Row, Verdict, judged, share_text
from evo_fool.studies.transfer import CHANCE, THRESHOLDS, TransferMatrix, beside_noise
from evo_fool.text import percent

SURE = 0.9999
"""What the paper counts as fooled by both networks."""

SAME = "same architecture, other start"
ALIKE = "same architecture, other start, trained as long"
OTHER = "other architecture"

Table = Callable[[TransferMatrix], np.ndarray]
Pairs = list[tuple[str, str]]
"""(the network that images were evolved against, another that judges them)."""


@dataclass(frozen=True, slots=True)
class TransferResult:
    """What became of images that were passed among the networks of one data set.

    Attributes:
        name: of the data set.
        evolved: the matrix of each seed, all of the same sources and networks.
        noise: that of noise, see :func:`.transfer_of_noise`.
        taught: the members of the ensembles.
        specs: name of a network -> its spec; networks of one architecture share it.
        recipes: name of a network -> how it was trained, where it is known; one architecture, one recipe: alike but for
            the start.
        evolved_images: scored by each evolution.
        noise_images: random images from which the control was chosen.
    """

    name: str
    evolved: tuple[TransferMatrix, ...]
    noise: TransferMatrix
    taught: tuple[str, ...]
    specs: Mapping[str, str]
    recipes: Mapping[str, str]
    evolved_images: int
    noise_images: int

    def to_json(self) -> dict[str, Any]:
        """The whole, JSON-able."""
        return {"by seed": [matrix.to_json() for matrix in self.evolved], "noise": self.noise.to_json()}

    def pairs(self) -> dict[str, Pairs]:
        """The pairs of every kind that there is."""
        names = self.noise.judges
        every = [(one, other) for one in names for other in names if one != other]
        kin = [pair for pair in every if len({self.specs[name] for name in pair}) == 1]
        alike = [pair for pair in kin if len({self.recipes.get(name) for name in pair}) == 1]
        kinds = {SAME: kin, ALIKE: alike if alike != kin else [], OTHER: [pair for pair in every if pair not in kin]}
        return {kind: pairs for kind, pairs in kinds.items() if pairs}


def verdict_of(results: Sequence[TransferResult]) -> tuple[Verdict, str]:
    """The verdict and its reason: at 99.99 %, or where no network has such an image of its own, at 99 % or 90 %."""
    untested: list[str] = []
    for threshold in sorted(THRESHOLDS, reverse=True):
        claims = []
        for part in results:
            found, missing = claims_of(part, threshold)
            claims += found
            untested += missing
        if claims:
            verdict, why = judged(claims)
            return verdict, " ".join([why, *untested])
    return "skipped", " ".join(untested)


def claims_of(result: TransferResult, threshold: float) -> tuple[list[tuple[bool, str]], list[str]]:
    """The paper's sentence at a threshold: some images reach it with both networks, some with their own alone.

    It is asked of networks that were trained alike but for their start, and of networks of other architectures.

    Returns:
        The claims, and a sentence for each that cannot be tested because no image reaches it with its own network.
    """
    claims, untested = [], []
    kinds, at = result.pairs(), _printed(threshold)
    for kind in (ALIKE if ALIKE in kinds else SAME, OTHER):
        if kind not in kinds:
            continue
        own_pairs = [(one, one) for one, _ in kinds[kind]]
        own = np.array([_mean(m, _reaching(threshold), own_pairs) for m in result.evolved])
        both = np.array([_mean(m, _both(threshold), kinds[kind]) for m in result.evolved])
        if not own.any():
            untested.append(f"{result.name}, {kind}: not tested at {at}, which no image reaches with its own network.")
            continue
        paper = "the paper asks it of ImageNet" if kind == OTHER and SAME in kinds else "the paper: some, not all"
        text = (
            f"{result.name}, {kind}: {_range(own, share_text)} of images reach {at} with the network that they were "
            f"evolved against, {_range(both, share_text)} with the other too ({paper})."
        )
        claims.append((0 < float(both.mean()) < float(own.mean()), text))
    return claims, untested


def rows_of(result: TransferResult) -> list[Row]:
    """With their own network, by kind of pair, ensembles with the networks left out, and chance."""
    own = [(name, name) for name in result.noise.judges]
    rows = [_row(result, f"their own network, at least {_printed(t)}", own, _reaching(t)) for t in THRESHOLDS]
    for kind, pairs in result.pairs().items():
        number = f"mean over {len(pairs)} pairs of networks" + (f": {_alike(result, pairs)}" if kind == ALIKE else "")
        if kind == SAME and ALIKE in result.pairs():
            trained = {name: result.recipes[name] for name, _ in pairs}
            number += (
                f"; they differ in training too ({', '.join(f'{n} {passes}' for n, passes in trained.items())}): "
                "only the budget paper trains them alike, minutes each"
            )
        rows += [
            _row(result, f"{kind}: class kept", pairs, lambda m: m.agreement, note=number),
            _row(result, f"{kind}: mean confidence", pairs, lambda m: m.mean, form=percent, note=number),
            *(
                _row(
                    result,
                    f"{kind}: at least {_printed(t)} with both",
                    pairs,
                    _both(t),
                    paper="some, not all" if t == SURE and (kind != OTHER or SAME not in result.pairs()) else None,
                    note=number,
                )
                for t in THRESHOLDS
            ),
        ]
    rows += _ensemble_rows(result)
    chance = result.noise.agreement[result.noise.sources.index(CHANCE)]
    note = f"{result.noise_images:,} images; 1 in the number of classes by construction"
    return [*rows, Row(f"{result.name}, {CHANCE}: class kept", share_text(float(chance.mean())), note=note)]


def _ensemble_rows(result: TransferResult) -> list[Row]:
    out = [name for name in result.noise.judges if name not in result.taught]
    members = len(result.taught)
    rows = []
    for source in result.noise.sources if out else ():
        if not source.startswith(tuple(f"{way} of " for way in WAYS)):
            continue
        pairs = [(source, name) for name in out]
        note = f"left out: {', '.join(out)}; each evolved image cost {members} forward passes, one a member"
        what = f"evolved against the {source}, networks left out"
        rows += [
            _row(result, f"{what}: class kept", pairs, lambda m: m.agreement, note=note),
            _row(result, f"{what}: mean confidence", pairs, lambda m: m.mean, form=percent, note=note),
            _row(result, f"{what}: at least {_printed(SURE)}", pairs, _reaching(SURE), note=note),
        ]
    return rows


def ensembles_text(result: TransferResult) -> str:
    """How images evolved against several networks do on those left out, beside images evolved against one."""
    out = [name for name in result.noise.judges if name not in result.taught]
    ways = {way: s for s in result.noise.sources for way in WAYS if s.startswith(f"{way} of ")}
    if not out or not ways:
        return ""

    def told(sources: Sequence[str]) -> str:
        pairs = [(source, name) for source in sources for name in out]
        mean, kept = (
            float(np.mean([_mean(m, table, pairs) for m in result.evolved]))
            for table in (lambda m: m.mean, lambda m: m.agreement)
        )
        return f"{percent(mean)} (class kept by {share_text(kept)})"

    together = ", ".join(f"{way} {told([source])}" for way, source in ways.items())
    return (
        f"{result.name}: the mean confidence of networks left out ({', '.join(out)}) in images evolved against one of "
        f"{' and '.join(result.taught)} is {told(result.taught)}, against all of these at once: {together}."
    )


def pictures_of(result: TransferResult) -> list[Picture]:
    """The matrices as heat maps, mean over seeds."""
    tables = [beside_noise(matrix, result.noise) for matrix in result.evolved]
    labels = {"row_label": "evolved against, or chosen from noise by", "label": "judged by"}

    def drawn(table: Table) -> bytes:
        mean = np.mean([table(matrix) for matrix in tables], axis=0)
        return heat_map(mean, tables[0].sources, tables[0].judges, **labels)

    return [
        Picture(
            f"{result.name} agreement",
            drawn(lambda m: m.agreement),
            f"{result.name}: share of images that each network takes for the class they were evolved for. Below, for "
            f"each class the best of {result.noise_images:,} random images by each network, and all of them with the "
            "classes in turn.",
        ),
        Picture(
            f"{result.name} confidence",
            drawn(lambda m: m.mean),
            f"{result.name}: mean confidence of each network in that class.",
        ),
    ]


def _row(
    result: TransferResult,
    what: str,
    pairs: Pairs,
    table: Table,
    *,
    form: Callable[[float], str] = share_text,
    paper: str | None = None,
    note: str = "",
) -> Row:
    control = (
        f"control: for each class the best of {result.noise_images:,} random images; an evolution scored "
        f"{result.evolved_images:,}"
    )
    ours = np.array([_mean(matrix, table, pairs) for matrix in result.evolved])
    return Row(
        f"{result.name}, {what}",
        _range(ours, form),
        paper,
        form(_mean(result.noise, table, pairs)),
        "; ".join(filter(None, (note, control))),
    )


def _mean(matrix: TransferMatrix, table: Table, pairs: Pairs) -> float:
    values = table(matrix)
    return float(np.mean([values[matrix.sources.index(one), matrix.judges.index(other)] for one, other in pairs]))


def _range(values: np.ndarray, form: Callable[[float], str]) -> str:
    """The mean over seeds, and the range where there is one."""
    mean, low, high = (form(float(value)) for value in (values.mean(), values.min(), values.max()))
    return mean if low == high else f"{mean} ({low} to {high} by seed)"


def _reaching(threshold: float) -> Table:
    return lambda matrix: matrix.reaching[threshold]


def _both(threshold: float) -> Table:
    return lambda matrix: matrix.both[threshold]


def _alike(result: TransferResult, pairs: Pairs) -> str:
    names = list(dict.fromkeys(one for one, _ in pairs))
    return f"{' and '.join(names)}, {result.recipes[names[0]]} each"


def _printed(threshold: float) -> str:
    return f"{100 * threshold:g} %"
