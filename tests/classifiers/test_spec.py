"""A classifier's spec is parsed in one place, written back as it was, and says whether it names code."""

from pathlib import Path

import pytest

from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.errors import ConfigError
from evo_fool.sections import ClassifierConfig

SPECS = [
    ("lenet-mnist", "lenet-mnist", False),
    ("vae-mnist", "vae-mnist", False),
    ("torchvision:resnet50", "torchvision", False),
    ("plugin:tiny", "plugin", False),
    ("object:mine", "object", False),
    ("import:package.module:build", "import", True),
    ("nets/mine.py:build", "file", True),
    ("a b/x:y.py:build", "file", True),
    ("ensemble:mean:lenet-mnist+torchvision:alexnet@w.pt", "ensemble", False),
    ("ensemble:mean:lenet-mnist+import:some.module:build", "ensemble", True),
    ("ensemble:minimum:lenet-mnist+nets.py:build", "ensemble", True),
    ("timm:vit_tiny_patch16_224.augreg_in21k_ft_in1k", "timm", False),
    ("hf:models/vit", "hf", False),
    ("clip:ViT-B-32", "clip", False),
    ("onnx:a b/net.onnx", "onnx", False),
    ("exported:net.pt2", "exported", True),
    ("torchscript:net.pt", "torchscript", True),
    ("callable:package.module:scores", "callable", True),
    ("callable:nets/mine.py:scores", "callable", True),
    ("http:https://example.org/a?b=c", "http", False),
    ("ensemble:mean:lenet-mnist+exported:net.pt2", "ensemble", True),
    ("torchvison:alexnet", "unknown", False),
]


@pytest.mark.parametrize(("text", "kind", "executes_code"), SPECS)
def test_parsed_and_written_back(text: str, kind: str, executes_code: bool) -> None:
    spec = ClassifierSpec.parse(text)
    assert (str(spec), spec.kind, spec.executes_code) == (text, kind, executes_code)
    assert ClassifierSpec.of(spec.config()) == spec


def test_a_bare_name_is_a_plugin() -> None:
    assert ClassifierSpec.parse("tiny") == ClassifierSpec.parse("plugin:tiny")


@pytest.mark.parametrize(
    ("text", "hazard"),
    [
        ("lenet-mnist", ""),
        ("torchvision:alexnet", ""),
        ("timm:resnet18", "is reached over the network"),
        ("timm:resnet18@w.safetensors", ""),
        ("clip:ViT-B-32@openai", "is reached over the network"),
        ("clip:ViT-B-32@w.safetensors", ""),
        ("hf:google/vit-base-patch16-224", "is reached over the network"),
        ("hf:/models/vit", ""),
        ("hf:./vit", ""),
        ("onnx:net.onnx", ""),
        ("http://10.0.0.1/", "is reached over the network"),
        ("ensemble:mean:lenet-mnist+http:http://10.0.0.1/", "is reached over the network"),
        ("torchscript:net.pt", "is code"),
    ],
)
def test_what_a_recorded_spec_would_do(text: str, hazard: str) -> None:
    assert ClassifierSpec.parse(text).hazard == hazard


def test_weights_in_the_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert ClassifierSpec.parse("timm:resnet18@w.pt") == ClassifierSpec.parse("timm:resnet18", "w.pt")
    assert ClassifierSpec.parse("timm:resnet18@w.pt").absolute().weights == f"{tmp_path}/w.pt"
    assert ClassifierSpec.parse("clip:ViT-B-32@openai").absolute().weights == "openai"
    with pytest.raises(ConfigError, match="has weights in its spec"):
        ClassifierSpec.parse("timm:resnet18@w.pt", "w.pt")
    for text in ("onnx:net.onnx", "http://a/", "callable:a:b"):
        with pytest.raises(ConfigError, match="takes no weights"):
            ClassifierSpec.parse(text, "w.pt")


def test_paths_of_the_new_kinds_become_absolute_and_names_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vit").mkdir()
    for text, absolute in {
        "onnx:net.onnx": f"onnx:{tmp_path}/net.onnx",
        "callable:mine.py:f": f"callable:{tmp_path}/mine.py:f",
        "callable:mine:f": "callable:mine:f",
        "hf:vit": f"hf:{tmp_path}/vit",
        "hf:google/vit": "hf:google/vit",
    }.items():
        assert str(ClassifierSpec.parse(text).absolute()) == absolute


def test_members_have_their_weights_in_the_spec() -> None:
    members = ClassifierSpec("lenet-mnist"), ClassifierSpec("torchvision", "alexnet", weights="a b/w.pt")
    together = ClassifierSpec("ensemble", "mean", ensembled=members)
    assert ClassifierSpec.parse(str(together)) == together
    assert together.members == members
    assert members[0].members == (members[0],)


def test_weights_after_an_at_sign() -> None:
    found = ClassifierSpec.parse_with_weights("lenet-mnist@other.pt")
    assert found.config() == ClassifierConfig(spec="lenet-mnist", weights="other.pt")
    ensemble = "ensemble:mean:lenet-mnist+lenet-mnist@other.pt"
    assert ClassifierSpec.parse_with_weights(ensemble).config() == ClassifierConfig(spec=ensemble)


def test_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    absolute = ClassifierSpec.parse("ensemble:mean:lenet-mnist@w.pt+nets.py:build").absolute()
    assert str(absolute) == f"ensemble:mean:lenet-mnist@{tmp_path}/w.pt+{tmp_path}/nets.py:build"
    assert absolute.absolute() == absolute
    alone = ClassifierSpec.parse("torchvision:alexnet")
    assert alone.absolute() == alone


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import:module", "expected import:package.module:function"),
        ("import:a b:c", "expected import:package.module:function"),
        ("mine.py", "which function"),
        ("callable:module", "expected import:package.module:function"),
        ("callable:mine.py", "which function"),
        ("http:8000", "expected http:URL"),
        ("mine.py:", "which function"),
        ("ensemble:mean:lenet-mnist", "expected ensemble:mean"),
        ("ensemble:most:lenet-mnist+lenet-mnist", "expected ensemble:mean"),
        ("ensemble:mean:ensemble:mean:a+b+c", "cannot be a member|expected ensemble"),
    ],
)
def test_malformed(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ClassifierSpec.parse(text)


def test_an_ensemble_takes_no_weights_and_no_signs_in_its_members() -> None:
    with pytest.raises(ConfigError, match="weights belong to its members"):
        ClassifierSpec.parse("ensemble:mean:lenet-mnist+lenet-mnist", "w.pt")
    with pytest.raises(ConfigError, match="without"):
        ClassifierSpec("ensemble", "mean", ensembled=(ClassifierSpec("lenet-mnist", weights="a+b.pt"),) * 2)
