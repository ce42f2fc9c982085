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
    ("torchvison:alexnet", "unknown", False),
]


@pytest.mark.parametrize(("text", "kind", "executes_code"), SPECS)
def test_parsed_and_written_back(text: str, kind: str, executes_code: bool) -> None:
    spec = ClassifierSpec.parse(text)
    assert (str(spec), spec.kind, spec.executes_code) == (text, kind, executes_code)
    assert ClassifierSpec.of(spec.config()) == spec


def test_a_bare_name_is_a_plugin() -> None:
    assert ClassifierSpec.parse("tiny") == ClassifierSpec.parse("plugin:tiny")


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
