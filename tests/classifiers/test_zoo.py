"""From a spec to a classifier, and one clear line for every spec that is none."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import load_file, save_file

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.lenet import LeNet, lenet_classifier
from evo_fool.classifiers.preparation import Preparation
from evo_fool.classifiers.sources.torchvision import published_weights
from evo_fool.classifiers.sources.torchvision_cpu import import_torchvision, with_torchvision
from evo_fool.classifiers.zoo import SHIPPED, check_shipped, load_classifier
from evo_fool.errors import ClassifierError, ConfigError, EvoFoolError
from evo_fool.experiment import Experiment
from evo_fool.sections import ClassifierConfig

CPU = torch.device("cpu")

FACTORY = """
import torch
from dataclasses import dataclass
from evo_fool.classifiers.base import Classifier

@dataclass
class Options:
    size: int = 4

def network():
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2))
    for parameter in net.parameters():
        parameter.data.fill_(0.5)
    return net

def build():
    return Classifier(network(), classes=["a", "b"], size=Options().size, channels=1, name="own")

def with_weights(weights=None):
    made = build()
    made.given = weights
    return made

def on_meta():
    made = build()
    made.network.to("meta")
    return made

def half_a_surrogate():
    return Classifier(network(), classes=["a", "\\ud800"], size=4, channels=1, name="own")

def bare(): return network()
def broken(): raise KeyError("lost\\nmore")
def leaves(): raise SystemExit(3)
def odd(): raise BaseException("odd")
def elsewhere():
    import os
    os.chdir("/")
    return build()
def misnamed(): return Classifier(network(), classes=["a", "a"], size=4, channels=1, name="own")
def needy(size): return build()
"""


def load(spec: str, weights: str | Path | None = None) -> Classifier:
    return load_classifier(ClassifierConfig(spec=spec, weights=None if weights is None else str(weights)), CPU)


@pytest.fixture
def own_file(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(FACTORY)
    return path


def test_lenet_ships() -> None:
    classifier = load("lenet-mnist")
    assert (classifier.size, classifier.channels, classifier.classes) == (28, 1, tuple("0123456789"))
    assert classifier(torch.rand(2, 1, 28, 28)).shape == (2, 10)
    assert classifier.fingerprint() == load("lenet-mnist").fingerprint()


def test_lenet_sees_the_papers_input() -> None:
    seen: list[torch.Tensor] = []
    classifier = load("lenet-mnist")
    classifier.network.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    images = torch.randint(0, 256, (3, 1, 28, 28), generator=torch.Generator().manual_seed(0))
    classifier(images / 255)
    torch.testing.assert_close(seen[0], images / 256)


def test_lenet_with_weights_of_ones_own(tmp_path: Path) -> None:
    network = LeNet(torch.Generator().manual_seed(3))
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    found = load("lenet-mnist", tmp_path / "w.safetensors")
    assert found.fingerprint() == lenet_classifier(network).fingerprint() != load("lenet-mnist").fingerprint()


def test_lenet_with_an_eleventh_class(tmp_path: Path) -> None:
    network = LeNet(torch.Generator().manual_seed(3), outputs=11)
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    found = load("lenet-mnist", tmp_path / "w.safetensors")
    assert found.classes == (*"0123456789", "fooling") and found(torch.rand(2, 1, 28, 28)).shape == (2, 11)


def test_shipped_weights_are_checked(tmp_path: Path) -> None:
    for suffix in (".safetensors", ".json"):
        shutil.copy(SHIPPED.with_suffix(suffix), tmp_path)
    copy = tmp_path / SHIPPED.name
    check_shipped(copy)
    content = bytearray(copy.read_bytes())
    content[-1] ^= 1
    copy.write_bytes(content)
    with pytest.raises(ClassifierError, match="damaged: SHA-256"):
        check_shipped(copy)
    copy.with_suffix(".json").write_text("{}")
    with pytest.raises(ClassifierError, match="install evo-fool again"):
        check_shipped(copy)
    copy.unlink()
    with pytest.raises(ClassifierError, match="missing"):
        check_shipped(copy)


def test_record_of_the_shipped_weights_is_complete() -> None:
    record = json.loads(SHIPPED.with_suffix(".json").read_text())
    assert record["file"] == SHIPPED.name
    assert record["command"].startswith("evo-fool train lenet --data")
    assert 0 < record["test_error"] <= 0.01
    assert sum(v.numel() for v in load_file(SHIPPED).values()) == 431_080  # Caffe's LeNet


def test_own_file(own_file: Path) -> None:
    classifier = load(f"{own_file}:build")
    assert classifier.name == "own" and classifier(torch.ones(1, 1, 4, 4)).tolist() == [[8.5, 8.5]]
    assert "own" not in sys.modules


def test_own_file_relative_to_the_current_folder(own_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(own_file.parent)
    assert load("own.py:build").name == "own"


def test_own_module(own_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = own_file.parent / "evo_fool_test_package"
    package.mkdir()
    own_file.rename(package / "networks.py")
    monkeypatch.syspath_prepend(own_file.parent)
    assert load("import:evo_fool_test_package.networks:build").name == "own"
    with pytest.raises(ConfigError, match=r"no module 'evo_fool_test_package\.network'"):
        load("import:evo_fool_test_package.network:build")


def test_own_weights_are_passed_or_loaded(own_file: Path, tmp_path: Path) -> None:
    weights = tmp_path / "w.safetensors"
    save_file({"1.weight": torch.ones(2, 16), "1.bias": torch.zeros(2)}, weights)
    assert load(f"{own_file}:build", weights)(torch.ones(1, 1, 4, 4)).tolist() == [[16.0, 16.0]]
    assert vars(load(f"{own_file}:with_weights", weights))["given"] == str(weights)
    assert vars(load(f"{own_file}:with_weights"))["given"] is None
    save_file({"weight": torch.ones(2)}, weights)
    with pytest.raises(ConfigError, match=r"missing: 1\.weight, 1\.bias; unexpected: weight"):
        load(f"{own_file}:build", weights)


@pytest.mark.parametrize(
    ("function", "error", "word"),
    [
        ("buidl", ConfigError, "did you mean 'build'"),
        ("bare", ClassifierError, "returned Sequential; it must return"),
        ("broken", ClassifierError, r"failed: KeyError: .*own\.py, line"),
        ("leaves", ClassifierError, "SystemExit"),
        ("odd", ClassifierError, "BaseException: odd"),
        ("misnamed", ConfigError, "more than once"),
        ("needy", ClassifierError, "missing 1 required"),
        ("not a name", ConfigError, "which function"),
    ],
)
def test_own_functions_that_fail(own_file: Path, function: str, error: type[EvoFoolError], word: str) -> None:
    with pytest.raises(error, match=word) as caught:
        load(f"{own_file}:{function}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("function", "word"), [("on_meta", "have no values"), ("half_a_surrogate", "half a surrogate")]
)
def test_own_networks_that_cannot_be_used_are_errors_of_configuration(own_file: Path, function: str, word: str) -> None:
    spec = f"{own_file}:{function}"
    with pytest.raises(ConfigError, match=word) as caught:
        load_classifier(ClassifierConfig(spec=spec), CPU)
    assert str(caught.value).startswith(f"classifier {spec!r}")
    assert str(caught.value).isprintable()


def test_an_own_function_that_changes_directory_moves_nothing(own_file: Path) -> None:
    before = Path.cwd()
    load(f"{own_file}:elsewhere")
    assert Path.cwd() == before


def test_the_fingerprint_of_the_shipped_network_is_for_good() -> None:
    """Every run against it has recorded this one."""
    assert load("lenet-mnist").fingerprint() == "cd2c927cdd180e2b7a837d3a0af5dfe2f061dafb3bcf2f6bddd12139886f917c"


def test_own_file_that_does_not_run(own_file: Path) -> None:
    own_file.write_text("def build(:\n")
    with pytest.raises(ClassifierError, match="SyntaxError") as caught:
        load(f"{own_file}:build")
    assert "\n" not in str(caught.value)
    own_file.write_text("import a_module_that_nobody_has\n")
    with pytest.raises(ClassifierError, match="a_module_that_nobody_has"):
        load(f"{own_file}:build")


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ("lenet-mnits", "did you mean 'lenet-mnist'"),
        ("torchvison:resnet18", "did you mean 'torchvision:resnet18'"),
        ("torchvision", "did you mean 'torchvision:"),
        ("imprt:a.b:c", "did you mean 'import:a.b:c'"),
        ("something else", "path/to/file.py:function"),
        ("torchvision:squeezenet11", "did you mean 'torchvision:squeezenet1_1'"),
        ("torchvision:", "such as"),
        ("torchvision:fasterrcnn_resnet50_fpn", "no classification network"),
        ("import:json", "expected import:package.module:function"),
        ("import:..json:loads", "expected import:package.module:function"),
        ("import:no_such_package.x:f", "no module 'no_such_package'"),
        ("import:json:laods", "did you mean 'loads'"),
        ("nowhere.py:build", "no file nowhere.py"),
        ("nowhere.py", "which function"),
    ],
)
def test_specs_that_are_none(spec: str, word: str) -> None:
    with pytest.raises(ConfigError, match=word) as caught:
        load(spec)
    assert "\n" not in str(caught.value)


def test_torchvision_with_weights_from_a_file(imagenet_weights: Path) -> None:
    classifier = load("torchvision:squeezenet1_1", imagenet_weights / "squeezenet1_1.pt")
    stated = json.loads((imagenet_weights / "manifest.json").read_text())["squeezenet1_1"]
    assert (classifier.size, classifier.channels, len(classifier.classes)) == (stated["size"], 3, 1000)
    assert (classifier.classes[0], classifier.aliases[0]) == ("tench", ("n01440764", "Tinca tinca"))
    assert classifier.preparation == Preparation(stated["resize"])
    torch.testing.assert_close(classifier.mean.flatten(), torch.tensor(stated["mean"]))
    torch.testing.assert_close(classifier.std.flatten(), torch.tensor(stated["std"]))
    assert all(parameter.dtype == torch.float32 for parameter in classifier.parameters())
    with pytest.raises(ConfigError, match=r"missing: features\.0\.weight, .* and 47 more"):
        load("torchvision:squeezenet1_1", imagenet_weights / "mobilenet_v2.pt")


def test_torchvision_takes_the_preprocessing_of_the_weights() -> None:
    assert published_weights("mobilenet_v2", None).transforms().resize_size == [232]
    assert published_weights("mobilenet_v2", "some/mobilenet_v2.pt").transforms().resize_size == [256]
    assert published_weights("mobilenet_v2", "some/mobilenet_v2-7ebf99e0.pth").transforms().resize_size == [232]
    assert published_weights("vit_b_16", "vit_b_16_swag-9ac1b537.pth").transforms().crop_size == [384]


def test_torchvision_leaves_the_global_generator_alone(imagenet_weights: Path) -> None:
    before = torch.random.get_rng_state()
    load("torchvision:squeezenet1_1", imagenet_weights / "squeezenet1_1.pt")
    assert torch.equal(torch.random.get_rng_state(), before)


def test_torchvision_knows_photographs(imagenet_weights: Path) -> None:
    pil = pytest.importorskip("PIL.Image")
    import numpy as np

    from evo_fool.classifiers.scoring import Scorer

    classes = {c["wnid"]: c["index"] for c in json.loads((imagenet_weights.parent / "classes.json").read_text())}
    files = sorted((imagenet_weights.parent / "photos").glob("*/*.jpg"))[::20]
    photos = np.stack([np.asarray(pil.open(file).convert("RGB")).transpose(2, 0, 1) for file in files])
    truth = [classes[file.parent.name] for file in files]
    classifier = load("torchvision:squeezenet1_1", imagenet_weights / "squeezenet1_1.pt")
    answers = Scorer(classifier, batch=32, view="centre", device=CPU).score(photos).argmax(1)
    assert (answers == truth).mean() > 0.5  # 64 % over all 500 of them


def test_torchvision_offline_says_where_to_get_the_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def offline(*args: object, **kwargs: object) -> None:
        raise URLError("Name or service not known")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    with pytest.raises(ClassifierError, match=r"download https://\S+squeezenet1_1\S+ .*--weights PATH") as caught:
        load("torchvision:squeezenet1_1")
    assert "\n" not in str(caught.value)


def test_torchvision_imports_in_a_fresh_process_and_after_a_failed_import() -> None:
    program = """
try:
    import torchvision
except RuntimeError:
    pass
from evo_fool.classifiers.sources.torchvision_cpu import import_torchvision
first = import_torchvision()
assert import_torchvision() is first
import torchvision
assert torchvision is first and torchvision.models.list_models()
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_the_cure_leaves_other_failures_alone() -> None:
    calls = []

    def fails() -> None:
        calls.append(1)
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        with_torchvision(fails)
    assert len(calls) == 1
    assert hasattr(import_torchvision(), "models")


@pytest.fixture
def plugin(own_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package that adds the classifiers ``small`` and ``absent``."""
    shutil.copy(own_file, own_file.with_name("plugged.py"))
    metadata = own_file.parent / "plugged-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: plugged\nVersion: 1.0\n")
    points = "small = plugged:build\nabsent = no_such_module:build\ntext = plugged:__name__\n"
    (metadata / "entry_points.txt").write_text(f"[evo_fool.classifiers]\n{points}")
    monkeypatch.syspath_prepend(own_file.parent)


@pytest.mark.usefixtures("plugin")
def test_an_installed_package_adds_classifiers(own_file: Path) -> None:
    for spec in ("small", "plugin:small"):
        assert load(spec).fingerprint() == load(f"{own_file}:build").fingerprint()
    for spec, error, word in [
        ("smal", ConfigError, "did you mean 'small'"),
        ("plugin:other", ConfigError, "is unknown"),
        ("absent", ConfigError, "cannot be imported"),
        ("text", ClassifierError, "names str, not a function"),
    ]:
        with pytest.raises(error, match=word) as caught:
            load(spec)
        assert "\n" not in str(caught.value)


def test_a_spec_may_say_that_its_network_returns_probabilities(own_file: Path) -> None:
    config = Experiment().replace(**{"classifier.spec": f"{own_file}:build", "classifier.output": "probabilities"})
    assert load_classifier(config.classifier, CPU).output == "probabilities"
    ensemble = {"classifier.spec": "ensemble:mean:lenet-mnist+lenet-mnist", "classifier.output": "logits"}
    with pytest.raises(ConfigError, match="belongs to its members"):
        load_classifier(Experiment().replace(**ensemble).classifier, CPU)


def test_an_object_has_to_be_passed_again() -> None:
    with pytest.raises(ConfigError, match="pass it again"):
        load("object:mine")
