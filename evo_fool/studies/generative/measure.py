"""Whether a generative classifier is as easily fooled as a discriminative one (paper, section 4: "generative models …
may be harder to fool").

Three judges of digits, all trained on the same 55,000 images and calibrated on the same 5,000: the LeNet; one
variational autoencoder a digit, with Bayes' rule alone; and the same with a floor below which no digit is believed in
(ABS: Schott, Rauber, Bethge & Brendel, 2018). The same evolution attacks each of them, by CPPNs and by pixels.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, NamedTuple

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
from evo_fool.studies.digit_runs import EVOLVED
from evo_fool.studies.generative import Contest
from evo_fool.studies.training import mnist_of, trained
from evo_fool.training.calibration import best_scale, calibration_error, split
from evo_fool.training.lenet import fit
from evo_fool.training.vae import calibrated, fit_vaes, pixels

LENET, BAYES, FLOOR = "LeNet", "VAEs", "VAEs with a floor"


class Judge(NamedTuple):
    """A trained and calibrated classifier: its label, the spec of an experiment's classifier, its weights file."""

    name: str
    spec: str
    weights: Path


def train_judges(context: Context, contest: Contest) -> list[Judge]:
    """The three judges: trained, or found again.

    Raises:
        Skipped: there is no MNIST.
        Stopped: asked to.
    """
    train = mnist_of(context).train
    seen, held_out = split(Digits(train.images[: contest.digits], train.labels[: contest.digits]))
    learnt = array_digest(seen.images, seen.labels, held_out.images, held_out.labels)
    common = f"of {len(seen.labels)} digits {learnt}, seed {contest.seed}"
    autoencoders = f"digit VAEs {common}, {contest.vae_epochs} passes"

    def lenet() -> tuple[LeNet, dict[str, Any]]:
        network, loss = fit(seen, seed=contest.seed, epochs=contest.lenet_epochs, report=lambda line: None)
        tempered, scale = with_temperature(network, held_out)
        return tempered, {"train_loss": loss, "scale": scale}

    def with_floor() -> tuple[DigitPosterior, dict[str, Any]]:
        vaes, loss = fit_vaes(seen, seed=contest.seed, epochs=contest.vae_epochs, report=context.say)
        return _noted(calibrated(vaes, held_out, floor=True), loss)

    def without_floor() -> tuple[DigitPosterior, dict[str, Any]]:
        vaes = copy.deepcopy(_posterior(context, floor).vaes).cpu()
        return _noted(calibrated(vaes, held_out, floor=False), None)

    first, _ = trained(context, f"calibrated LeNet {common}, {contest.lenet_epochs} passes", lenet)
    floor, _ = trained(context, autoencoders, with_floor)
    bayes, _ = trained(context, f"{autoencoders}, no floor", without_floor)
    return [Judge(LENET, "lenet-mnist", first), Judge(BAYES, "vae-mnist", bayes), Judge(FLOOR, "vae-mnist", floor)]


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


def worth(scorer: Scorer, test: Digits, control: int) -> dict[str, float]:
    """How good a judge is on digits that it has not seen, and what it makes of noise.

    Args:
        scorer: the judge.
        test: the digits.
        control: random images of each kind.

    Returns:
        On the digits ``test_error``, the share misclassified; ``calibration_error``, the expected one;
        ``cross_entropy``, mean, in nats; ``sure``, the share with at least 99 %. ``noise``: mean probability of the
        digit that an image of uniform noise is taken for; ``random_pixels`` and ``random_cppns``: median over digits
        of the best of these, and of as many unselected CPPN images.
    """
    log_odds, labels = scorer.score(test.images.unsqueeze(1).numpy()), test.labels
    own = log_odds[np.arange(len(labels)), labels.numpy()]
    p = torch.from_numpy(probability(log_odds))
    random = {"size": scorer.classifier.size, "channels": scorer.classifier.channels, "seed": 0}
    noise = probability(scorer.score(random_pixels(control, **random)))
    return {
        "test_error": int((p.argmax(1) != labels).sum()) / len(labels),
        "calibration_error": calibration_error(p, labels),
        "cross_entropy": float(np.logaddexp(0.0, -own).mean()),
        "sure": float((p.amax(1) >= 0.99).double().mean()),
        "noise": float(noise.max(axis=1).mean()),
        "random_pixels": float(np.median(noise.max(axis=0))),
        "random_cppns": float(np.median(best_of(scorer, random_cppns(control, **random), len(DIGITS)))),
    }


def attack(
    context: Context, judge: Judge, encoding: str, contest: Contest, seed: int
) -> tuple[dict[str, Any], np.ndarray]:
    """Evolve against a judge, or find the run.

    Returns:
        ``medians`` over digits by generation and the probability ``p`` of the elite of each digit at the end, beside
        the arguments; and the elites, uint8 ``(10, 1, 28, 28)``.

    Raises:
        Stopped: asked to; the run goes on where it stopped.
    """
    settings = {
        "name": f"{judge.name.lower().replace(' ', '-')}-{encoding}",
        "seed": seed,
        "generations": contest.generations,
        "batch": contest.batch,
        "classifier.spec": judge.spec,
        "classifier.weights": str(judge.weights.absolute()),
    }
    with context.run(context.experiment(EVOLVED[encoding], settings)) as run:
        medians, p = run.metrics["median"].tolist(), [elite.probability for elite in run.elites]
        entry = {"judge": judge.name, "encoding": encoding, "seed": seed, "medians": medians, "p": p}
        return entry, np.stack([run.image(cell) for cell in run])


def likelihoods(context: Context, vaes: Path, images: np.ndarray, digits: np.ndarray) -> np.ndarray:
    """How likely images are under given digits, in nats and up to a constant, float64 ``(n,)``; the ledger counts them.

    Args:
        vaes: weights of a judge that is made of autoencoders.
        images: uint8 ``(n, 1, 28, 28)``.
        digits: int ``(n,)``.
    """
    network = _posterior(context, vaes)
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
