"""The program that trains the generative classifier of digits (``evo-fool train vae``).

Each autoencoder is trained on the images of its own digit, moved by up to a pixel, to raise the evidence lower bound,
by Adam. The last 5,000 training images are held out: they decide the scale of the likelihoods, which calibrates
confidence, and the floor below which an image gets even probabilities.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from evo_fool.classifiers.digit_vaes import (
    HIDDEN,
    LATENT,
    NO_FLOOR,
    DigitPosterior,
    DigitVaes,
    posterior_logits,
)
from evo_fool.classifiers.lenet import DIGITS
from evo_fool.classifiers.mnist_data import Digits, load_mnist
from evo_fool.errors import ConfigError
from evo_fool.training.calibration import best_scale, calibration_error, split
from evo_fool.training.lenet import deterministic
from evo_fool.training.record import TrainingReport, check_request, keep

BATCH = 64
"""Images of each digit in one step."""
RATE = 3e-3
EPOCHS = 40
SHIFT = 1
"""Images are moved by up to so many pixels, all of a digit in a batch alike."""
FLOOR_QUANTILE = 0.01
"""Share of held-out digits that lie below the floor."""

_WARM_UP = 50
_LAST_RATE = 0.02


def train_vaes(
    data: Path | None,
    *,
    out: Path,
    seed: int = 0,
    epochs: int = EPOCHS,
    floor: bool = True,
    download: bool = False,
    report: Callable[[str], None] = lambda line: None,
) -> TrainingReport:
    """Train on MNIST, calibrate, test, and write ``out`` (.safetensors) and its record with the suffix ``.json``.

    Args:
        data: the folder that holds ``MNIST/raw``; see :func:`evo_fool.classifiers.mnist_data.load_mnist`.
        floor: whether images unlike every digit get even probabilities; otherwise only the scale is calibrated.
        report: is called with one line per pass.

    Raises:
        ConfigError: no data, an ``out`` that is no .safetensors path, or a bad seed or epochs.
        EvoFoolError: ``out`` cannot be written.
    """
    out = Path(out)
    check_request(out, seed=seed, epochs=epochs)
    train, test = load_mnist(data, download=download)
    started = time.perf_counter()
    seen, held_out = split(train)
    with deterministic():
        vaes, loss = fit_vaes(seen, seed=seed, epochs=epochs, report=report)
        network = calibrated(vaes, held_out, floor=floor)
        logits = torch.cat([network(part) for part in pixels(test.images).split(200)])
    seconds = time.perf_counter() - started
    error = int((logits.argmax(1) != test.labels).sum()) / len(test.labels)
    report(f"test error {100 * error:.2f} % of {len(test.labels)} in {seconds:.0f} s")
    more = {
        "scale": round(network.scale.item(), 6),
        "floor": round(network.floor.item(), 3) if floor else None,
        "held_out": len(held_out.labels),
        "test_calibration_error": round(calibration_error(logits.softmax(1), test.labels), 6),
    }
    found = TrainingReport(out, error, len(test.labels), loss, seconds, more=more)
    verb = "train vae" if floor else "train vae --no-floor"
    return keep(network, found, verb=verb, seed=seed, epochs=epochs)


def fit_vaes(
    train: Digits,
    *,
    seed: int,
    epochs: int,
    report: Callable[[str], None],
    hidden: int = HIDDEN,
    latent: int = LATENT,
) -> tuple[DigitVaes, float]:
    """Ten trained autoencoders, frozen, and their mean loss in nats per image over the last pass.

    Draws only from its own generator. A pass draws as many images as there are, with replacement, evenly of each
    digit.

    Raises:
        ConfigError: a digit of which there is no image.
    """
    generator = torch.Generator().manual_seed(seed)
    vaes = DigitVaes(hidden, latent, generator)
    by_digit = [train.images[train.labels == digit] for digit in range(len(DIGITS))]
    for digit, images in enumerate(by_digit):
        if not len(images):
            raise ConfigError(f"the training images hold no {digit}; each autoencoder needs images of its digit")
        start = images.double().mean(0).div(255).clamp(0.005, 0.995).logit()
        vaes.get_parameter("pixels_bias").data[digit, 0] = start.flatten().float()
    optimiser = torch.optim.Adam(vaes.parameters(), RATE)
    each = max(1, len(train.labels) // (BATCH * len(DIGITS)))
    steps, mean_loss = epochs * each, 0.0
    for epoch in range(1, epochs + 1):
        total = 0.0
        for step in range((epoch - 1) * each, epoch * each):
            optimiser.param_groups[0]["lr"] = RATE * min(1.0, (step + 1) / _WARM_UP) * _annealed(step / steps)
            images = torch.stack([_moved(_drawn(images, generator), generator) for images in by_digit])
            noise = torch.randn(len(DIGITS), BATCH, latent, generator=generator)
            optimiser.zero_grad()
            loss = -vaes.evidence(images.flatten(2).float().div_(255), noise).mean()
            loss.backward()
            optimiser.step()
            total += loss.item()
        mean_loss = total / each
        report(f"epoch {epoch}/{epochs}: {mean_loss:.2f} nats an image")
    return vaes.requires_grad_(False), mean_loss


def calibrated(vaes: DigitVaes, held_out: Digits, *, floor: bool) -> DigitPosterior:
    """The classifier whose scale, and floor if it is to have one, fit digits that it was not trained on."""
    with torch.inference_mode():
        likelihoods = torch.cat([vaes(part.flatten(1)) for part in pixels(held_out.images).split(200)])
    level = likelihoods.amax(1).double().quantile(FLOOR_QUANTILE).item() if floor else NO_FLOOR
    scale = best_scale(lambda scale: posterior_logits(likelihoods, scale, level), held_out.labels)
    return DigitPosterior(vaes, scale, level)


def pixels(images: Tensor) -> Tensor:
    """uint8 ``(n, 28, 28)`` as float32 ``(n, 1, 28, 28)`` in [0, 1]."""
    return images.unsqueeze(1).to(torch.float32).div_(255)


def _drawn(images: Tensor, generator: torch.Generator) -> Tensor:
    return images[torch.randint(len(images), (BATCH,), generator=generator)]


def _moved(images: Tensor, generator: torch.Generator) -> Tensor:
    down, right = torch.randint(-SHIFT, SHIFT + 1, (2,), generator=generator).tolist()
    return images.roll((down, right), (1, 2))


def _annealed(progress: float) -> float:
    return _LAST_RATE + (1 - _LAST_RATE) * (1 + math.cos(math.pi * progress)) / 2
