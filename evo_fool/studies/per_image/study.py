"""Changes of single photographs and digits: Szegedy et al., "Intriguing properties of neural networks" (ICLR 2014)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from evo_fool.probability import probability
from evo_fool.sampling import evenly
from evo_fool.studies.charts import board, heat_map
from evo_fool.studies.context import Context
from evo_fool.studies.per_image import Options
from evo_fool.studies.per_image.changed import Material, of_photographs, of_runs
from evo_fool.studies.per_image.digits import DEVIATIONS, JUDGES, TABLE, digit_tables, noisy
from evo_fool.studies.per_image.measure import NOISE, Changed, carried_over
from evo_fool.studies.section import Picture, Row, Verdict, judged, share_text
from evo_fool.studies.study import Skipped, Study
from evo_fool.text import percent

_ALEXNET = ".0065 (AlexNet)"
"""Szegedy et al., section 4.2: the mean distortion of 64 photographs."""

_SHOWN = 10
"""Photographs on the board."""


class PerImage(Study[Options]):
    key = "per-image"
    title = "Changes of single images"

    def load(self, context: Context) -> Material | None:
        if self.options is not None:
            return of_runs(context, self.options)
        n = context.scale(smoke=1, laptop=10, paper=100)
        return of_photographs(context, n, context.scale(smoke={"searches": 1}, laptop={}, paper={}))

    def measure(self, context: Context) -> dict[str, Any]:
        data: dict[str, Any] = {}
        if self.options is None and (mnist := context.data.mnist()):
            data["digits"] = digit_tables(context, mnist)
        if material := self.loaded(context):
            seed = context.seeds[0] if self.options is None else self.options.seed
            data["photographs"] = [carried_over(changed, material[1], seed) for changed in material[0]]
        if not data:
            raise Skipped("It changes digits and photographs, and the data folder has neither: --data DIR.")
        return data

    def rows(self, data: dict[str, Any]) -> list[Row]:
        digits = self._digit_rows(data["digits"]) if "digits" in data else []
        return [*digits, *(row for entry in data.get("photographs", []) for row in _photograph_rows(entry))]

    def _digit_rows(self, digits: dict[str, Any]) -> list[Row]:
        rows = []
        for name, published in TABLE.items():
            entry = digits["networks"][name]
            rows.append(Row(f"MNIST, {name}: test error", share_text(entry["error"]), f"{100 * published.error:g} %"))
            note = f"{share_text(entry['success'])} of {digits['digits']} digits hit their class, as bytes"
            what = f"MNIST, {name}: mean distortion"
            rows.append(Row(what, f"{entry['distortion']:.3f}", f"{published.distortion:g}", note=note))
        judges = ", ".join(JUDGES)
        errors = digits["errors"]
        rows.append(Row(f"MNIST, clean: error of {judges}", _errors(errors["clean"])))
        for name, published in TABLE.items():
            control = "; ".join(_errors(errors[f"{name}, {noise}"]) for noise in NOISE)
            rows.append(
                Row(
                    f"MNIST, changed for {name}: error of {judges}",
                    _errors(errors[name]),
                    published.carried and _printed(published.carried),
                    control,
                    f"the control: {'; '.join(NOISE)}",
                )
            )
        for deviation, carried in DEVIATIONS.items():
            what = f"MNIST, Gaussian noise of deviation {deviation:g}: error of {judges}"
            rows.append(Row(what, _errors(errors[noisy(deviation)]), _printed(carried)))
        return rows

    def values(self, data: dict[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {"noises": NOISE, "entries": list(_summaries(data.get("photographs", [])))}
        if "digits" in data:
            errors, names = data["digits"]["errors"], list(TABLE)

            def elsewhere(suffix: str = "") -> float:
                pairs = [(made, judge) for made in names for judge in names if made != judge]
                return float(np.mean([errors[made + suffix][judge] for made, judge in pairs]))

            networks = data["digits"]["networks"].values()
            distortions = [entry["distortion"] for entry in networks]
            values |= {
                "success": min(entry["success"] for entry in networks),
                "least": min(distortions),
                "most": max(distortions),
                "carried": elsewhere(),
                "controls": [elsewhere(f", {noise}") for noise in NOISE],
                "noisy": [(d, float(np.mean(list(errors[noisy(d)].values())))) for d in DEVIATIONS],
                "clean": float(np.mean(list(errors["clean"].values()))),
            }
        return values

    def conclude(self, data: dict[str, Any]) -> tuple[Verdict, str]:
        after = [self.sentence(data, "photographs")] if "photographs" in data else []
        if "digits" not in data:
            return "new", " ".join(after)
        values = self.values(data)
        claims = {"changed": values["success"] == 1, "carried": values["carried"] > values["controls"][1]}
        verdict, why = judged([(held, self.sentence(data, block)) for block, held in claims.items()])
        return verdict, " ".join([why, *after])

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        pictures = []
        if material := self.loaded(context):
            for number, changed in enumerate(material[0]):
                pictures.append(_board(changed, material[1], number))
        if "digits" in data:
            errors = data["digits"]["errors"]
            rows = [*TABLE, *(noisy(d) for d in DEVIATIONS), "clean"]
            values = np.array([[errors[row][name] for name in TABLE] for row in rows])
            chart = heat_map(values, rows, list(TABLE), row_label="digits changed for", label="error of")
            caption = "The share of digits that each network misclassifies, by the network that they were changed for."
            pictures.append(Picture("cross-errors", chart, caption))
        return pictures

    def settings(self, context: Context, data: dict[str, Any]) -> dict[str, Any]:
        digits = data.get("digits", {})
        return {key: digits[key] for key in ("digits", "epochs") if key in digits}


def _photograph_rows(entry: dict[str, Any]) -> Iterator[Row]:
    """Size, and a row a network."""
    name = f"{entry['name']} ({entry['kind']}), {entry['pairs']} photographs"
    low, middle, high = entry["distortion"]
    size = f"quartiles {low:.4f} and {high:.4f}; largest change of a value: {entry['linf'][1]:g} of 255 (median)"
    yield Row(f"{name}: median distortion", f"{middle:.4f}", _ALEXNET, note=size)
    for network, on in entry["on"].items():
        own = " (its own)" if on["own"] else ""
        for what, label in (("hit", "the answer is the target"), ("changed", "the answer changed")):
            yield Row(
                f"{name} on {network}{own}: {label}",
                _interval(on["made"][what]),
                "all" if on["own"] and what == "hit" and entry["kind"] == "lbfgs" else None,
                ", ".join(share_text(on[noise][what][0]) for noise in NOISE),
            )


def _summaries(entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the sentences say of each method."""
    for entry in entries:
        own = [on for on in entry["on"].values() if on["own"]]
        others = {name: on for name, on in entry["on"].items() if not on["own"]}
        yield {
            "name": entry["name"],
            "pairs": entry["pairs"],
            "distortion": entry["distortion"][1],
            "hit": _interval(own[0]["made"]["hit"]) if own else None,
            "others": [
                (name, _interval(on["made"]["changed"]), [share_text(on[noise]["changed"][0]) for noise in NOISE])
                for name, on in others.items()
            ],
        }


def _interval(found: list[float]) -> str:
    share, low, high = found
    return f"{share_text(share)} ({100 * low:.1f} to {100 * high:.1f})"


def _errors(by_network: dict[str, float]) -> str:
    return ", ".join(share_text(by_network[name]) for name in JUDGES)


def _printed(shares: tuple[float, ...]) -> str:
    return ", ".join(f"{100 * share:g} %" for share in shares)


def _board(changed: Changed, networks: dict[str, Any], number: int) -> Picture:
    """Photographs before, the change over the full range, and after, with the answers of the network."""
    own = [name for name, scorer in networks.items() if scorer.classifier.fingerprint() == changed.network]
    name = own[0] if own else next(iter(networks))
    scorer = networks[name]
    rows = evenly(len(changed.targets), _SHOWN)

    def tiles(images: np.ndarray) -> list[tuple[np.ndarray, str]]:
        found = []
        for image, log_odds in zip(images, scorer.score(images), strict=True):
            top = int(log_odds.argmax())
            found.append((image, f"{scorer.classifier.classes[top]}\n{percent(float(probability(log_odds[top])))}"))
        return found

    amplified = []
    for change in changed.images[rows].astype(np.float64) - changed.clean[rows]:
        values = 127.5 * (1 + change / max(float(np.abs(change).max()), 1.0))
        amplified.append((values.round().astype(np.uint8), "amplified"))
    picture = board(
        [("clean", tiles(changed.clean[rows])), ("change", amplified), ("changed", tiles(changed.images[rows]))],
        tile=112,
        label=90,
    )
    caption = f"What {name} answers to photographs before and after {changed.name}; between them the change, amplified "
    caption += "to the full range."
    return Picture(f"photographs-{number + 1}", picture, caption, borrowed=True)
