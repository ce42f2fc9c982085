"""Discriminative and generative classifiers of digits, attacked by the same evolution."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import numpy as np

from evo_fool.classifiers.lenet import DIGITS
from evo_fool.experiment import Experiment
from evo_fool.presets import find_experiment
from evo_fool.studies.array_digest import array_digest
from evo_fool.studies.charts import Curve, board, draw_confidence
from evo_fool.studies.context import Context
from evo_fool.studies.digit_runs import EVOLVED
from evo_fool.studies.generative import Contest, Options
from evo_fool.studies.generative.measure import FLOOR, LENET, attack, likelihoods, train_judges, worth
from evo_fool.studies.published import MNIST_MEDIAN, as_printed
from evo_fool.studies.section import Picture, Row, Table, spread
from evo_fool.studies.study import Study
from evo_fool.studies.training import mnist_of
from evo_fool.text import percent

_SEEDS = 3
"""Attacks on each judge with each encoding, at most."""

_KINDS = {"cppn": "CPPNs", "pixels": "pixels"}


class Generative(Study[Options]):
    key = "generative"
    title = "Discriminative against generative"

    def contest(self, context: Context) -> Contest:
        """As asked, or in the size of the budget."""
        if self.options is not None:
            return Contest(**self.options.model_dump(include=set(Contest.model_fields)))
        few = {"vae_epochs": 4, "lenet_epochs": 1, "digits": 6000, "generations": 10, "batch": 100, "control": 500}
        many = {"vae_epochs": 100, "lenet_epochs": 14, "generations": 1000, "control": 20_000}
        sizes: dict[str, Any] = context.scale(smoke=few, laptop={}, paper=many)
        return Contest(**sizes, seed=context.seeds[0])

    def load(self, context: Context) -> tuple[dict[str, Any], dict[tuple[str, str], np.ndarray]]:
        """The figures, and by judge and encoding the images of all seeds, uint8 ``(seeds, 10, 1, 28, 28)``."""
        test, contest = mnist_of(context).test, self.contest(context)
        judges = train_judges(context, contest)
        worths = {}
        for judge in judges:
            scorer = context.scorer(context.classifier(judge.spec, judge.weights))
            key = (
                f"worth of {judge.name} {scorer.classifier.fingerprint()[:12]}, {contest.control} random, "
                f"test images {array_digest(test.images, test.labels)}"
            )
            worths[judge.name] = context.cache(key, partial(worth, scorer, test, contest.control))
        attacks, images = [], {}
        for encoding, judge in product(EVOLVED, judges):
            found = [attack(context, judge, encoding, contest, seed) for seed in context.seeds[:_SEEDS]]
            attacks += [entry for entry, _ in found]
            images[judge.name, encoding] = np.stack([shown for _, shown in found])
        vaes = judges[-1].weights
        nats = {
            f"{judge}, {encoding}": float(
                np.median(likelihoods(context, vaes, np.concatenate(shown), np.tile(np.arange(10), len(shown))))
            )
            for (judge, encoding), shown in images.items()
        }
        digits = likelihoods(context, vaes, test.images.unsqueeze(1).numpy(), test.labels.numpy())
        data = {
            "contest": contest.model_dump(),
            "worth": worths,
            "attacks": attacks,
            "median_nats": nats,
            "test_digits_nats": {f"{q:g}": float(np.quantile(digits, q)) for q in (0.01, 0.5, 0.99)},
        }
        if self.options is not None:
            data["weights"] = {judge.name: str(judge.weights) for judge in judges}
        return data, images

    def measure(self, context: Context) -> dict[str, Any]:
        return self.loaded(context)[0]

    def values(self, data: dict[str, Any]) -> dict[str, Any]:
        worths = data["worth"].items()
        return {
            "errors": {name: f"{100 * w['test_error']:.2f} %" for name, w in worths},
            "reached": {
                _KINDS[encoding]: {name: spread(_final(data, name, encoding)) for name, _ in worths}
                for encoding in EVOLVED
            },
            "noise": {name: percent(w["noise"]) for name, w in worths},
        }

    def rows(self, data: dict[str, Any]) -> list[Row]:
        contest = Contest(**data.get("contest", {}))  # older data: the laptop budget's
        worths, digits = data["worth"], data["test_digits_nats"]["0.5"]
        quoted = {LENET} if _as_in_paper(contest) else set()
        rows = [
            Row(
                f"{name}: error on test digits",
                f"{100 * w['test_error']:.2f} %",
                note=f"expected calibration error {100 * w['calibration_error']:.2f} %; at least 99 % sure of "
                f"{100 * w['sure']:.1f} % of digits; of noise {percent(w['noise'])} on average",
            )
            for name, w in worths.items()
        ]
        for encoding, name in product(EVOLVED, worths):
            some, nats = _attacks(data, name, encoding), data["median_nats"][f"{name}, {encoding}"]
            sure = ", ".join(str(sum(p >= 0.9999 for p in a["p"])) for a in some)
            rows.append(
                Row(
                    f"{name}: {_KINDS[encoding]}, median over digits at generation {len(some[0]['medians']) - 1}",
                    spread(_final(data, name, encoding)),
                    f"≥ {as_printed(MNIST_MEDIAN)}" if name in quoted else None,
                    percent(worths[name]["random_cppns" if encoding == "cppn" else "random_pixels"]),
                    f"digits at 99.99 %: {sure} of {len(DIGITS)} by seed; the images' likelihood under the VAE of "
                    f"their digit: median {nats:.0f} nats (test digits {digits:.0f}); control: the best of "
                    f"{contest.control:,} random images for each digit, where the attack saw "
                    f"{(contest.generations + 1) * contest.batch:,}"
                    + ("; the paper's LeNet was not calibrated" if name in quoted else ""),
                )
            )
        return rows

    def document(self, data: dict[str, Any]) -> dict[str, Any]:
        judges = [
            {"judge": name, "weights": data["weights"][name], **w}
            | {f"evolved_{encoding}": float(_final(data, name, encoding)[0]) for encoding in EVOLVED}
            for name, w in data["worth"].items()
        ]
        return {"contest": data["contest"], "judges": judges}

    def table(self, data: dict[str, Any]) -> Table:
        judges = self.document(data)["judges"]
        shown = [key for key in judges[0] if key not in ("judge", "weights")]
        lines = [[key.replace("_", " "), *(judge[key] for judge in judges)] for key in shown]
        return Table(["", *(f" {judge['judge']}" for judge in judges)], lines)

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        images, pictures = self.loaded(context)[1], []
        for encoding, kind in _KINDS.items():
            curves, rows = [], []
            for name in data["worth"]:
                some = _attacks(data, name, encoding)
                medians = np.array([a["medians"] for a in some])
                curves.append(Curve(name, np.arange(medians.shape[1]), medians))
                shown = zip(images[name, encoding][0], map(percent, some[0]["p"]), strict=True)
                rows.append(("with floor" if name == FLOOR else name, list(shown)))
            pictures += [
                Picture(
                    f"{encoding} medians",
                    draw_confidence(curves, xlabel="generation", ylabel="median confidence over ten digits"),
                    f"Evolution of {kind} against each judge: median over digits; bands: range over seeds.",
                ),
                Picture(
                    f"{encoding} images",
                    board(rows, label=90),
                    f"The images for 0 to 9 ({kind}, first seed) with the confidence of their judge.",
                ),
            ]
        return pictures

    def settings(self, context: Context, data: dict[str, Any]) -> dict[str, Any]:
        return data["contest"] | {"calibration": "one scale on held-out digits, for every judge"}

    def seeds(self, context: Context) -> tuple[int, ...]:
        return context.seeds[:_SEEDS]

    def commands(self, context: Context, data: dict[str, Any]) -> tuple[str, ...]:
        """The autoencoders, one attack on them, and the contest with one attack on each.

        ``study generative`` trains by the seed that it attacks with, so that only the first seed gives these judges.
        """
        contest, last = Contest(**data["contest"]), self.seeds(context)[-1]
        alone = (
            f"evo-fool study generative --data DIR --seed {contest.seed} --vae-epochs {contest.vae_epochs} "
            f"--lenet-epochs {contest.lenet_epochs} --generations {contest.generations}"
        )
        if contest.digits is not None:  # `train vae` knows nothing but all digits
            return (f"{alone} --digits {contest.digits}",)
        return (
            f"evo-fool train vae --data DIR --seed {contest.seed} --epochs {contest.vae_epochs} "
            "--out vae-mnist.safetensors",
            f"evo-fool run mnist-cppn --seed {last} -S generations={contest.generations} -S batch={contest.batch} "
            "--classifier vae-mnist --weights vae-mnist.safetensors",
            alone,
        )


def _as_in_paper(contest: Contest) -> bool:
    """Whether attacks are as long as the paper's, which are those of the shipped experiments."""
    shipped = [Experiment.from_yaml(find_experiment(preset)) for preset in EVOLVED.values()]
    return all((e.generations, e.batch) == (contest.generations, contest.batch) for e in shipped)


def _attacks(data: dict[str, Any], judge: str, encoding: str) -> list[dict[str, Any]]:
    return [a for a in data["attacks"] if (a["judge"], a["encoding"]) == (judge, encoding)]


def _final(data: dict[str, Any], judge: str, encoding: str) -> np.ndarray:
    """Medians at the end, float64 ``(seeds,)``."""
    return np.array([a["medians"][-1] for a in _attacks(data, judge, encoding)])
