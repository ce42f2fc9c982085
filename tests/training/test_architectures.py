"""The other architectures learn MNIST, and load as specs."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from support import easy_digits

from evo_fool.classifiers.mnist_architectures import ARCHITECTURES, ae400, fc10
from evo_fool.classifiers.mnist_data import Digits, load_mnist
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.sections import ClassifierConfig
from evo_fool.training.architectures import fit, fit_decaying


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_one_pass_over_a_part_of_mnist_is_enough(name: str, mnist_dir: Path, tmp_path: Path) -> None:
    train, test = load_mnist(mnist_dir)
    part = Digits(train.images[:12_000], train.labels[:12_000])
    network = fit(name, part, seed=1, epochs=1)
    path = tmp_path / "weights.safetensors"
    save_file(network.state_dict(), path)
    spec = f"import:evo_fool.classifiers.mnist_architectures:{name}"
    classifier = load_classifier(ClassifierConfig(spec=spec, weights=str(path)), torch.device("cpu"))
    with torch.inference_mode():
        answers = classifier(test.images[:2000].unsqueeze(1) / 255).argmax(1)
    assert (answers == test.labels[:2000]).float().mean() > 0.85


def test_training_repeats_itself() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (256, 28, 28), dtype=torch.uint8, generator=generator)
    digits = Digits(images, torch.randint(0, 10, (256,), generator=generator))
    first, second = (fit("mlp", digits, seed=3, epochs=1).state_dict() for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)


def easy(n: int) -> Digits:
    images, labels = easy_digits(n, 1)
    return Digits(torch.from_numpy(images), torch.from_numpy(labels).long())


def test_decay_shrinks_weights_and_costs_accuracy() -> None:
    digits, sizes, errors = easy(1500), [], []
    for decay in (0.0, 1e-2, 10.0):
        network = fit_decaying(fc10().network, digits, decays=(decay,), seed=2, epochs=3)
        with torch.inference_mode():
            errors.append(float((network(digits.images[:, None] / 255).argmax(1) != digits.labels).float().mean()))
        sizes.append(float(network[1].weight.detach().square().sum()))
    assert sizes[0] > sizes[1] > 3 * sizes[2] and errors[0] < 0.02
    again = fit_decaying(fc10().network, digits, decays=(10.0,), seed=2, epochs=3)
    assert torch.equal(again[1].weight, network[1].weight)


def test_the_autoencoders_layer_is_learned_without_labels() -> None:
    digits = easy(600)
    shuffled = Digits(digits.images, digits.labels.flip(0))
    first, second = (
        fit_decaying(ae400().network, each, decays=(0.0, 1e-6), seed=2, epochs=2, autoencoder=True)
        for each in (digits, shuffled)
    )
    assert torch.equal(first[1].weight, second[1].weight) and not torch.equal(first[3].weight, second[3].weight)
