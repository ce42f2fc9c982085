"""The worked example of docs/howto/own-classifier.md: it does what the page says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

from evo_fool.classifiers.zoo import load_classifier
from evo_fool.sections import ClassifierConfig

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "tiny_classifier.py"


def test_example_is_trained_to_something_sensible_and_always_the_same(tmp_path: Path) -> None:
    device = torch.device("cpu")
    classifier = load_classifier(ClassifierConfig(spec=f"{EXAMPLE}:build"), device)
    stripes = sys.modules[type(classifier.network).__module__].stripes
    images, labels = stripes(1000, torch.Generator().manual_seed(12345))
    assert (classifier(images).argmax(1) == labels).float().mean() > 0.97
    weights = tmp_path / "stripes.safetensors"
    subprocess.run([sys.executable, str(EXAMPLE), str(weights)], check=True, timeout=120)
    kept = load_classifier(ClassifierConfig(spec=f"{EXAMPLE}:build", weights=str(weights)), device)
    assert kept.fingerprint() == classifier.fingerprint()
