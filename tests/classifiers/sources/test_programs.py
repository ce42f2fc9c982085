"""Programs of torch.export and TorchScript answer as their networks; archives that could run code are refused."""

from __future__ import annotations

import io
import json
import os
import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.cli.main import main
from evo_fool.errors import ConfigError, EvoFoolError
from evo_fool.sections import ClassifierConfig
from evo_fool.testing import ClassifierContract

from .conftest import small_network

CPU = torch.device("cpu")


def load(spec: str, **settings: Any) -> Classifier:
    return load_classifier(ClassifierConfig(spec=spec, **settings), CPU)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "net.pt2"
    shapes = ({0: torch.export.Dim("n", min=1, max=4096)},)
    torch.export.save(torch.export.export(small_network(), (torch.rand(2, 3, 8, 8),), dynamic_shapes=shapes), path)
    return path


@pytest.fixture(scope="session")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scripted") / "net.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(small_network(), torch.rand(2, 3, 8, 8)), path)
    path.with_name("net.pt.yaml").write_text("size: 8\nchannels: 3\n")
    return path


class TestExported(ClassifierContract):
    @pytest.fixture
    def classifier(self, exported: Path) -> Classifier:
        return load(f"exported:{exported}")


class TestTorchScript(ClassifierContract):
    @pytest.fixture
    def classifier(self, scripted: Path) -> Classifier:
        return load(f"torchscript:{scripted}")


def test_they_answer_as_the_network(exported: Path, scripted: Path) -> None:
    images = torch.rand(5, 3, 8, 8)
    expected = small_network()(images)
    for spec in (f"exported:{exported}", f"torchscript:{scripted}"):
        made = load(spec)
        assert (made.shape, made.classes) == ((3, 8, 8), ("0", "1", "2", "3"))
        torch.testing.assert_close(made(images), expected.detach())


def test_one_exported_for_a_single_image_takes_batches(tmp_path: Path) -> None:
    path = tmp_path / "one.pt2"
    torch.export.save(torch.export.export(small_network(), (torch.rand(1, 3, 8, 8),)), path)
    images = torch.rand(3, 3, 8, 8)
    torch.testing.assert_close(load(f"exported:{path}")(images), small_network()(images).detach())


def test_they_evolve_through_the_command_line(
    workplace: Path, exported: Path, scripted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for spec in (f"exported:{exported}", f"torchscript:{scripted}"):
        arguments = ("run", "mnist-cppn", "--classifier", spec, "-S", "batch=10", "--generations", "2")
        assert main(arguments) == 0, capsys.readouterr().err
        assert main(["verify", "latest"]) == 2
        assert "the run's classifier is code; if you trust it" in capsys.readouterr().err
        assert main(["verify", "latest", "--classifier", spec]) == 0


class Exploit:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("exploited",))


def changed(path: Path, to: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """A copy of an archive whose entries are changed; names are without the archive's own."""
    with zipfile.ZipFile(path) as file:
        entries = {name.partition("/")[2]: file.read(name) for name in file.namelist()}
    change(entries)
    with zipfile.ZipFile(to, "w") as file:
        for name, data in entries.items():
            file.writestr(f"net/{name}", data)
    return to


def pickled() -> bytes:
    buffer = io.BytesIO()
    torch.save(Exploit(), buffer)
    return buffer.getvalue()


def edited(entries: dict[str, bytes], name: str, change: Callable[[Any], None]) -> None:
    data = json.loads(entries[name])
    change(data)
    entries[name] = json.dumps(data).encode()


def calls(target: str) -> Callable[[dict[str, bytes]], None]:
    def change(entries: dict[str, bytes]) -> None:
        edited(
            entries, "models/model.json", lambda data: data["graph_module"]["graph"]["nodes"][0].update(target=target)
        )

    return change


def pickled_weight(entries: dict[str, bytes]) -> None:
    def change(data: Any) -> None:
        first = next(iter(data["config"].values()))
        first["use_pickle"] = True
        entries[f"data/weights/{first['path_name']}"] = pickled()

    edited(entries, "data/weights/model_weights_config.json", change)


def expression(entries: dict[str, bytes]) -> None:
    text = entries["models/model.json"].decode()
    assert "Symbol('" in text
    evil = "__import__('os').mkdir('exploited')"
    start = text.index('"expr_str": "') + len('"expr_str": "')
    entries["models/model.json"] = (text[:start] + evil + text[text.index('"', start) :]).encode()


def guards(entries: dict[str, bytes]) -> None:
    evil = ["__import__('os').mkdir('exploited')"]
    edited(entries, "models/model.json", lambda data: data.update(guards_code=evil))


def added(name: str, data: bytes) -> Callable[[dict[str, bytes]], None]:
    return lambda entries: entries.update({name: data})


NO_PART, NO_OPERATOR = "is not part of an exported program", "which is no operator of tensors"
HOSTILE: dict[str, tuple[str, Callable[[dict[str, bytes]], None]]] = {
    "sample inputs": ("holds more than plain tensors", added("data/sample_inputs/model.pt", pickled())),
    "old weights": (NO_PART, added("data/weights/model.pt", pickled())),
    "old constants": (NO_PART, added("data/constants/model.pt", pickled())),
    "old format": (NO_PART, added("serialized_state_dict.pt", pickled())),
    "a weight": ("names a pickle", pickled_weight),
    "torch.os.mkdir": (NO_OPERATOR, calls("torch.os.mkdir")),
    "torch.hub.load": (NO_OPERATOR, calls("torch.hub.load")),
    "torch.ops.load_library": (NO_OPERATOR, calls("torch.ops.load_library")),
    "_operator": (NO_OPERATOR, calls("_operator.methodcaller")),
    "an extension": (NO_OPERATOR, calls("#higher:op")),
    "an expression": ("has an expression that is no size", expression),
    "guards": ("has guards", guards),
    "compiled": (NO_PART, added("data/aotinductor/model/a.so", b"\x7fELF")),
    "no JSON": ("is not JSON", added("models/model.json", b"{")),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_an_archive_that_could_run_code_is_refused(workplace: Path, exported: Path, what: str) -> None:
    message, change = HOSTILE[what]
    path = changed(exported, workplace / "evil.pt2", change)
    with pytest.raises(ConfigError, match=f"refused, because .*{message}") as caught:
        load(f"exported:{path}")
    assert "\n" not in str(caught.value)
    assert not (workplace / "exploited").exists()


def test_an_unchanged_copy_is_not_refused(workplace: Path, exported: Path) -> None:
    path = changed(exported, workplace / "copy.pt2", lambda entries: None)
    image = torch.ones(1, 3, 8, 8)
    torch.testing.assert_close(load(f"exported:{path}")(image), small_network()(image).detach())


@pytest.mark.parametrize("kind", ["exported", "torchscript"])
def test_pickles_and_other_files_are_refused(workplace: Path, exported: Path, kind: str) -> None:
    (workplace / "pickle").write_bytes(pickle.dumps(Exploit()))
    torch.save(Exploit(), workplace / "saved")
    (workplace / "empty").write_bytes(b"")
    (workplace / "cut").write_bytes(exported.read_bytes()[:5000])
    os.mkfifo(workplace / "pipe")
    for name in ("pickle", "saved", "empty", "cut", "pipe", "missing", "."):
        with pytest.raises(EvoFoolError) as caught:
            load(f"{kind}:{name}")
        assert "\n" not in str(caught.value), name
    assert not (workplace / "exploited").exists()


def test_a_pickle_with_another_name_is_refused_as_weights(workplace: Path) -> None:
    for suffix in ("pt", "pth", "bin", "safetensors", "ckpt"):
        torch.save({"weight": Exploit()}, workplace / f"w.{suffix}")
        with pytest.raises(ConfigError):
            load("torchvision:squeezenet1_1", weights=f"w.{suffix}")
    assert not (workplace / "exploited").exists()


def test_what_a_program_does_not_tell_is_asked_for(workplace: Path, scripted: Path) -> None:
    (workplace / "alone.pt").write_bytes(scripted.read_bytes())
    with pytest.raises(ConfigError, match="does not tell the size of its input: say size: 224"):
        load("torchscript:alone.pt")
    (workplace / "alone.pt.yaml").write_text("size: 9\nchannels: 3\n")
    with pytest.raises(EvoFoolError, match="fails on black images 3x9x9"):
        load("torchscript:alone.pt")
