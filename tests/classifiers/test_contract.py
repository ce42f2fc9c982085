"""The project's classifiers keep the contract of classifiers, and the contract tells what does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from support import broken_promises
from torch import Tensor, nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.ensemble import Ensemble
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.sections import ClassifierConfig
from evo_fool.testing import ClassifierContract


def small(network: nn.Module | None = None, **options: Any) -> Classifier:
    """A classifier of 6x6 images in colour and five classes, with a random linear layer unless told otherwise."""
    torch.manual_seed(1)
    network = network or nn.Sequential(nn.Flatten(), nn.Linear(108, 5))
    return Classifier(network, **{"classes": tuple("abcde"), "size": 6, "channels": 3, "name": "small"} | options)


MADE: dict[str, Callable[[], Classifier]] = {
    "lenet-mnist": lambda: load_classifier(ClassifierConfig(spec="lenet-mnist"), torch.device("cpu")),
    "linear": small,
    "normalised": lambda: small(scale=255.0, mean=(120.0, 110.0, 100.0), std=50.0),
    "softmax": lambda: small(nn.Sequential(nn.Flatten(), nn.Linear(108, 5), nn.Softmax(dim=1)), output="probabilities"),
    "dropout": lambda: small(nn.Sequential(nn.Dropout(0.5), nn.Flatten(), nn.Linear(108, 5))),
    "mean": lambda: Ensemble([small(), small(scale=2.0)], "mean"),
    "minimum": lambda: Ensemble([small(), small(scale=2.0)], "minimum"),
}


class TestClassifiers(ClassifierContract):
    @pytest.fixture(params=MADE)
    def classifier(self, request: pytest.FixtureRequest) -> Classifier:
        return MADE[request.param]()


class Odd(Classifier):
    """Keeps the contract but for what ``change`` replaces."""

    def __init__(self, **change: Any) -> None:
        torch.manual_seed(1)
        network = change.pop("network", None) or nn.Sequential(nn.Flatten(), nn.Linear(108, 5))
        super().__init__(network, classes=tuple("abcde"), size=6, channels=3, name="odd")
        for name, value in change.items():
            object.__setattr__(self, name, value)


class Noisy(nn.Module):
    """Adds noise of torch's or numpy's global generator."""

    def __init__(self, draw: Callable[[], Any]) -> None:
        super().__init__()
        self.draw = draw

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1)[:, :5] + float(self.draw())


class Changes(nn.Module):
    """Changes its input where it lies."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mul_(0.5).flatten(1)[:, :5]


class OfTheBatch(nn.Module):
    """What batch normalisation does in training mode."""

    def forward(self, images: Tensor) -> Tensor:
        flat = images.flatten(1)[:, :5]
        return flat - flat.mean(dim=0)


class Detached(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.detach().flatten(1)[:, :5] + 0 * images.sum()


class Trainable(Odd):
    def train(self, mode: bool = True) -> Any:
        return nn.Module.train(self, mode)


class Constant(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return 0 * images.flatten(1)[:, :5]


class Unchecked(Odd):
    def forward(self, images: Tensor) -> Tensor:
        return self.logits(torch.zeros(len(images), 3, 6, 6))


class Anonymous(Odd):
    def fingerprint(self) -> str:
        return "0" * 64


class Forgetful(Odd):
    def fingerprint(self) -> str:
        return np.random.default_rng().bytes(32).hex()


BREAKAGES: dict[str, tuple[str, Callable[[], Classifier]]] = {
    "two of a name": ("classes_have_distinct_names", lambda: Odd(classes=("a", "a", "b", "c", "d"))),
    "a class too many": ("logits_are_finite_and_one_a_class", lambda: Odd(classes=tuple("abcdef"))),
    "NaN": ("logits_are_finite_and_one_a_class", lambda: Odd(std=torch.full((3, 1, 1), torch.nan), _steps=(0, 0, 1))),
    "infinite for black": (
        "log_odds_are_finite_for_any_image",
        lambda: Odd(scale=0.0, mean=torch.zeros(3, 1, 1), std=torch.zeros(3, 1, 1), _steps=(1, 0, 1)),
    ),
    "always the same": ("it_looks_at_the_images", lambda: Odd(network=Constant())),
    "noise": ("equal_images_have_equal_logits", lambda: Odd(network=Noisy(lambda: torch.rand(())))),
    "draws from numpy": ("equal_images_have_equal_logits", lambda: Odd(network=Noisy(lambda: 0 * np.random.rand()))),
    "draws from torch": ("equal_images_have_equal_logits", lambda: Odd(network=Noisy(lambda: 0 * torch.rand(())))),
    "changes its input": ("equal_images_have_equal_logits", lambda: Odd(network=Changes())),
    "looks at neighbours": ("a_score_does_not_depend_on_its_neighbours", lambda: Odd(network=OfTheBatch())),
    "can be trained": ("it_is_frozen_and_in_eval_mode_for_good", Trainable),
    "no gradient": ("gradients_reach_the_images", lambda: Odd(network=Detached())),
    "takes anything": ("other_inputs_are_refused", Unchecked),
    "no fingerprint": ("the_fingerprint_follows_the_weights", Anonymous),
    "another fingerprint each time": ("the_fingerprint_follows_the_weights", Forgetful),
}


def test_a_sound_classifier_keeps_the_contract() -> None:
    assert broken_promises(ClassifierContract, classifier=Odd()) == set()


@pytest.mark.parametrize("what", BREAKAGES)
def test_a_broken_classifier_is_noticed(what: str) -> None:
    promise, make = BREAKAGES[what]
    assert promise in broken_promises(ClassifierContract, classifier=make())


def test_every_promise_can_be_broken() -> None:
    promises = {name.removeprefix("test_") for name in dir(ClassifierContract) if name.startswith("test_")}
    assert promises == {promise for promise, _ in BREAKAGES.values()}


def test_where_no_gradient_is_promised_none_is_asked_for() -> None:
    class Opaque(ClassifierContract):
        differentiable = False

    assert broken_promises(Opaque, classifier=Odd(network=Detached())) == set()
