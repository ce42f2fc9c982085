"""Training networks to recognise fooling images (paper, section 3.7, Figures 11 and 12).

    train DNN_1; for i = 1, 2, ...: evolve CPPN images against DNN_i; add m of them, half from the first generation and
    half from the last, to class n + 1; train DNN_(i+1) afresh on everything.

The modern arm is the same loop with another use of the same images: there is no further class; the network is taught
to be unsure of them and of noise (CEDA: Hein, Andriushchenko & Bitterwolf, 2019; outlier exposure).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from evo_fool.classifiers.lenet import DIGITS, FOOLING, LeNet
from evo_fool.classifiers.mnist_data import Digits
from evo_fool.classifiers.scoring import Scorer
from evo_fool.evolution.toolbox import build_strategy
from evo_fool.probability import probability
from evo_fool.runs import Run
from evo_fool.session.checkpoint import restore
from evo_fool.studies.array_digest import array_digest
from evo_fool.studies.baselines import best_of, random_cppns, random_pixels, training_noise
from evo_fool.studies.context import Context
from evo_fool.studies.data_folder import MnistData
from evo_fool.studies.retraining import Loop
from evo_fool.studies.training import trained
from evo_fool.training.lenet import Outliers, fit

UNSURE = 0.5
"""An image that has no digit at this probability is turned away."""


def run_loop(
    context: Context, loop: Loop, data: MnistData, unseen: np.ndarray
) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """The whole loop: for each network what :func:`measure` finds, and the elites, uint8 ``(10, 1, 28, 28)``.

    Args:
        context: finds again what it trained, evolved and measured before.
        loop: what to do.
        data: MNIST.
        unseen: CPPN images evolved elsewhere, uint8 ``(n, 1, 28, 28)``.

    Raises:
        Stopped: asked to; what is there is found again.
    """
    found, elites, fooling = [], [], np.empty((0, 1, 28, 28), np.uint8)
    for number in range(1, loop.iterations + 1):
        weights = train_network(context, loop, number, data.train, fooling)
        scorer = context.scorer(context.classifier("lenet-mnist", weights))
        settings = {
            "name": f"retraining-{loop.arm}-{number}",
            "seed": loop.seed_of(number),
            "generations": loop.generations,
            "batch": loop.batch,
            "classifier.weights": str(weights.absolute()),
        }
        with context.run(context.experiment("mnist-cppn", settings)) as run:
            elites.append(elites_of_digits(run))
            images = array_digest(elites[-1], data.test.images, data.test.labels, unseen)
            key = (
                f"retraining iteration {number}, {loop.arm}, {len(fooling)} taught, "
                f"{run.summary()['evaluations']} images, network {scorer.classifier.fingerprint()[:12]}, {images}"
            )
            look = partial(measure, scorer, run, data.test, unseen, number=number, taught=len(fooling))
            found.append(context.cache(key, look))
            fooling = np.concatenate([fooling, fooling_images(run, loop.images)])
        median, error = found[-1]["median"], 100 * found[-1]["test_error"]
        context.say(f"{loop.arm} {number}/{loop.iterations}: median {median:.4f}, test error {error:.2f} %")
    return found, elites


def elites_of_digits(run: Run) -> np.ndarray:
    """The images of a run's digits, uint8 ``(10, 1, 28, 28)``; a fooling class is left out."""
    return np.stack([run.image(cell) for cell in run if cell < len(DIGITS)])


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
    """The weights of DNN_number, trained with ``fooling``, uint8 ``(m, 1, 28, 28)``."""
    seed = loop.seed_of(number)

    def make() -> tuple[LeNet, dict[str, Any]]:
        network, loss = fit_with_fooling(train, fooling, loop, seed)
        return network, {"train_loss": loss}

    noise = f", {loop.noise} of noise" if loop.arm == "unsure" else ""
    learned = array_digest(train.images[: loop.digits], train.labels[: loop.digits], fooling)
    key = f"retraining network {number}, {loop.arm}, {loop.epochs} epochs, seed {seed}{noise}, {learned}"
    return trained(context, key, make)[0]


def fit_with_fooling(train: Digits, fooling: np.ndarray, loop: Loop, seed: int) -> tuple[LeNet, float]:
    """A network taught with fooling images as the loop's arm has it, and its loss over the last pass.

    Args:
        train: digits.
        fooling: uint8 ``(m, 1, 28, 28)``; m = 0 for the first network of the paper, which has no further class.
        loop: arm, epochs, digits and noise.
        seed: of its weights and the order of images.
    """
    digits = Digits(train.images[: loop.digits], train.labels[: loop.digits])
    taught = torch.from_numpy(fooling[:, 0])
    options: dict[str, Any] = {"seed": seed, "epochs": loop.epochs, "report": lambda line: None}
    if loop.arm == "unsure":
        noise = torch.from_numpy(training_noise(digits.images.numpy(), loop.noise, seed=seed))
        # Drawn as often as the noise, however few there are.
        repeated = taught.repeat(max(1, loop.noise // len(taught)), 1, 1) if len(taught) else taught
        return fit(digits, outliers=Outliers(torch.cat([noise, repeated])), **options)
    if not len(taught):
        return fit(digits, **options)
    labels = torch.full((len(taught),), len(DIGITS))
    more = Digits(torch.cat([digits.images, taught]), torch.cat([digits.labels, labels]))
    return fit(more, outputs=len(DIGITS) + 1, **options)


def measure(scorer: Scorer, run: Run, test: Digits, unseen: np.ndarray, *, number: int, taught: int) -> dict[str, Any]:
    """How one network does on digits, on noise, on unseen CPPN images, and against evolution.

    Args:
        scorer: the network.
        run: against it, finished.
        test: digits of MNIST.
        unseen: CPPN images evolved elsewhere, uint8 ``(n, 1, 28, 28)``.
        number: i, from 1; it decides the random images, too: both arms' DNN_i see the same.
        taught: fooling images that the network was trained with.

    Returns:
        ``test_error`` and ``false_alarms``, shares of test digits that it misclassifies and turns away (``fooling``, or
        no digit at :data:`UNSURE`); ``probabilities`` of the elite of each digit, and their ``median``, which the paper
        plots; ``images`` of the run; ``noise_median`` and ``cppn_median`` over digits of the best of as many random
        images; the shares of ``unseen`` images ``recognised`` (called ``fooling``; None without such a class) and
        ``turned_away``.
    """
    n, images = len(DIGITS), int(run.summary()["evaluations"])
    log_odds, of_unseen = scorer.score(test.images.unsqueeze(1).numpy()), scorer.score(unseen)
    p = np.array([run[digit].probability for digit in range(n)])
    random = {"size": 28, "channels": 1, "seed": number}
    recognised = scorer.classifier.classes[-1] == FOOLING
    return {
        "number": number,
        "taught": taught,
        "test_error": float((log_odds.argmax(axis=1) != test.labels.numpy()).mean()),
        "false_alarms": float(turned_away(log_odds).mean()),
        "probabilities": p.tolist(),
        "median": float(np.median(p)),
        "images": images,
        "noise_median": float(np.median(best_of(scorer, random_pixels(images, **random), n))),
        "cppn_median": float(np.median(best_of(scorer, random_cppns(images, **random), n))),
        "recognised": float((of_unseen.argmax(axis=1) == n).mean()) if recognised else None,
        "turned_away": float(turned_away(of_unseen).mean()),
        "unseen": len(unseen),
    }


def turned_away(log_odds: np.ndarray) -> np.ndarray:
    """Which images, bool ``(n,)``, have no digit at :data:`UNSURE`; log-odds ``(n, 10 or 11)``."""
    return probability(log_odds[:, : len(DIGITS)]).max(axis=1) < UNSURE
