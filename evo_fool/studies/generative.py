"""Whether a generative classifier is as easily fooled as a discriminative one (paper, section 4: "generative models …
may be harder to fool").

Three judges of digits, all trained on the same 55,000 images and calibrated on the same 5,000: the LeNet; one
variational autoencoder a digit, with Bayes' rule alone; and the same with a floor below which no digit is believed in
(ABS: Schott, Rauber, Bethge & Brendel, 2018). The same evolution attacks each of them, by CPPNs and by pixels.
"""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from evo_fool.classifiers.digit_vaes import DigitPosterior
from evo_fool.classifiers.lenet import DIGITS, LeNet, lenet_classifier
from evo_fool.classifiers.mnist_data import Digits
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.probability import probability
from evo_fool.studies.array_digest import array_digest
from evo_fool.studies.baselines import best_of, random_cppns, random_pixels
from evo_fool.studies.context import Context
from evo_fool.studies.data_folder import MnistData
from evo_fool.studies.training import trained
from evo_fool.training.calibration import best_scale, calibration_error, split
from evo_fool.training.lenet import fit
from evo_fool.training.vae import calibrated, fit_vaes, pixels

ENCODINGS = {"cppn": "mnist-cppn", "pixels": "mnist-pixels"}
"""What attacks -> the shipped experiment."""


@dataclass(frozen=True, slots=True)
class Contest:
    """What is trained and how it is attacked.

    Attributes:
        vae_epochs: passes over the training images for the autoencoders.
        lenet_epochs: and for the LeNet.
        digits: training images used, of which the last tenth or 5,000 are held out; None: all.
        generations: of each attack.
        batch: images a generation.
        control: random images of each kind that a judge is shown besides.
        seed: of the trainings.
    """

    vae_epochs: int = 40
    lenet_epochs: int = 5
    digits: int | None = None
    generations: int = 200
    batch: int = 200
    control: int = 4000
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Judge:
    """A trained and calibrated classifier.

    Attributes:
        name: a short label.
        spec: of an experiment's classifier.
        weights: its weights file.
    """

    name: str
    spec: str
    weights: Path


@dataclass(frozen=True, slots=True)
class Worth:
    """What a judge is worth on digits that it has not seen, and what it makes of noise.

    Attributes:
        test_error: share of test digits that it misclassifies.
        calibration_error: expected calibration error on them.
        cross_entropy: mean, in nats, on them.
        sure: share of them that it gives at least 99 %.
        noise: mean probability, over images of uniform noise, of the digit that it takes them for.
        random_pixels: median over digits of the best of these.
        random_cppns: median over digits of the best of as many CPPN images that nobody selected.
    """

    test_error: float
    calibration_error: float
    cross_entropy: float
    sure: float
    noise: float
    random_pixels: float
    random_cppns: float


@dataclass(frozen=True, slots=True)
class Attack:
    """What one evolution reached with one judge.

    Attributes:
        judge: its name.
        encoding: ``cppn`` or ``pixels``.
        seed: of the run.
        medians: median over digits by generation.
        probabilities: of the elite of each digit at the end.
        images: the elites, uint8 ``(10, 1, 28, 28)``.
    """

    judge: str
    encoding: str
    seed: int
    medians: np.ndarray
    probabilities: np.ndarray
    images: np.ndarray


LENET, BAYES, FLOOR = "LeNet", "VAEs", "VAEs with a floor"


def train_judges(context: Context, contest: Contest) -> list[Judge]:
    """The three judges: trained, or found again.

    Raises:
        ConfigError: there is no MNIST.
        Stopped: asked to.
    """
    data = context.data.mnist()
    if data is None:
        raise ConfigError("the generative study needs MNIST; give the folder that holds mnist/ with --data DIR")
    train = Digits(data.train.images[: contest.digits], data.train.labels[: contest.digits])
    seen, held_out = split(train)
    learnt = array_digest(seen.images, seen.labels, held_out.images, held_out.labels)
    common = f"of {len(seen.labels)} digits {learnt}, seed {contest.seed}"

    def lenet() -> tuple[LeNet, dict[str, Any]]:
        network, loss = fit(seen, seed=contest.seed, epochs=contest.lenet_epochs, report=lambda line: None)
        tempered, scale = with_temperature(network, held_out)
        return tempered, {"train_loss": loss, "scale": scale}

    def with_floor() -> tuple[DigitPosterior, dict[str, Any]]:
        vaes, loss = fit_vaes(seen, seed=contest.seed, epochs=contest.vae_epochs, report=context.say)
        return _noted(calibrated(vaes, held_out, floor=True), loss)

    first = trained(context, f"calibrated LeNet {common}, {contest.lenet_epochs} passes", lenet)
    second = trained(context, f"digit VAEs {common}, {contest.vae_epochs} passes", with_floor)

    def without_floor() -> tuple[DigitPosterior, dict[str, Any]]:
        return _noted(calibrated(copy.deepcopy(_posterior(context, second).vaes).cpu(), held_out, floor=False), None)

    third = trained(context, f"digit VAEs {common}, {contest.vae_epochs} passes, no floor", without_floor)
    return [
        Judge(LENET, "lenet-mnist", first),
        Judge(BAYES, "vae-mnist", third),
        Judge(FLOOR, "vae-mnist", second),
    ]


def with_temperature(network: LeNet, held_out: Digits) -> tuple[LeNet, float]:
    """The network with its last layer scaled so that its confidence fits digits it was not trained on, and the scale.

    What it answers stays the same: only how sure it is changes.
    """
    classifier = lenet_classifier(network)
    with torch.inference_mode():
        logits = torch.cat([classifier(part) for part in pixels(held_out.images).split(500)])
    scale = best_scale(lambda scale: scale * logits, held_out.labels)
    tempered = LeNet()
    tempered.load_state_dict(network.state_dict())
    with torch.no_grad():
        for parameter in tempered.fc2.parameters():
            parameter.mul_(scale)
    return tempered, scale


def worth(scorer: Scorer, data: MnistData, control: int) -> Worth:
    """What a judge is worth, see :class:`Worth`, with ``control`` random images of each kind."""
    log_odds, labels = scorer.score(data.test.images.unsqueeze(1).numpy()), data.test.labels
    own = log_odds[np.arange(len(labels)), labels.numpy()]
    p = torch.from_numpy(probability(log_odds))
    random = {"size": scorer.classifier.size, "channels": scorer.classifier.channels, "seed": 0}
    noise = probability(scorer.score(random_pixels(control, **random)))
    return Worth(
        test_error=int((p.argmax(1) != labels).sum()) / len(labels),
        calibration_error=calibration_error(p, labels),
        cross_entropy=float(np.logaddexp(0.0, -own).mean()),
        sure=float((p.amax(1) >= 0.99).double().mean()),
        noise=float(noise.max(axis=1).mean()),
        random_pixels=float(np.median(noise.max(axis=0))),
        random_cppns=float(np.median(best_of(scorer, random_cppns(control, **random), len(DIGITS)))),
    )


def find_worth(context: Context, judge: Judge, contest: Contest) -> Worth:
    """:func:`worth` by way of the context's cache.

    Raises:
        ConfigError: there is no MNIST.
    """
    data = context.data.mnist()
    if data is None:
        raise ConfigError("the generative study needs MNIST; give the folder that holds mnist/ with --data DIR")
    scorer = context.scorer(context.classifier(judge.spec, judge.weights))

    def measured() -> dict[str, Any]:
        return asdict(worth(scorer, data, contest.control))

    tested = array_digest(data.test.images, data.test.labels)
    key = (
        f"worth of {judge.name} {scorer.classifier.fingerprint()[:12]}, {contest.control} random, test images {tested}"
    )
    return Worth(**context.cache(key, measured))


def attack(context: Context, judge: Judge, encoding: str, contest: Contest, seed: int) -> Attack:
    """Evolve against a judge, or find the run.

    Raises:
        Stopped: asked to; the run goes on where it stopped.
    """
    experiment = context.experiment(
        ENCODINGS[encoding],
        {
            "name": f"{judge.name.lower().replace(' ', '-')}-{encoding}",
            "seed": seed,
            "generations": contest.generations,
            "batch": contest.batch,
            "classifier.spec": judge.spec,
            "classifier.weights": str(judge.weights.absolute()),
        },
    )
    with context.run(experiment) as run:
        images = np.stack([run.image(cell) for cell in run])
        return Attack(
            judge=judge.name,
            encoding=encoding,
            seed=seed,
            medians=run.metrics["median"],
            probabilities=np.array([elite.probability for elite in run.elites]),
            images=images,
        )


def likelihoods(context: Context, vaes: Judge, images: np.ndarray, digits: np.ndarray) -> np.ndarray:
    """How likely images are under given digits, in nats and up to a constant, float64 ``(n,)``; the ledger counts them.

    Args:
        vaes: a judge that is made of autoencoders.
        images: uint8 ``(n, 1, 28, 28)``.
        digits: int ``(n,)``.
    """
    network = _posterior(context, vaes.weights)
    context.count(len(images))
    inputs = pixels(torch.from_numpy(images)[:, 0]).to(context.device)
    with torch.inference_mode():
        answers = torch.cat([network.vaes(part.flatten(1)) for part in inputs.split(500)]).cpu()
    return answers.double().numpy()[np.arange(len(digits)), digits]


def _posterior(context: Context, weights: Path) -> DigitPosterior:
    network = context.classifier("vae-mnist", weights).network
    if not isinstance(network, DigitPosterior):
        raise ConfigError(f"{weights} holds no autoencoders; train them with: evo-fool train vae")
    return network


def _noted(network: DigitPosterior, loss: float | None) -> tuple[DigitPosterior, dict[str, Any]]:
    return network, {"train_loss": loss, "scale": network.scale.item(), "floor": network.floor.item()}
