"""The program that trains the LeNet of the paper on MNIST (``evo-fool train lenet``).

Stochastic gradient descent with the batch, momentum and weight decay of Caffe's ``lenet_solver.prototxt``; the rate
falls linearly to zero, from twice Caffe's, which ends at a lower error than Caffe's schedule. The same seed gives the
same bytes on the same kind of processor with the same version of torch, whatever the number of cores: it computes on
one thread, because the order of summation, and with it the last bit, follows the number of threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from evo_fool.classifiers.lenet import DIGITS, SCALE, LeNet
from evo_fool.classifiers.mnist_data import Digits, load_mnist
from evo_fool.training.record import TrainingReport, check_request, keep

BATCH = 64
RATE = 0.02
MOMENTUM = 0.9
WEIGHT_DECAY = 0.0005
EPOCHS = 14
ASCENT = 10
"""Steps of a quarter of epsilon by which ACET looks for the surest image."""


@dataclass(frozen=True, slots=True)
class Outliers:
    """Images of no class, on which the network learns low confidence: CEDA and ACET (Hein, Andriushchenko & Bitterwolf,
    2019).

    Attributes:
        images: uint8 ``(m, 28, 28)``, from which every step draws.
        weight: of the mean largest log-probability of those drawn, beside the mean cross-entropy of the digits.
        share: how many are drawn for each digit of a batch.
        epsilon: 0 for CEDA. For ACET each image is first moved, by at most so much in every value of [0, 1], to where
            the network is surest, in :data:`ASCENT` signed steps.
    """

    images: Tensor
    weight: float = 1.0
    share: float = 0.5
    epsilon: float = 0.0


def train_lenet(
    data: Path | None,
    *,
    out: Path,
    seed: int = 0,
    epochs: int = EPOCHS,
    download: bool = False,
    loss: str = "plain",
    teach: Callable[[Digits], Outliers] | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> TrainingReport:
    """Train on MNIST, test, and write ``out`` (.safetensors) and its record ``out`` with the suffix ``.json``.

    Args:
        data: the folder that holds ``MNIST/raw``; see :func:`evo_fool.classifiers.mnist_data.load_mnist`.
        loss: what the record calls the loss.
        teach: makes, of the training digits, the images to learn low confidence on; None: there are none.
        report: is called with one line per pass.

    Raises:
        ConfigError: no data, an ``out`` that is no .safetensors path, or a bad seed or epochs.
        EvoFoolError: ``out`` cannot be written.
    """
    out = Path(out)
    check_request(out, seed=seed, epochs=epochs)
    train, test = load_mnist(data, download=download)
    started = time.perf_counter()
    with deterministic():
        outliers = None if teach is None else teach(train)
        network, mean_loss = fit(train, seed=seed, epochs=epochs, report=report, outliers=outliers)
        wrong = count_errors(network, test)
    seconds = time.perf_counter() - started
    error = wrong / len(test.labels)
    report(f"test error {100 * error:.2f} % ({wrong} of {len(test.labels)}) in {seconds:.0f} s")
    found = TrainingReport(out, error, len(test.labels), mean_loss, seconds)
    verb = "train lenet" if loss == "plain" else f"train lenet --loss {loss}"
    return keep(network, found, verb=verb, seed=seed, epochs=epochs)


def fit(
    train: Digits,
    *,
    seed: int,
    epochs: int,
    report: Callable[[str], None],
    outputs: int = len(DIGITS),
    outliers: Outliers | None = None,
) -> tuple[LeNet, float]:
    """A network trained on ``train``, and its mean loss over the last pass. Draws only from its own generator.

    Args:
        outputs: 11 where ``train`` holds a class of fooling images too, with label 10.
        outliers: images to learn low confidence on, if any.
    """
    generator = torch.Generator().manual_seed(seed)
    network = LeNet(generator, outputs)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs omit it
    images, labels = _input(train.images), train.labels
    unlabelled = None if outliers is None else _input(outliers.images)
    optimiser = torch.optim.SGD(network.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    steps = epochs * -(-len(labels) // BATCH)
    step = 0
    mean_loss = 0.0
    for epoch in range(1, epochs + 1):
        total = 0.0
        batches = torch.randperm(len(labels), generator=generator).split(BATCH)
        for rows in batches:
            optimiser.param_groups[0]["lr"] = RATE * (1 - step / steps)
            optimiser.zero_grad()
            loss = F.cross_entropy(network(images[rows]), labels[rows])
            if outliers is not None and unlabelled is not None:
                drawn = torch.randint(len(unlabelled), (round(outliers.share * len(rows)),), generator=generator)
                odd = _surest(network, unlabelled[drawn], outliers.epsilon) if outliers.epsilon else unlabelled[drawn]
                loss = loss + outliers.weight * _confidence(network, odd).mean()
            loss.backward()
            optimiser.step()
            total += loss.item()
            step += 1
        mean_loss = total / len(batches)
        report(f"epoch {epoch}/{epochs}: training loss {mean_loss:.4f}")
    return network, mean_loss


def count_errors(network: LeNet, test: Digits) -> int:
    """How many of the test images the network misclassifies."""
    with torch.inference_mode():
        answers = [network(images).argmax(1) for images in _input(test.images).split(500)]
    return int((torch.cat(answers) != test.labels).sum())


def _confidence(network: LeNet, images: Tensor) -> Tensor:
    """The largest log-probability of each image, ``(n,)``."""
    return network(images).log_softmax(1).amax(1)


def _surest(network: LeNet, images: Tensor, epsilon: float) -> Tensor:
    """Images within ``epsilon`` of those given, in every value of [0, 1], on which the network is surer."""
    low, high = ((images + sign * epsilon * SCALE).clamp(0, SCALE) for sign in (-1, 1))
    moved = images
    for _ in range(ASCENT):
        moved = moved.detach().requires_grad_()
        (slope,) = torch.autograd.grad(_confidence(network, moved).sum(), moved)
        moved = torch.clamp(moved.detach() + slope.sign() * (epsilon * SCALE / 4), low, high)
    return moved


def _input(images: Tensor) -> Tensor:
    images = images.unsqueeze(1).to(torch.float32).div(255).mul(SCALE)
    return images.contiguous(memory_format=torch.channels_last)


@contextmanager
def deterministic() -> Iterator[None]:
    """One thread and torch's deterministic algorithms, so that training repeats itself to the byte."""
    threads = torch.get_num_threads()
    was, warn_only = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(was, warn_only=warn_only)
        torch.set_num_threads(threads)
