"""What can be read off a bare network, and what is said where it cannot."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.wrapping import as_classifier
from evo_fool.errors import ConfigError


def network(channels: int = 3, **facts: Any) -> nn.Module:
    made = nn.Sequential(nn.Conv2d(channels, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
    for name, value in facts.items():
        setattr(made, name, value)
    return made


CASES = [
    (nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), ("0", "9"), 28, 1),
    (nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10)), ("0", "9"), 32, 3),
    (network(1, size=16), ("0", "4"), 16, 1),
    (network(image_size=(24, 24), class_names=["a", "b", "c", "d", "e"]), ("a", "e"), 24, 3),
    (network(default_cfg={"input_size": (3, 8, 8)}, num_classes=5), ("0", "4"), 8, 3),
    (
        network(config=SimpleNamespace(id2label={1: "dog", 0: "cat"}, image_size=12, num_channels=3)),
        ("cat", "dog"),
        12,
        3,
    ),
]


@pytest.mark.parametrize(("bare", "ends", "size", "channels"), CASES)
def test_what_a_network_tells_is_taken(bare: nn.Module, ends: tuple[str, str], size: int, channels: int) -> None:
    wrapped = as_classifier(bare)
    assert (wrapped.classes[0], wrapped.classes[-1]) == ends
    assert (wrapped.size, wrapped.channels, wrapped.name) == (size, channels, type(bare).__name__)
    images = torch.rand(2, channels, size, size)
    assert torch.equal(wrapped(images), bare(images))


def test_the_normalisation_of_timm_is_applied() -> None:
    bare = network(default_cfg={"input_size": (3, 8, 8), "mean": (0.4, 0.5, 0.6), "std": (0.2, 0.3, 0.4)})
    images = torch.rand(2, 3, 8, 8)
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in ((0.4, 0.5, 0.6), (0.2, 0.3, 0.4)))
    assert torch.allclose(as_classifier(bare)(images), bare((images - mean) / std))


def test_a_classifier_is_taken_as_it_is() -> None:
    judge = Classifier(network(), classes=list("abcde"), size=8, channels=3, name="own")
    assert as_classifier(judge) is judge


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (network(), "Sequential does not tell its size; pass evo_fool.Classifier(network, classes"),
        (network(image_size=(24, 32)), "does not tell its size"),
        (nn.ReLU(), "classes and channels and size"),
        (len, "the function of classifier 'len' does not tell its size; set function.size"),
        (3, "classifier is int; pass an evo_fool.Classifier, a torch.nn.Module or a function"),
    ],
)
def test_what_cannot_be_found_out_is_asked_for(value: Any, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        as_classifier(value)
    assert told in str(caught.value) and "\n" not in str(caught.value)
