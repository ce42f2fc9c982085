"""ONNX files answer as the networks that they were made of, evolve, and open no file outside their folder."""

from __future__ import annotations

import json
import os
import pickle
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.preflight import preflight
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.cli.main import main
from evo_fool.errors import ClassifierError, ConfigError, EvoFoolError
from evo_fool.gradient.step import require_gradient
from evo_fool.sections import ClassifierConfig
from evo_fool.testing import ClassifierContract

from .conftest import small_network, small_onnx

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def packages(package: Callable[[str], Any]) -> None:
    for name in ("onnx", "onnxruntime"):
        package(name)


def load(path: Path, **settings: Any) -> Classifier:
    return load_classifier(ClassifierConfig(spec=f"onnx:{path}", **settings), CPU)


def scores(classifier: Classifier, images: np.ndarray, batch: int = 16) -> np.ndarray:
    return Scorer(classifier, batch=batch, view="auto", device=CPU).score(images)


class TestOnnx(ClassifierContract):
    differentiable = False

    @pytest.fixture
    def classifier(self, tmp_path: Path) -> Classifier:
        return load(small_onnx(tmp_path / "net.onnx"))


def test_squeezenet_answers_as_in_torch(squeezenet: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "squeezenet.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the newer exporter takes a minute
        axes = {"x": {0: "n"}}
        torch.onnx.export(
            squeezenet, (torch.rand(2, 3, 224, 224),), path, input_names=["x"], dynamic_axes=axes, dynamo=False
        )
    (tmp_path / "squeezenet.onnx.yaml").write_text("mean: [0.485, 0.456, 0.406]\nstd: [0.229, 0.224, 0.225]\n")
    found = load(path, classes="imagenet")
    expected = Classifier(
        squeezenet,
        classes=found.classes,
        size=224,
        channels=3,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        name="torch",
    )
    images = np.random.default_rng(1).integers(0, 256, (5, 3, 224, 224), dtype=np.uint8)
    assert found.classes[963] == "pizza"
    assert found.aliases[963][0] == "n07873807"
    np.testing.assert_allclose(scores(found, images), scores(expected, images), atol=1e-4)


def test_it_evolves_through_the_command_line(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small_onnx(workplace / "net.onnx")
    (workplace / "net.onnx.yaml").write_text("classes: [ant, bee, cat, dog]\nscale: 255\nmean: 127.5\nstd: 50\n")
    arguments = ("mnist-cppn", "--classifier", "onnx:net.onnx", "-S", "batch=20")
    assert main(["run", *arguments, "--generations", "5", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["status"], summary["targets"]) == ("finished", 4)
    assert main(["resume", "latest", "--generations", "6"]) == 0
    assert main(["verify", "latest"]) == 0
    small_onnx(workplace / "net.onnx", gain=2.0)
    assert main(["resume", "latest", "--generations", "7"]) == 2
    assert "has other weights" in capsys.readouterr().err


def test_gradient_methods_say_evolve_instead(tmp_path: Path) -> None:
    with pytest.raises(ClassifierError, match="evolve instead"):
        require_gradient(load(small_onnx(tmp_path / "net.onnx")))


@pytest.mark.parametrize("batch", ["n", 1, 4])
def test_layout_and_batch_are_read_off_the_graph(tmp_path: Path, batch: int | str) -> None:
    first = load(small_onnx(tmp_path / "first.onnx", batch=batch))
    last = load(small_onnx(tmp_path / "last.onnx", batch=batch, last=True))
    assert first.shape == last.shape == (3, 8, 8)
    images = np.random.default_rng(1).integers(0, 256, (7, 3, 8, 8), dtype=np.uint8)
    inputs = torch.from_numpy(images).float() / 255
    np.testing.assert_allclose(first(inputs), small_network()(inputs).detach(), atol=1e-5)
    np.testing.assert_allclose(last(inputs), small_network()(inputs).detach(), atol=1e-5)
    assert preflight(Scorer(last, batch=8, view="auto", device=CPU)).scores == 16
    assert first.fingerprint() != last.fingerprint()


def test_what_the_graph_leaves_open_stands_in_the_description(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    given = helper.make_tensor_value_info("x", kinds.FLOAT, ["n", "a", "b", "c"])
    answer = helper.make_tensor_value_info("y", kinds.FLOAT, None)
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["m"], axes=[2, 3], keepdims=0),
        helper.make_node("Neg", ["m"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "g", [given], [answer])
    path = tmp_path / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    with pytest.raises(ConfigError, match="which are channels"):
        load(path)
    told = tmp_path / "net.onnx.yaml"
    told.write_text("layout: nchw\n")
    with pytest.raises(ConfigError, match="say size: 224"):
        load(path)
    told.write_text("layout: nchw\nsize: [4, 6]\nchannels: 3\n")
    found = load(path)
    assert (found.shape, found.classes) == ((3, 4, 6), ("0", "1", "2"))
    with pytest.raises(ConfigError, match="3 outputs, but 1000 classes"):
        load(path, classes="imagenet")


def with_external_data(path: Path, location: str) -> Path:
    """A file whose weights lie in another, as it says."""
    onnx = pytest.importorskip("onnx")
    small_onnx(path)
    model = onnx.load(path)
    tensor = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    data, tensor.raw_data = tensor.raw_data, b""
    tensor.ClearField("raw_data")
    (path.parent / "weights.bin").write_bytes(data)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": "0", "length": str(len(data))}.items():
        tensor.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    return path


def test_weights_in_its_own_folder_are_part_of_its_identity(tmp_path: Path) -> None:
    path = with_external_data(tmp_path / "net.onnx", "weights.bin")
    first = load(path)
    inputs = torch.rand(2, 3, 8, 8)
    np.testing.assert_allclose(first(inputs), small_network()(inputs).detach(), atol=1e-5)
    data = bytearray((tmp_path / "weights.bin").read_bytes())
    data[3] ^= 1
    (tmp_path / "weights.bin").write_bytes(data)
    assert load(path).fingerprint() != first.fingerprint()


@pytest.mark.parametrize("location", ["../secret.bin", "{outside}", "link.bin", "/dev/zero", "", "missing.bin"])
def test_weights_outside_its_folder_are_refused(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(10**5))
    folder = tmp_path / "folder"
    folder.mkdir()
    os.symlink(tmp_path / "secret.bin", folder / "link.bin")
    path = with_external_data(folder / "net.onnx", location.format(outside=tmp_path / "secret.bin"))
    with pytest.raises(ConfigError, match="which is no file in its own folder") as caught:
        load(path)
    assert "\n" not in str(caught.value)


class Exploit:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("exploited",))


def test_other_files_are_refused_in_one_line(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workplace / "pickle.onnx").write_bytes(pickle.dumps(Exploit()))
    (workplace / "empty.onnx").write_bytes(b"")
    (workplace / "noise.onnx").write_bytes(np.random.default_rng(0).bytes(5000))
    os.mkfifo(workplace / "pipe.onnx")
    good = small_onnx(workplace / "good.onnx").read_bytes()
    (workplace / "cut.onnx").write_bytes(good[: len(good) // 2])
    for name in ("pickle", "empty", "noise", "pipe", "cut", "missing"):
        with pytest.raises(EvoFoolError) as caught:
            load(Path(f"{name}.onnx"))
        assert "\n" not in str(caught.value), name
    assert not (workplace / "exploited").exists()
    assert main(["run", "mnist-cppn", "--classifier", "onnx:cut.onnx"]) in (1, 2)
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    with pytest.raises(ConfigError, match="takes no weights"):
        load(Path("good.onnx"), weights="w.pt")


def test_a_graph_that_wants_all_memory_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    size = helper.make_tensor("size", kinds.INT64, [2], [1, 2**46])
    given = helper.make_tensor_value_info("x", kinds.FLOAT, ["n", 3, 8, 8])
    answer = helper.make_tensor_value_info("y", kinds.FLOAT, ["n", 2**46])
    graph = helper.make_graph([helper.make_node("ConstantOfShape", ["size"], ["y"])], "g", [given], [answer], [size])
    path = tmp_path / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    with pytest.raises(EvoFoolError) as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_without_the_package_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small_onnx(tmp_path / "net.onnx")
    for name in ("onnxruntime", "onnx"):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(ClassifierError, match=r"run: pip install 'evo-fool\[onnx\]'"):
            load(path)
