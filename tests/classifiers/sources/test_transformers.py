"""Image classifiers of transformers evolve; a folder that asks for code, or holds pickles, is refused."""

from __future__ import annotations

import json
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.cli.main import main
from evo_fool.errors import ClassifierError, ConfigError, EvoFoolError
from evo_fool.sections import ClassifierConfig
from evo_fool.testing import ClassifierContract

CPU = torch.device("cpu")


@pytest.fixture
def transformers(package: Callable[[str], Any]) -> Any:
    return package("transformers")


@pytest.fixture
def vit(transformers: Any, tmp_path: Path) -> Path:
    """A small ViT with random weights, saved with its image processor."""
    names = dict(enumerate(["ant", "bee", "crane", "crane"]))
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=8,
        num_labels=4, id2label=names, label2id={"ant": 0, "bee": 1, "crane": 3},
    )  # fmt: skip
    torch.manual_seed(0)
    folder = tmp_path / "vit"
    transformers.ViTForImageClassification(config).save_pretrained(folder)
    mean, std = [0.4, 0.5, 0.6], [0.2, 0.3, 0.4]
    size = {"height": 32, "width": 32}
    transformers.ViTImageProcessor(size=size, image_mean=mean, image_std=std).save_pretrained(folder)
    return folder


def load(folder: Path | str, **settings: Any) -> Classifier:
    return load_classifier(ClassifierConfig(spec=f"hf:{folder}", **settings), CPU)


class TestVit(ClassifierContract):
    @pytest.fixture
    def classifier(self, vit: Path) -> Classifier:
        return load(vit)


def test_images_are_prepared_as_by_its_processor(transformers: Any, vit: Path) -> None:
    made = load(vit)
    assert (made.shape, made.classes) == ((3, 32, 32), ("ant", "bee", "crane", "crane #3"))
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    network = transformers.AutoModelForImageClassification.from_pretrained(vit).eval()
    inputs = transformers.AutoImageProcessor.from_pretrained(vit)(Image.fromarray(pixels), return_tensors="pt")
    images = torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None] / 255
    with torch.inference_mode():
        torch.testing.assert_close(made(images), network(**inputs).logits, atol=1e-4, rtol=1e-4)


def test_it_evolves_through_the_command_line(workplace: Path, vit: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.rename(vit, workplace / "model")
    arguments = ("run", "mnist-cppn", "--classifier", "hf:model", "-S", "batch=8", "--generations", "2", "--json")
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["targets"] == 4
    assert main(["resume", "latest", "--generations", "3"]) == 0
    assert main(["verify", "latest"]) == 0


def changed(folder: Path, name: str, **changes: Any) -> None:
    path = folder / name
    data = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(data | changes))


class Exploit:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("exploited",))


def only_pickles(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save(Exploit(), folder / "pytorch_model.bin")


HOSTILE: dict[str, tuple[str, Callable[[Path], None]]] = {
    "a model's code": (
        "asks for code of its own",
        lambda folder: changed(folder, "config.json", auto_map={"AutoModelForImageClassification": "evil.Evil"}),
    ),
    "an unknown model's code": (
        "asks for code of its own",
        lambda folder: changed(folder, "config.json", model_type="evil", auto_map={"AutoConfig": "evil.Evil"}),
    ),
    "a processor's code": (
        "asks for code of its own",
        lambda folder: changed(folder, "preprocessor_config.json", auto_map={"AutoImageProcessor": "evil.Evil"}),
    ),
    "an adapter": (
        "is an adapter to another model",
        lambda folder: changed(folder, "adapter_config.json", base_model_name_or_path="someone/model"),
    ),
    "quantised": (
        "quantised weights",
        lambda folder: changed(folder, "config.json", quantization_config={"quant_method": "gptq"}),
    ),
    "pickled weights": ("cannot be loaded", only_pickles),
    "a pickle as safetensors": (
        "cannot be loaded",
        lambda folder: (folder / "model.safetensors").write_bytes(pickle.dumps(Exploit())) and None,
    ),
    "no weights": ("cannot be loaded", lambda folder: (folder / "model.safetensors").unlink()),
    "no JSON": ("is not JSON", lambda folder: (folder / "config.json").write_text("{") and None),
    "deep JSON": ("is not JSON", lambda folder: (folder / "config.json").write_text("[" * 100_000) and None),
    "another model": ("cannot be loaded", lambda folder: changed(folder, "config.json", model_type="bert")),
    "other layers": ("no weights for", lambda folder: changed(folder, "config.json", num_hidden_layers=3)),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_folder_that_is_not_to_be_trusted_is_refused(
    workplace: Path, vit: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    import socket

    def refuse(*_: Any) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    message, change = HOSTILE[what]
    (vit / "evil.py").write_text("import os\nos.mkdir('exploited')\n")
    change(vit)
    with pytest.raises(EvoFoolError, match=message) as caught:
        load(vit)
    assert "\n" not in str(caught.value)
    assert not (workplace / "exploited").exists()


def test_a_path_is_no_name_of_the_hub(transformers: Any, tmp_path: Path) -> None:
    for target in (str(tmp_path / "none"), "./none", "../none"):
        with pytest.raises(ConfigError, match="there is no folder"):
            load(target)


def test_without_transformers_one_line_says_what_to_install(vit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ClassifierError, match=r"transformers is not installed; run: pip install 'evo-fool\[hf\]'"):
        load(vit)
