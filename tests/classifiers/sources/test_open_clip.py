"""CLIP evolves with any list of classes; logits are the scaled cosines, and texts are embedded once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.cli.main import main
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.sections import ClassifierConfig
from evo_fool.testing import ClassifierContract

CPU = torch.device("cpu")

SMALL = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


@pytest.fixture
def open_clip(package: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """open_clip with one architecture more, that is small; its texts are cached in a folder of the test's."""
    module = package("open_clip")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "architectures"
    folder.mkdir()
    (folder / "tiny-clip.json").write_text(json.dumps(SMALL))
    module.add_model_config(folder)
    return module


@pytest.fixture
def weights(open_clip: Any, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "clip.safetensors"
    save_file(open_clip.create_model("tiny-clip", load_weights=False).state_dict(), path)
    return path


@pytest.fixture
def names(tmp_path: Path) -> Path:
    path = tmp_path / "names.txt"
    path.write_text("squirrel\ndragonfly\nmanhole cover\n")
    return path


def load(weights: Path, names: Path | None, **settings: Any) -> Classifier:
    config = ClassifierConfig(spec=f"clip:tiny-clip@{weights}", classes=names and str(names), **settings)
    return load_classifier(config, CPU)


class TestClip(ClassifierContract):
    @pytest.fixture
    def classifier(self, weights: Path, names: Path) -> Classifier:
        return load(weights, names)


def test_logits_are_scaled_cosines(open_clip: Any, weights: Path, names: Path, tmp_path: Path) -> None:
    (tmp_path / "told.yaml").write_text('templates: ["a {}.", "art of a {}."]\n')
    made = load(weights, names, description=str(tmp_path / "told.yaml"))
    assert (made.shape, made.classes) == ((3, 32, 32), ("squirrel", "dragonfly", "manhole cover"))
    model = open_clip.create_model("tiny-clip", pretrained=str(weights)).eval()
    tokenize = open_clip.get_tokenizer("tiny-clip")
    images = torch.rand(4, 3, 32, 32)
    with torch.inference_mode():
        texts = []
        for name in made.classes:
            each = F.normalize(model.encode_text(tokenize([f"a {name}.", f"art of a {name}."])), dim=-1)
            texts.append(F.normalize(each.mean(dim=0), dim=0))
        seen = F.normalize(model.encode_image((images - made.mean) / made.std), dim=-1)
        expected = model.logit_scale.exp() * seen @ torch.stack(texts).T
        torch.testing.assert_close(made(images), expected, atol=1e-4, rtol=1e-4)


def test_texts_are_embedded_once(
    open_clip: Any, weights: Path, names: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load(weights, names)
    (kept,) = (tmp_path / "cache").rglob("*.safetensors")

    def refuse(*_: Any) -> None:
        raise AssertionError("embedded again")

    with monkeypatch.context() as patch:
        patch.setattr(open_clip, "get_tokenizer", refuse)
        assert load(weights, names).fingerprint() == first.fingerprint()
    kept.write_bytes(b"damaged")
    again = load(weights, names)
    assert again.fingerprint() == first.fingerprint()
    torch.testing.assert_close(again(torch.ones(1, 3, 32, 32)), first(torch.ones(1, 3, 32, 32)))
    names.write_text("squirrel\ndragonfly\nmanhole\n")
    assert load(weights, names).fingerprint() != first.fingerprint()


def test_its_own_classes_are_those_of_imagenet(weights: Path, monkeypatch: pytest.MonkeyPatch, open_clip: Any) -> None:
    monkeypatch.setattr(open_clip, "OPENAI_IMAGENET_TEMPLATES", (lambda name: f"a photo of a {name}.",))
    made = load(weights, None)
    assert (len(made.classes), made.classes[963]) == (1000, "pizza")
    assert "n07873807" in made.aliases[963]


def test_it_evolves_through_the_command_line(
    workplace: Path, weights: Path, names: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = f"clip:tiny-clip@{weights}"
    arguments = ("run", "mnist-cppn", "--classifier", spec, "--classes", str(names), "-S", "batch=8")
    assert main([*arguments, "--generations", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["targets"] == 3
    assert main(["resume", "latest", "--generations", "3"]) == 0
    assert main(["verify", "latest"]) == 0
    names.write_text("squirrel\ndragonfly\npizza\n")
    assert main(["resume", "latest", "--generations", "4"]) == 2
    assert "has other weights" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("clip:tiny-clip", "say which weights"),
        ("clip:no-such@w.pt", "open_clip has no such architecture"),
        ("clip:hf-hub:someone/model@w.pt", "open_clip has no such architecture"),
        ("clip:tiny-clip@openai", "open_clip has no weights 'openai' of it; known: none"),
        ("clip:ViT-B-16-SigLIP@webli", "its text network is of the hub"),
        ("clip:tiny-clip@missing.pt", "does not exist"),
    ],
)
def test_what_does_not_fit_is_refused(open_clip: Any, spec: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_classifier(ClassifierConfig(spec=spec), CPU)


def test_a_recorded_tag_is_not_fetched() -> None:
    from evo_fool.classifiers.spec import ClassifierSpec

    assert ClassifierSpec.parse("clip:ViT-B-32@openai").hazard == "is reached over the network"
    assert ClassifierSpec.parse("clip:ViT-B-32@w.pt").hazard == ""
    assert ClassifierSpec.parse("clip:ViT-B-32@openai").absolute().weights == "openai"


def test_without_open_clip_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(ClassifierError, match=r"open_clip is not installed; run: pip install 'evo-fool\[clip\]'"):
        load_classifier(ClassifierConfig(spec="clip:ViT-B-32@w.pt"), CPU)
