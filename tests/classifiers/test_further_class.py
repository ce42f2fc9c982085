"""A network with one class more: the others answer as before, and weights with it are recognised."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from evo_fool.classifiers.further_class import find_head, has_further_class, widen
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.errors import ConfigError
from evo_fool.sections import ClassifierConfig


def linear() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 7), nn.ReLU(), nn.Linear(7, 5))


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 1), nn.Conv2d(4, 5, 1, bias=False), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


@pytest.mark.parametrize("make", [linear, convolutional])
def test_the_others_answer_as_before(make: object) -> None:
    network = make()  # type: ignore[operator]
    images = torch.rand(3, 3, 2, 2)
    before = network(images)
    old = {key: value.clone() for key, value in network.state_dict().items()}
    head = widen(network, 5)
    after = network(images)
    assert after.shape == (3, 6) and torch.equal(after[:, :5], before) and not after[:, 5].any()
    assert find_head(network, 6)[1] is head
    plain = make()  # type: ignore[operator]
    assert has_further_class(network.state_dict(), plain, 5) and not has_further_class(old, plain, 5)


def test_a_network_without_such_a_layer_is_named() -> None:
    with pytest.raises(ConfigError, match="Sequential has no last layer of 9 outputs"):
        widen(linear(), 9)


def test_torchvision_with_a_1001st_class(tmp_path: object) -> None:
    from evo_fool.classifiers.sources.torchvision_cpu import import_torchvision

    with torch.random.fork_rng(devices=[]):
        network = import_torchvision().models.get_model("squeezenet1_1", weights=None)
    widen(network, 1000)
    path = f"{tmp_path}/squeezenet1_1.safetensors"
    save_file(network.state_dict(), path)
    found = load_classifier(ClassifierConfig(spec="torchvision:squeezenet1_1", weights=path), torch.device("cpu"))
    assert len(found.classes) == 1001 and found.classes[-1] == "fooling" and found.classes[0] == "tench"
    assert found(torch.rand(1, 3, 224, 224)).shape == (1, 1001)
