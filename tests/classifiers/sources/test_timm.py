"""timm's networks evolve, with the numbers of timm's own data configuration."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from evo_fool.classifiers.zoo import load_classifier
from evo_fool.cli.main import main
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.sections import ClassifierConfig

CPU = torch.device("cpu")


@pytest.fixture
def timm(package: Callable[[str], Any]) -> Any:
    return package("timm")


@pytest.fixture
def weights(timm: Any, tmp_path: Path) -> Callable[..., str]:
    """Random weights of one of timm's networks, as a file."""

    def make(name: str, **options: Any) -> str:
        torch.manual_seed(1)
        path = tmp_path / f"{name}.safetensors"
        save_file(timm.create_model(name, pretrained=False, **options).state_dict(), path)
        return str(path)

    return make


@pytest.mark.parametrize("name", ["test_vit", "test_convnext", "test_efficientnet", "mobilenetv3_small_050"])
def test_inputs_are_prepared_as_by_timm(timm: Any, weights: Callable[..., str], name: str) -> None:
    path = weights(name)
    made = load_classifier(ClassifierConfig(spec=f"timm:{name}@{path}"), CPU)
    assert made.classes[963] == "pizza"
    assert "n07873807" in made.aliases[963]
    network = timm.create_model(name, pretrained=False, checkpoint_path=path).eval()
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(network), is_training=False)
    coarse = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    photo = Image.fromarray(coarse).resize((400, 300), Image.Resampling.BICUBIC)
    prepared = torch.from_numpy(made.preparation(photo, made.shape[1:], 3))[None] / 255
    with torch.inference_mode():
        torch.testing.assert_close(made(prepared), network(transform(photo)[None]), atol=1e-4, rtol=1e-4)


def test_it_evolves_through_the_command_line(
    workplace: Path, weights: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "names.txt").write_text("ant\nbee\ncat\n")
    spec = f"timm:test_vit@{weights('test_vit', num_classes=3)}"
    arguments = ("run", "mnist-cppn", "--classifier", spec, "-S", "batch=8", "--generations", "2")
    assert main([*arguments, "--classes", "names.txt", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["targets"] == 3
    assert main(["verify", "latest"]) == 0
    assert main(["show", "latest", "bee"]) == 0
    assert main([*arguments, "--classes", "imagenet"]) == 2
    assert "has 3 outputs, but 1000 classes are named" in capsys.readouterr().err


def test_published_weights_are_of_its_own_registry_and_safetensors(
    timm: Any, weights: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def download(repository: str, file: str) -> str:
        asked.append((repository, file))
        return weights("test_vit")

    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    made = load_classifier(ClassifierConfig(spec="timm:test_vit.r160_in1k"), CPU)
    assert asked == [("timm/test_vit.r160_in1k", "model.safetensors")]
    assert (made.name, len(made.classes)) == ("timm:test_vit.r160_in1k", 1000)
    for name in ("hf-hub:someone/model", "local-dir:/tmp", "someone/model", "vit_tinny_patch16_224"):
        with pytest.raises(ConfigError, match="timm has no network of that name"):
            load_classifier(ClassifierConfig(spec=f"timm:{name}"), CPU)

    def offline(repository: str, file: str) -> str:
        raise OSError("no route\nto host")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", offline)
    with pytest.raises(ClassifierError, match=r"cannot be fetched from timm/test_vit\.r160_in1k") as caught:
        load_classifier(ClassifierConfig(spec="timm:test_vit.r160_in1k"), CPU)
    assert "\n" not in str(caught.value)


def test_a_recorded_name_is_not_fetched(workplace: Path, weights: Callable[..., str]) -> None:
    from evo_fool.evaluation.assembly import trusted_classifier
    from evo_fool.experiment import Experiment

    named = Experiment.from_mapping({"classifier": {"spec": "timm:test_vit"}})
    with pytest.raises(ConfigError, match="is reached over the network; if you trust it, repeat it"):
        trusted_classifier(named, None, None)
    own = Experiment.from_mapping({"classifier": {"spec": "timm:test_vit", "weights": "w.safetensors"}})
    assert trusted_classifier(own, None, None).spec == "timm:test_vit"


def test_without_timm_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ClassifierError, match=r"timm is not installed; run: pip install 'evo-fool\[timm\]'"):
        load_classifier(ClassifierConfig(spec="timm:test_vit"), CPU)
