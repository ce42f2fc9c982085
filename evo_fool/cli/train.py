"""``evo-fool train``: the programs that make the shipped weights."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from evo_fool.cli.output import Output, output_option


@click.group()
def train() -> None:
    """Train classifiers of MNIST: the embedded one, and a generative one."""


@train.command()
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="The folder that holds MNIST/raw.")
@click.option("--download", is_flag=True, help="Let torchvision fetch MNIST, into DIR if there is one.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("lenet-mnist.safetensors"),
    show_default=True,
    metavar="FILE",
    help="Weights to write; their record goes beside them as .json.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--epochs", type=int, help="Passes over the training set.  [default: as many as the shipped weights]")
@output_option
def lenet(data: Path | None, download: bool, out: Path, seed: int, epochs: int | None, output: Output) -> None:
    """Train the LeNet of the paper on MNIST, test it, and write weights that --weights takes."""
    from evo_fool.training.lenet import EPOCHS, train_lenet

    epochs = EPOCHS if epochs is None else epochs
    result = train_lenet(data, out=out, seed=seed, epochs=epochs, download=download, report=output.say)
    if output.json:
        output.data({**asdict(result), "weights": str(result.weights)})
    else:
        output.say(f"{result.weights}  sha256 {result.sha256}")


@train.command()
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="The folder that holds MNIST/raw.")
@click.option("--download", is_flag=True, help="Let torchvision fetch MNIST, into DIR if there is one.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("vae-mnist.safetensors"),
    show_default=True,
    metavar="FILE",
    help="Weights to write; their record goes beside them as .json.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--epochs", type=int, help="Passes over the training set.  [default: 40]")
@click.option("--no-floor", is_flag=True, help="Believe in some digit even where an image is unlike all of them.")
@output_option
def vae(
    data: Path | None, download: bool, out: Path, seed: int, epochs: int | None, no_floor: bool, output: Output
) -> None:
    """Train a generative classifier of MNIST: one variational autoencoder a digit, with calibrated confidence.

    Use it with `evo-fool run mnist-cppn --classifier vae-mnist --weights FILE`.
    """
    from evo_fool.training.vae import EPOCHS, train_vaes

    epochs = EPOCHS if epochs is None else epochs
    result = train_vaes(
        data, out=out, seed=seed, epochs=epochs, floor=not no_floor, download=download, report=output.say
    )
    if output.json:
        output.data({**asdict(result), "weights": str(result.weights)})
    else:
        output.say(f"{result.weights}  sha256 {result.sha256}")
