"""``evo-fool train``: train the classifiers whose weights are, or could be, shipped, and fit detectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evo_fool.cli.options import classifier_options
from evo_fool.cli.output import Output, output_option
from evo_fool.errors import ConfigError

if TYPE_CHECKING:
    from evo_fool.classifiers.mnist_data import Digits
    from evo_fool.training.lenet import Outliers
    from evo_fool.training.record import TrainingReport


@click.group()
def train() -> None:
    """Train classifiers of MNIST: the embedded one, and a generative one; or fit a detector on any network."""


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
@click.option(
    "--loss",
    type=click.Choice(["plain", "ceda", "acet"]),
    default="plain",
    show_default=True,
    help="ceda: low confidence on noise too; acet: on noise made worse by gradient, ten times as slow.",
)
@output_option
def lenet(epochs: int | None, loss: str, output: Output, seed: int, **options: Any) -> None:
    """Train the LeNet of the paper on MNIST, test it, and write weights that --weights takes."""
    from evo_fool.training.lenet import EPOCHS, train_lenet

    teach = None
    if loss != "plain":
        from evo_fool.studies.baselines import outliers

        def teach(train: Digits) -> Outliers:
            return outliers(train.images, loss, seed=seed)

    epochs = EPOCHS if epochs is None else epochs
    _say(train_lenet(epochs=epochs, seed=seed, teach=teach, loss=loss, report=output.say, **options), output)


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


@train.command()
@click.argument("kind", metavar="DETECTOR")
@classifier_options
@click.option("--photos", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Natural images.")
@click.option("--between", metavar="FIRST,END", help="Fit on these, by class index.  [default: the first half]")
@click.option("--held-out", metavar="FIRST,END", help="Take the thresholds from these.  [default: the second half]")
@click.option("--vaes", type=click.Path(path_type=Path), metavar="FILE", help="For vae: weights by `train vae`.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, metavar="FILE", help=".safetensors"
)
@output_option
def detector(
    kind: str,
    classifier: str | None,
    weights: str | None,
    photos: Path,
    between: str | None,
    held_out: str | None,
    vaes: Path | None,
    out: Path,
    output: Output,
) -> None:
    """Fit DETECTOR on natural images, and write a FILE for `--classifier guarded:FILE:SPEC`.

    DETECTOR is msp, maxlogit, energy, entropy, odin, mahalanobis, knn, vim or vae. DIR is a folder of photographs, an
    npz file, or the folder that holds MNIST/raw.
    """
    from evo_fool.classifiers.spec import DETECTORS
    from evo_fool.scene_sections import places

    if (known := next((name for name in DETECTORS if name == kind), None)) is None:
        raise ConfigError(f"detector {kind!r} is unknown; choose one of {', '.join(DETECTORS)}")
    ranges = [None if text is None else places(text) for text in (between, held_out)]
    from evo_fool.classifiers.precision import choose_batch
    from evo_fool.classifiers.scoring import Scorer
    from evo_fool.classifiers.zoo import load_classifier
    from evo_fool.evaluation.environment import choose_device
    from evo_fool.sections import ClassifierConfig
    from evo_fool.training.detector import train_detector, two_halves

    device = choose_device("auto")
    network = load_classifier(ClassifierConfig(spec=classifier or "lenet-mnist", weights=weights), device)
    scorer = Scorer(network, batch=choose_batch(None, network.size, device), view="auto", device=device)
    record = train_detector(known, scorer, *two_halves(scorer, photos, *ranges), out, vaes)
    if output.json:
        output.data(record)
    else:
        thresholds = ", ".join(f"{value:.6g} ({float(k):.0%})" for k, value in record["thresholds"].items())
        output.say(f"{kind} on {record['fitted_on']} natural images; thresholds on {record['held_out']}: {thresholds}")
        output.say(f"{out}  sha256 {record['sha256']}")


def _say(result: TrainingReport, output: Output) -> None:
    if output.json:
        output.data({**asdict(result), "weights": str(result.weights)})
    else:
        output.say(f"{result.weights}  sha256 {result.sha256}")
