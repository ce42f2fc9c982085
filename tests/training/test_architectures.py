"""The other architectures learn MNIST, and load as specs."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from evo_fool.classifiers.mnist_architectures import ARCHITECTURES
from evo_fool.classifiers.mnist_data import Digits, load_mnist
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.sections import ClassifierConfig
from evo_fool.training.architectures import fit


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
