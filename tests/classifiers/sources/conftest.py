"""Networks small enough to be exported in a test, and the skipping of tests whose packages are missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from evo_fool.classifiers.sources.torchvision_cpu import import_torchvision, with_torchvision


@pytest.fixture
def package() -> Callable[[str], Any]:
    """Import an optional package, or skip the test."""

    def get(name: str) -> Any:
        return with_torchvision(lambda: pytest.importorskip(name, reason=f"{name} is an optional extra"))

    return get


def small_network(size: int = 8, channels: int = 3, classes: int = 4) -> nn.Module:
    """A convolution and a linear layer with random weights, always the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        layers = [nn.Conv2d(channels, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(6 * (size - 2) ** 2, classes)]
    return nn.Sequential(*layers).eval()


def small_onnx(path: Path, *, batch: int | str = "n", last: bool = False, gain: float = 1.0) -> Path:
    """:func:`small_network` as an ONNX file.

    Args:
        path: of the file.
        batch: images that it takes at once; a text for any number.
        last: take images with their channels last.
        gain: multiplied with the answer.
    """
    onnx = pytest.importorskip("onnx", reason="onnx is an optional extra")
    make, node, floats = onnx.numpy_helper.from_array, onnx.helper.make_node, onnx.TensorProto.FLOAT
    state = {name: value.numpy() for name, value in small_network().state_dict().items()}
    state["3.weight"], state["3.bias"] = gain * state["3.weight"], gain * state["3.bias"]
    nodes = [node("Transpose", ["x"], ["planes"], perm=[0, 3, 1, 2])] if last else []
    nodes += [
        node("Conv", ["planes" if last else "x", "0.weight", "0.bias"], ["c"]),
        node("Relu", ["c"], ["r"]),
        node("Flatten", ["r"], ["f"]),
        node("Gemm", ["f", "3.weight", "3.bias"], ["y"], transB=1),
    ]
    given = onnx.helper.make_tensor_value_info("x", floats, [batch, *((8, 8, 3) if last else (3, 8, 8))])
    answer = onnx.helper.make_tensor_value_info("y", floats, [batch, 4])
    graph = onnx.helper.make_graph(nodes, "small", [given], [answer], [make(v, name) for name, v in state.items()])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8), path)
    return path


@pytest.fixture(scope="session")
def squeezenet(request: pytest.FixtureRequest) -> nn.Module:
    """torchvision's squeezenet1_1: with its weights where they are, else with random ones."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = import_torchvision().models.squeezenet1_1(weights=None)
    try:
        folder = request.getfixturevalue("data_folder") / "imagenet" / "weights"
        network.load_state_dict(torch.load(folder / "squeezenet1_1.pt", weights_only=True))
    except (pytest.skip.Exception, FileNotFoundError):
        pass
    return network.eval()
