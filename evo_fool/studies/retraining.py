"""Training networks to recognise fooling images (paper, section 3.7, Figures 11 and 12).

    train DNN_1; for i = 1, 2, ...: evolve CPPN images against DNN_i; add m of them, half from the first generation and
    half from the last, to class n + 1; train DNN_(i+1) afresh on everything.

The modern arm is the same loop with another use of the same images: there is no further class; the network is taught
to be unsure of them and of noise (CEDA: Hein, Andriushchenko & Bitterwolf, 2019; outlier exposure).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from evo_fool.classifiers.lenet import DIGITS, FOOLING, LeNet
from evo_fool.classifiers.mnist_data import Digits
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.evolution.toolbox import build_strategy
from evo_fool.probability import probability
from evo_fool.runs import Run
from evo_fool.session.checkpoint import restore
from evo_fool.studies.array_digest import array_digest
from evo_fool.studies.baselines import best_of, random_cppns, random_pixels, training_noise
from evo_fool.studies.context import Context
from evo_fool.studies.data_folder import MnistData
from evo_fool.studies.training import trained
from evo_fool.training.lenet import Outliers, fit

Arm = Literal["class", "unsure"]
"""What becomes of the fooling images: a class of their own (the paper), or images to be unsure of (CEDA)."""

UNSURE = 0.5
"""An image that has no digit at this probability is turned away."""

_ROUNDS = 100
"""Seeds of the iterations of one loop follow each other; those of the next begin this much later."""


@dataclass(frozen=True, slots=True)
class Loop:
    """One retraining loop.

    Attributes:
        arm: see :data:`Arm`.
        iterations: networks that are trained and evolved against; the paper: 15.
        images: fooling images that each run contributes; the paper's number is not available.
        epochs: passes over the training images.
        generations: of each run.
        batch: images a generation.
        noise: images of noise that the arm ``unsure`` learns from besides.
        digits: training images used; None: all.
        seed: of the loop.
    """

    arm: Arm = "class"
    iterations: int = 5
    images: int = 1000
    epochs: int = 3
    generations: int = 200
    batch: int = 200
    noise: int = 20_000
    digits: int | None = None
    seed: int = 1

    def seed_of(self, number: int) -> int:
        """The seed of the network and the run of one iteration."""
        return self.seed * _ROUNDS + number


@dataclass(frozen=True, slots=True)
class Iteration:
    """One network of the loop, and how evolution fared with it.

    Attributes:
        number: i, from 1.
        taught: fooling images that it was trained with.
        test_error: share of test digits that it misclassifies.
        false_alarms: share of test digits that it turns away: ``fooling``, or no digit at :data:`UNSURE`.
        probabilities: of the elite of each digit.
        median: of these, the number that the paper plots.
        images: that evolution showed it.
        noise_median: median over digits of the best of as many images of uniform noise.
        cppn_median: the same of as many CPPN images that nobody selected.
        recognised: share of unseen CPPN images that it calls ``fooling``; None where it has no such class.
        turned_away: share of unseen CPPN images that have no digit at :data:`UNSURE`.
        unseen: how many images that is of.
    """

    number: int
    taught: int
    test_error: float
    false_alarms: float
    probabilities: tuple[float, ...]
    median: float
    images: int
    noise_median: float
    cppn_median: float
    recognised: float | None
    turned_away: float
    unseen: int


def run_loop(context: Context, loop: Loop, unseen: np.ndarray) -> tuple[list[Iteration], list[np.ndarray]]:
    """The whole loop: what came of each network, and the elites of its digits, uint8 ``(10, 1, 28, 28)``.

    Args:
        context: where it works; it finds again whatever is there.
        loop: what to do.
        unseen: CPPN images evolved elsewhere, uint8 ``(n, 1, 28, 28)``.

    Raises:
        ConfigError: there is no MNIST, or the loop asks for less than one iteration.
        Stopped: asked to; what is there is found again.
    """
    data = mnist_of(context)
    if not 1 <= loop.iterations < _ROUNDS:
        raise ConfigError(f"--iterations {loop.iterations}: must be 1 to {_ROUNDS - 1}")
    if loop.images < 2:
        raise ConfigError(
            f"--images {loop.images}: must be at least 2, half from the first generation, half from the last"
        )
    found, elites, fooling = [], [], np.empty((0, 1, 28, 28), np.uint8)
    for number in range(1, loop.iterations + 1):
        weights = train_network(context, loop, number, data.train, fooling)
        scorer = context.scorer(context.classifier("lenet-mnist", weights))
        with context.run(_experiment(context, loop, number, weights)) as run:
            elites.append(np.stack([run.image(digit) for digit in range(len(DIGITS))]))
            images = array_digest(elites[-1], data.test.images, data.test.labels, unseen)
            key = (
                f"retraining iteration {number}, {loop.arm}, {len(fooling)} taught, "
                f"{run.summary()['evaluations']} images, network {scorer.classifier.fingerprint()[:12]}, {images}"
            )
            look = partial(_measured, scorer, run, data, unseen, number=number, taught=len(fooling))
            found.append(_read(context.cache(key, look)))
            fooling = np.concatenate([fooling, fooling_images(run, loop.images)])
        context.say(
            f"{loop.arm} {number}/{loop.iterations}: median {found[-1].median:.4f}, "
            f"test error {100 * found[-1].test_error:.2f} %"
        )
    return found, elites


def mnist_of(context: Context) -> MnistData:
    """MNIST, which retraining cannot do without.

    Raises:
        ConfigError: there is none.
    """
    data = context.data.mnist()
    if data is None:
        raise ConfigError("retraining needs MNIST; give the folder that holds mnist/ with --data DIR")
    return data


def fooling_images(run: Run, n: int) -> np.ndarray:
    """``n`` images of a finished run, uint8 ``(n, channels, height, width)``: half of its first generation, half of the
    generation that its final archive breeds next.

    Where a generation has too few, further random ones, and further children of the same archive, are added.

    Raises:
        CorruptRunError: the archive is damaged.
    """
    experiment = run.experiment
    strategy = build_strategy(experiment, run.encoding, run.classes, run.targets)
    restore(run.store, run.encoding, strategy, experiment.retention)
    after = run.generation + 1
    first = [strategy.random_population(0, experiment.initial_batch).genomes]
    last = [strategy.generate(after).genomes]
    while sum(map(len, first)) < n - n // 2:
        first.append(strategy.random_population(after + len(first), experiment.batch).genomes)
    while sum(map(len, last)) < n // 2:
        last.append(strategy.generate(after + len(last)).genomes)
    chosen = [np.concatenate(first)[: n - n // 2], np.concatenate(last)[: n // 2]]
    return run.encoding.render(np.concatenate(chosen))


def train_network(context: Context, loop: Loop, number: int, train: Digits, fooling: np.ndarray) -> Path:
    """The weights of DNN_number, which has seen ``fooling``, uint8 ``(m, 1, 28, 28)``."""

    def make() -> tuple[LeNet, dict[str, Any]]:
        network, loss = fit_with_fooling(train, fooling, loop, loop.seed_of(number))
        return network, {"train_loss": loss}

    noise = f", {loop.noise} of noise" if loop.arm == "unsure" else ""
    learned = array_digest(train.images[: loop.digits], train.labels[: loop.digits], fooling)
    key = (
        f"retraining network {number}, {loop.arm}, {loop.epochs} epochs, seed {loop.seed_of(number)}{noise}, {learned}"
    )
    return trained(context, key, make)


def fit_with_fooling(train: Digits, fooling: np.ndarray, loop: Loop, seed: int) -> tuple[LeNet, float]:
    """A network taught with fooling images as the loop's arm has it, and its loss over the last pass.

    Args:
        train: digits.
        fooling: uint8 ``(m, 1, 28, 28)``; m = 0 for the first network of the paper, which has no further class.
        loop: arm, epochs, digits and noise.
        seed: of its weights and the order of images.
    """
    digits = Digits(train.images[: loop.digits], train.labels[: loop.digits])
    strange = torch.from_numpy(fooling[:, 0])
    options: dict[str, Any] = {"seed": seed, "epochs": loop.epochs, "report": lambda line: None}
    if loop.arm == "unsure":
        noise = torch.from_numpy(training_noise(digits.images.numpy(), loop.noise, seed=seed))
        # Drawn as often as the noise, however few there are.
        repeated = strange.repeat(max(1, loop.noise // len(strange)), 1, 1) if len(strange) else strange
        return fit(digits, outliers=Outliers(torch.cat([noise, repeated])), **options)
    if not len(strange):
        return fit(digits, **options)
    labels = torch.full((len(strange),), len(DIGITS))
    more = Digits(torch.cat([digits.images, strange]), torch.cat([digits.labels, labels]))
    return fit(more, outputs=len(DIGITS) + 1, **options)


def measure(scorer: Scorer, run: Run, data: MnistData, unseen: np.ndarray, *, number: int, taught: int) -> Iteration:
    """How one network does on digits, on noise, on unseen CPPN images, and against evolution.

    Args:
        scorer: the network at work.
        run: against it, finished.
        data: MNIST.
        unseen: CPPN images evolved elsewhere, uint8 ``(n, 1, 28, 28)``.
        number: i, which decides the random images, too: both arms' DNN_i see the same.
        taught: fooling images that the network was trained with.
    """
    n, images = len(DIGITS), int(run.summary()["evaluations"])
    answers = scorer.score(data.test.images.unsqueeze(1).numpy())
    strange = scorer.score(unseen)
    p = np.array([run[digit].probability for digit in range(n)])
    random = {"size": 28, "channels": 1, "seed": number}
    return Iteration(
        number=number,
        taught=taught,
        test_error=float((answers.argmax(axis=1) != data.test.labels.numpy()).mean()),
        false_alarms=float(turned_away(answers).mean()),
        probabilities=tuple(p.tolist()),
        median=float(np.median(p)),
        images=images,
        noise_median=float(np.median(best_of(scorer, random_pixels(images, **random), n))),
        cppn_median=float(np.median(best_of(scorer, random_cppns(images, **random), n))),
        recognised=float((strange.argmax(axis=1) == n).mean()) if scorer.classifier.classes[-1] == FOOLING else None,
        turned_away=float(turned_away(strange).mean()),
        unseen=len(unseen),
    )


def turned_away(log_odds: np.ndarray) -> np.ndarray:
    """Which images, bool ``(n,)``, have no digit at :data:`UNSURE`; log-odds ``(n, 10 or 11)``."""
    return probability(log_odds[:, : len(DIGITS)]).max(axis=1) < UNSURE


def unseen_images(runs: Sequence[Run]) -> np.ndarray:
    """The elites of runs against other networks, uint8 ``(n, 1, 28, 28)``."""
    return np.stack([run.image(cell) for run in runs for cell in run if cell < len(DIGITS)])


def _experiment(context: Context, loop: Loop, number: int, weights: Path) -> Any:
    return context.experiment(
        "mnist-cppn",
        {
            "name": f"retraining-{loop.arm}-{number}",
            "seed": loop.seed_of(number),
            "generations": loop.generations,
            "batch": loop.batch,
            "classifier.weights": str(weights.absolute()),
        },
    )


def _measured(*arguments: Any, **options: Any) -> dict[str, Any]:
    return asdict(measure(*arguments, **options))


def _read(entry: dict[str, Any]) -> Iteration:
    return Iteration(**entry | {"probabilities": tuple(entry["probabilities"])})
