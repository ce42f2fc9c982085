"""``evo-fool train``: train the classifiers whose weights are, or could be, shipped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evo_fool.cli.output import Output, output_option

if TYPE_CHECKING:
    from evo_fool.training.record import TrainingReport


@click.group()
def train() -> None:
    """Train classifiers of MNIST: the embedded one, and a generative one."""


def training_options(weights: str, epochs: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--data``, ``--download``, ``--out`` (default ``weights``), ``--seed``, and ``--epochs`` with its default."""
    options = [
        click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="The folder that holds MNIST/raw."),
        click.option("--download", is_flag=True, help="Let torchvision fetch MNIST, into DIR if there is one."),
        click.option(
            "--out",
            type=click.Path(dir_okay=False, path_type=Path),
            default=Path(weights),
            show_default=True,
            metavar="FILE",
            help="Weights to write; their record goes beside them as .json.",
        ),
        click.option("--seed", type=int, default=0, show_default=True),
        click.option("--epochs", type=int, help=f"Passes over the training set.  [default: {epochs}]"),
    ]

    def decorate(verb: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            verb = option(verb)
        return verb

    return decorate


@train.command()
@training_options("lenet-mnist.safetensors", "as many as the shipped weights")
@output_option
def lenet(epochs: int | None, output: Output, **options: Any) -> None:
    """Train the LeNet of the paper on MNIST, test it, and write weights that --weights takes."""
    from evo_fool.training.lenet import EPOCHS, train_lenet

    _say(train_lenet(epochs=EPOCHS if epochs is None else epochs, report=output.say, **options), output)


@train.command()
@training_options("vae-mnist.safetensors", "40")
@click.option("--no-floor", is_flag=True, help="Believe in some digit even where an image is unlike all of them.")
@output_option
def vae(epochs: int | None, no_floor: bool, output: Output, **options: Any) -> None:
    """Train a generative classifier of MNIST: one variational autoencoder a digit, with calibrated confidence.

    Use it with `evo-fool run mnist-cppn --classifier vae-mnist --weights FILE`.
    """
    from evo_fool.training.vae import EPOCHS, train_vaes

    epochs = EPOCHS if epochs is None else epochs
    _say(train_vaes(epochs=epochs, floor=not no_floor, report=output.say, **options), output)


def _say(result: TrainingReport, output: Output) -> None:
    if output.json:
        output.data({**asdict(result), "weights": str(result.weights)})
    else:
        output.say(f"{result.weights}  sha256 {result.sha256}")
