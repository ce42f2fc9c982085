"""A further output that is trained alone: it wins on fooling images, loses on photographs, and changes nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.studies.retraining_imagenet import retrain_head
from evo_fool.studies.workshop import Workshop


def images(n: int, seed: int, *, fooling: bool) -> np.ndarray:
    """Photographs are dark on the left, fooling images on the right."""
    pixels = np.random.default_rng(seed).integers(0, 90, (n, 3, 4, 4), dtype=np.uint8)
    pixels[..., :2] += np.uint8(150) * fooling
    pixels[..., 2:] += np.uint8(150) * (not fooling)
    return pixels


def linear() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 20), nn.ReLU(), nn.Linear(20, 5))


def rectified() -> nn.Module:
    """As SqueezeNet ends."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 4), nn.ReLU(), nn.Conv2d(16, 5, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


def scorer(network: nn.Module) -> Scorer:
    classifier = Classifier(network, classes=list("abcde"), size=4, channels=3, name="small")
    return Scorer(classifier, batch=8, view="auto", device=torch.device("cpu"))


@pytest.mark.parametrize("make", [linear, rectified])
def test_only_the_new_output_learns(make: object) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = make()  # type: ignore[operator]
        for parameter in network.parameters():
            parameter.data *= 3  # logits of a trained network's size
    judge = scorer(network)
    retrained = retrain_head(judge, images(40, 0, fooling=False), images(30, 1, fooling=True))
    for kind in (False, True):
        fresh = torch.from_numpy(images(50, 9, fooling=kind)).float() / 255
        with torch.no_grad():
            before, after = network(fresh), retrained(fresh)
        torch.testing.assert_close(after[:, :5], before)
        assert ((after.argmax(1) == 5) == kind).float().mean() > 0.95


def test_a_head_that_ends_otherwise_is_refused() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(48, 5), nn.Softmax(dim=1))
    with pytest.raises(ConfigError, match="not known here"):
        retrain_head(scorer(network), images(4, 0, fooling=False), images(4, 1, fooling=True))


def test_without_photographs_there_is_nothing_to_retrain(tmp_path: object) -> None:
    from pathlib import Path

    from evo_fool.studies.retraining_imagenet import retrain_imagenet

    assert retrain_imagenet(Workshop(Path(str(tmp_path)), "smoke")) is None
