"""The report's page on discriminative and generative classifiers (paper, section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from evo_fool.classifiers.lenet import DIGITS
from evo_fool.experiment import Experiment
from evo_fool.presets import find_experiment
from evo_fool.studies.charts import Curve, board, draw_confidence
from evo_fool.studies.context import Context
from evo_fool.studies.generative import (
    ENCODINGS,
    LENET,
    Attack,
    Contest,
    Judge,
    Worth,
    attack,
    find_worth,
    likelihoods,
    train_judges,
)
from evo_fool.studies.page import skipped
from evo_fool.studies.published import MNIST_MEDIAN, as_printed
from evo_fool.studies.section import Picture, Row, Section, spread
from evo_fool.text import percent

KEY, TITLE = "generative", "Discriminative against generative"

_SEEDS = 3
"""Attacks a judge and encoding, at most."""


def contest(context: Context) -> Contest:
    """Everything in the size of the budget."""
    return Contest(
        vae_epochs=context.scale(smoke=4, laptop=40, paper=100),
        lenet_epochs=context.scale(smoke=1, laptop=5, paper=14),
        digits=context.scale(smoke=6000, laptop=None, paper=None),
        generations=context.scale(smoke=10, laptop=200, paper=1000),
        batch=context.scale(smoke=100, laptop=200, paper=200),
        control=context.scale(smoke=500, laptop=4000, paper=20_000),
        seed=context.seeds[0],
    )


def section(context: Context) -> Section:
    """The page."""
    data = context.data.mnist()
    if data is None:
        return skipped(KEY, TITLE, "", "It trains on MNIST, and the data folder has none: --data DIR.")
    settings = contest(context)
    judges = train_judges(context, settings)
    worths = {judge.name: find_worth(context, judge, settings) for judge in judges}
    attacks = [
        attack(context, judge, encoding, settings, seed)
        for encoding in ENCODINGS
        for judge in judges
        for seed in context.seeds[:_SEEDS]
    ]
    nats = {(a.judge, a.encoding): _nats(context, judges[-1], _of(attacks, a.judge, a.encoding)) for a in attacks}
    test = data.test
    digits = likelihoods(context, judges[-1], test.images.unsqueeze(1).numpy(), test.labels.numpy())
    return Section(
        key=KEY,
        title=TITLE,
        figures="",
        verdict="new",
        why=findings(worths, attacks),
        rows=tuple(rows_of(judges, worths, attacks, settings, nats, float(np.median(digits)))),
        pictures=tuple(_pictures(attacks)),
        settings=asdict(settings) | {"calibration": "one scale on held-out digits, for every judge"},
        seeds=tuple(context.seeds[:_SEEDS]),
        commands=commands_of(settings, context.seeds[:_SEEDS]),
        data={
            "worth": {name: asdict(w) for name, w in worths.items()},
            "attacks": [
                {"judge": a.judge, "encoding": a.encoding, "seed": a.seed, "medians": a.medians, "p": a.probabilities}
                for a in attacks
            ],
            "median_nats": {f"{judge}, {encoding}": value for (judge, encoding), value in nats.items()},
            "test_digits_nats": {f"{q:g}": float(np.quantile(digits, q)) for q in (0.01, 0.5, 0.99)},
        },
    )


def commands_of(settings: Contest, seeds: Sequence[int]) -> tuple[str, ...]:
    """How to look at a part by itself: the autoencoders, one attack on them, and the contest with one attack each.

    ``study generative`` trains by the seed that it attacks with, so that only the page's first seed gives its judges.
    """
    train = f"evo-fool train vae --data DIR --seed {settings.seed} --epochs {settings.vae_epochs}"
    size = f"-S generations={settings.generations} -S batch={settings.batch}"
    by_itself = f"--vae-epochs {settings.vae_epochs} --lenet-epochs {settings.lenet_epochs}"
    digits = "" if settings.digits is None else f" --digits {settings.digits}"
    trained = (
        f"{train} --out vae-mnist.safetensors",
        f"evo-fool run mnist-cppn --seed {seeds[-1]} {size} --classifier vae-mnist --weights vae-mnist.safetensors",
    )
    contest = (
        f"evo-fool study generative --data DIR --seed {settings.seed} {by_itself} "
        f"--generations {settings.generations}{digits}"
    )
    # `train vae` knows nothing but all digits.
    return (*(trained if settings.digits is None else ()), contest)


def findings(worths: dict[str, Worth], attacks: Sequence[Attack]) -> str:
    """What came of it, in numbers."""
    sentences = [
        "Calibrated on the same held-out digits, they misclassify "
        + ", ".join(f"{100 * w.test_error:.2f} % ({name})" for name, w in worths.items())
        + " of the test digits."
    ]
    for encoding in ENCODINGS:
        reached = ", ".join(f"{spread(_final(attacks, name, encoding))} ({name})" for name in worths)
        sentences.append(f"Evolution of {_kind(encoding)} reaches a median of {reached}.")
    noise = ", ".join(f"{percent(w.noise)} ({name})" for name, w in worths.items())
    sentences.append(f"Of uniform noise they are sure to {noise} on average.")
    return " ".join(sentences)


def rows_of(
    judges: Sequence[Judge],
    worths: dict[str, Worth],
    attacks: Sequence[Attack],
    settings: Contest,
    nats: dict[tuple[str, str], float],
    digits: float,
) -> list[Row]:
    """What each judge is worth, and what each attack reached beside random images."""
    comparable = _as_in_paper(settings)
    rows = []
    for judge in judges:
        w = worths[judge.name]
        rows.append(
            Row(
                f"{judge.name}: error on test digits",
                f"{100 * w.test_error:.2f} %",
                note=f"expected calibration error {100 * w.calibration_error:.2f} %; at least 99 % sure of "
                f"{100 * w.sure:.1f} % of digits; of noise {percent(w.noise)} on average",
            )
        )
    for encoding in ENCODINGS:
        for judge in judges:
            some = _of(attacks, judge.name, encoding)
            sure = [int((a.probabilities >= 0.9999).sum()) for a in some]
            w = worths[judge.name]
            rows.append(
                Row(
                    f"{judge.name}: {_kind(encoding)}, median over digits at generation {len(some[0].medians) - 1}",
                    spread(_final(attacks, judge.name, encoding)),
                    f"≥ {as_printed(MNIST_MEDIAN)}" if comparable and judge.name == LENET else None,
                    percent(w.random_cppns if encoding == "cppn" else w.random_pixels),
                    f"digits at 99.99 %: {', '.join(map(str, sure))} of {len(DIGITS)} by seed; the images' likelihood "
                    f"under the VAE of their digit: median {nats[judge.name, encoding]:.0f} nats (test digits "
                    f"{digits:.0f}); control: the best of {settings.control:,} random images for each digit, where the "
                    f"attack saw {(settings.generations + 1) * settings.batch:,}"
                    + ("; the paper's LeNet was not calibrated" if comparable and judge.name == LENET else ""),
                )
            )
    return rows


def _as_in_paper(settings: Contest) -> bool:
    """Whether attacks are as long as the paper's, which are those of the shipped experiments."""
    shipped = [Experiment.from_yaml(find_experiment(preset)) for preset in ENCODINGS.values()]
    return all((e.generations, e.batch) == (settings.generations, settings.batch) for e in shipped)


def _pictures(attacks: Sequence[Attack]) -> list[Picture]:
    pictures = []
    for encoding in ENCODINGS:
        names = list(dict.fromkeys(a.judge for a in attacks))
        groups = {name: _of(attacks, name, encoding) for name in names}
        curves = [
            Curve(name, np.arange(len(some[0].medians)), np.array([a.medians for a in some]))
            for name, some in groups.items()
        ]
        rows = [(name.replace("VAEs with a floor", "with floor"), _cells(some[0])) for name, some in groups.items()]
        pictures += [
            Picture(
                f"{encoding} medians",
                draw_confidence(curves, xlabel="generation", ylabel="median confidence over ten digits"),
                f"Evolution of {_kind(encoding)} against each judge: median over digits; bands: range over seeds.",
            ),
            Picture(
                f"{encoding} images",
                board(rows, label=90),
                f"The images for 0 to 9 ({_kind(encoding)}, first seed) with the confidence of their judge.",
            ),
        ]
    return pictures


def _cells(found: Attack) -> list[tuple[np.ndarray | None, str]]:
    return [(image, percent(float(p))) for image, p in zip(found.images, found.probabilities, strict=True)]


def _of(attacks: Sequence[Attack], judge: str, encoding: str) -> list[Attack]:
    return [a for a in attacks if (a.judge, a.encoding) == (judge, encoding)]


def _final(attacks: Sequence[Attack], judge: str, encoding: str) -> np.ndarray:
    return np.array([a.medians[-1] for a in _of(attacks, judge, encoding)])


def _nats(context: Context, vaes: Judge, attacks: Sequence[Attack]) -> float:
    images = np.concatenate([a.images for a in attacks])
    digits = np.tile(np.arange(len(DIGITS)), len(attacks))
    return float(np.median(likelihoods(context, vaes, images, digits)))


def _kind(encoding: str) -> str:
    return {"cppn": "CPPNs", "pixels": "pixels"}[encoding]
