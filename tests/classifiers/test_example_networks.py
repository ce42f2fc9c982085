"""The networks of the examples for digits, CIFAR-10 and traffic signs have the accuracy that is known of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from evo_fool.classifiers.mnist_data import load_mnist
from evo_fool.classifiers.photographs import measure_accuracy
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.scenes.photographs import read_photographs
from evo_fool.sections import ClassifierConfig

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def example(name: str, weights: Path) -> Scorer:
    if not weights.is_file():
        pytest.skip(f"no {weights}")
    config = ClassifierConfig(spec=f"{EXAMPLES / name}:build", weights=str(weights))
    device = torch.device("cpu")
    return Scorer(load_classifier(config, device), batch=100, view="auto", device=device)


def test_the_robust_network_reads_digits(data_folder: Path, mnist_dir: Path) -> None:
    scorer = example("robust_digits.py", data_folder / "mnist_robust" / "pgd_madry.pt")
    _, test = load_mnist(mnist_dir)
    answers = scorer.score(test.images.unsqueeze(1)).argmax(axis=1)
    assert (answers == test.labels.numpy()).mean() == pytest.approx(0.9899, abs=0.0005)


def test_resnet20_knows_cifar(data_folder: Path) -> None:
    scorer = example("cifar_resnet20.py", data_folder / "cifar10" / "resnet20.pt")
    photographs = read_photographs(scorer.classifier, data_folder / "cifar10" / "cifar10_test_first100.npz")
    assert (scorer.score(photographs.images).argmax(axis=1) == photographs.labels).sum() == 94


def test_the_sign_network_knows_signs(data_folder: Path) -> None:
    """94.3 % is known of 1,290 signs, of which these 860 are a part."""
    scorer = example("traffic_signs.py", data_folder / "gtsrb" / "gtsrb_cnn.pt")
    assert len(set(scorer.classifier.classes)) == 43
    accuracy = measure_accuracy(scorer, data_folder / "gtsrb" / "test")
    assert accuracy.photos == 860 and accuracy.top1 == pytest.approx(0.943, abs=0.02)
