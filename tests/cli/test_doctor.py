"""``evo-fool doctor``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from evo_fool.cli import diagnosis
from evo_fool.cli.main import main


def test_this_installation_is_healthy_and_no_file_is_left(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert [name for name, check in report["checks"].items() if not check["ok"]] == []
    assert (code, report["ok"]) == (0, True)
    assert report["checks"]["torch"]["devices"][0] == "cpu"
    assert report["checks"]["lenet-mnist"]["test_error"] <= 0.01
    assert list(workplace.iterdir()) == []


def test_a_failed_check_is_exit_code_1_and_the_others_still_run(
    workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> diagnosis.Found:
        raise ImportError("no such library\nat all")

    monkeypatch.setattr(diagnosis, "check_numba", broken)
    assert main(["doctor"]) == 1
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "FAILED" in lines["numba"]
    assert "ImportError: no such library at all" in lines["numba"]
    assert " ok " in lines["sqlite"]


def test_outputs_that_is_a_file_fails(workplace: Path) -> None:
    (workplace / "taken").write_text("")
    with pytest.raises(diagnosis.Problem, match="taken is not a folder"):
        diagnosis.check_outputs(Path("taken"))
    with pytest.raises(diagnosis.Problem, match="taken is not a folder"):
        diagnosis.check_outputs(Path("taken/outputs"))


def test_little_disk_fails(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "LOW_DISK_MB", 10**12)
    with pytest.raises(diagnosis.Problem, match="MB free"):
        diagnosis.check_outputs(Path("outputs"))


SUSPECTS = """
import torch
from evo_fool.classifiers.base import Classifier

class Channels(torch.nn.Module):
    def forward(self, images):
        return images.mean(dim=(2, 3)) * 50

class Dull(torch.nn.Module):
    def forward(self, images):
        return torch.zeros(len(images), 3)

class Sociable(torch.nn.Module):
    def forward(self, images):
        return (images - images.mean(dim=0)).mean(dim=(2, 3)) * 50

class Sideways(torch.nn.Module):
    def forward(self, images):
        return images.mean(dim=(2, 3)).roll(1, dims=1) * 50

def wrap(network):
    return Classifier(network, classes=["red", "green", "blue"], size=8, channels=3, name="own")

def good(): return wrap(Channels())
def dull(): return wrap(Dull())
def sociable(): return wrap(Sociable())
def certain(): return wrap(torch.nn.Sequential(Channels(), torch.nn.Softmax(dim=1)))
def sideways(): return wrap(Sideways())
"""


@pytest.fixture
def suspects(workplace: Path) -> Path:
    """The current directory, with classifiers of one's own, and photographs of three colours."""
    (workplace / "own.py").write_text(SUSPECTS)
    for name, colour in (("red", (255, 0, 0)), ("green", (0, 255, 0)), ("blue", (0, 0, 255))):
        (workplace / "photos" / name).mkdir(parents=True)
        for i in range(7):
            Image.new("RGB", (9, 9), colour).save(workplace / "photos" / name / f"{i}.png")
    return workplace


def test_a_good_classifier_passes(suspects: Path, invoke_json: Callable[..., Any]) -> None:
    report = invoke_json("doctor", "--classifier", "own.py:good", "--photos", "photos")
    checks = report["checks"]
    assert report["ok"]
    assert (checks["classifier"]["classes"], checks["classifier"]["size"], checks["classifier"]["std"]) == (
        3,
        8,
        [1] * 3,
    )
    assert (checks["input"]["lowest"], checks["input"]["highest"]) == (0, 1)
    assert (checks["photos"]["photos"], checks["photos"]["top1"], checks["photos"]["unreadable"]) == (21, 1, [])
    assert checks["precision"]["milliseconds"]["float32"] >= 0
    assert (checks["precision"]["auto"], "only for torchvision's" in checks["precision"]["detail"]) == ("float32", True)


@pytest.mark.parametrize(
    ("factory", "check", "message"),
    [
        ("dull", "scores", "16 different images get one and the same score"),
        ("sociable", "scores", "with the batch that an image is in"),
        ("certain", "scores", "drop the softmax"),
        ("sideways", "photos", "no better than guessing"),
        ("nowhere", "classifier", "no function 'nowhere' there"),
    ],
)
def test_what_is_wrong_with_a_classifier_is_found(
    factory: str, check: str, message: str, suspects: Path, invoke: Callable[..., Any]
) -> None:
    code, out, _ = invoke("doctor", "--classifier", f"own.py:{factory}", "--photos", "photos", "--json")
    report = json.loads(out)
    assert (code, report["ok"], report["checks"][check]["ok"]) == (1, False, False)
    assert message in report["checks"][check]["detail"]
    assert "FAILED" in invoke("doctor", "--classifier", f"own.py:{factory}", "--photos", "photos")[1]


def test_a_softmax_passes_where_the_experiment_says_so(suspects: Path, invoke: Callable[..., Any]) -> None:
    check = ("run", "mnist-cppn", "--classifier", "own.py:certain", "--check")
    code, _, err = invoke(*check)
    assert code == 1 and "-S classifier.output=probabilities" in err
    assert invoke(*check, "-S", "classifier.output=probabilities")[0] == 0


def test_photographs_that_do_not_load_are_named(suspects: Path, invoke: Callable[..., Any]) -> None:
    for name in ("red/a.jpg", "red/b.jpg", "red/c.jpg", "red/d.jpg"):
        (suspects / "photos" / name).write_bytes(b"?")
    (suspects / "photos" / "mauve").mkdir()
    code, out, _ = invoke("doctor", "--classifier", "own.py:good", "--photos", "photos")
    assert code == 0
    assert "of 21 photographs; 4 files do not load: red/a.jpg, red/b.jpg, red/c.jpg and 1 more" in out
    assert "1 folders name no class: mauve" in out


def test_options_of_a_classifier_need_one(workplace: Path, invoke: Callable[..., Any]) -> None:
    for option in ("--weights", "--photos"):
        code, out, err = invoke("doctor", option, "x")
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert f"{option} needs --classifier" in err
    assert invoke("doctor", "--classifier", "")[0] == 2
    code, out, _ = invoke("doctor", "--classifier", "lenet-mnist", "--photos", "nowhere")
    assert (code, "nowhere" in out) == (1, True)


@pytest.mark.parametrize(
    ("network", "top1", "top5"),
    [("squeezenet1_1", 0.642, 0.842), ("squeezenet1_0", 0.600, 0.834), ("mobilenet_v2", 0.826, 0.956)],
)
def test_real_networks_know_real_photographs(
    network: str, top1: float, top5: float, data_folder: Path, workplace: Path, invoke_json: Callable[..., Any]
) -> None:
    weights, photos = data_folder / "imagenet" / "weights" / f"{network}.pt", data_folder / "imagenet" / "photos"
    if not (weights.is_file() and photos.is_dir()):
        pytest.skip(f"no imagenet/weights and imagenet/photos in {data_folder}")
    spec = ("--classifier", f"torchvision:{network}", "--weights", str(weights))
    checks = invoke_json("doctor", *spec, "--photos", str(photos))["checks"]
    assert (checks["photos"]["photos"], checks["photos"]["unreadable"]) == (500, [])
    assert checks["photos"]["top1"] == pytest.approx(top1, abs=0.0021)  # one photograph in 500, for other rounding
    assert checks["photos"]["top5"] == pytest.approx(top5, abs=0.0021)
    assert checks["input"]["error"] < 1e-5
