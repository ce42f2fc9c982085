"""``evo-fool study retraining`` and ``study generative`` on digits that are easy to learn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support import write_mnist

from evo_fool.cli.main import main


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_mnist(folder / "mnist", train=200, test=50)
    return folder


def test_retraining(
    data: Path, workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from evo_fool.studies.digit_runs import digit_run

    seeds = []

    def short(context: Any, preset: str, seed: int) -> Any:
        seeds.append(seed)
        return digit_run(context, preset, seed, {"generations": 1, "batch": 20})

    monkeypatch.setattr("evo_fool.studies.retraining.study.digit_run", short)
    words = ["study", "retraining", "--data", str(data), "--iterations", "1", "--epochs", "2", "--generations", "1"]
    words += ["--arm", "unsure", "--batch", "20", "--noise", "40", "--unseen", "3"]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    asked = {"arm": "unsure", "epochs": 2, "batch": 20, "noise": 40}
    assert found["loop"].items() >= asked.items() and found["iterations"][0]["images"] == 40
    assert len(found["iterations"][0]["probabilities"]) == 10 and found["iterations"][0]["unseen"] == 30
    assert seeds == [1, 2, 3]
    assert main(words) == 0  # found again, for people
    out, err = capsys.readouterr()
    assert "Taught to be unsure" in out and "turned away" in out and "computing" not in err


def test_generative(data: Path, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "study",
        "generative",
        "--data",
        str(data),
        "--vae-epochs",
        "5",
        "--lenet-epochs",
        "1",
        "--generations",
        "1",
    ]
    assert main([*words, "--json"]) == 0
    judges = json.loads(capsys.readouterr().out)["judges"]
    assert [judge["judge"] for judge in judges] == ["LeNet", "VAEs", "VAEs with a floor"]
    assert all(0 <= judge["evolved_cppn"] <= 1 and Path(judge["weights"]).is_file() for judge in judges)
    assert main(words) == 0
    assert "evolved pixels" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "nowhere"], "nowhere"),
        (["--data", ".", "--iterations", "1"], "trains on MNIST"),
        (["--data", ".", "--iterations", "0"], "--iterations"),
    ],
)
def test_bad_input(words: list[str], message: str, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "retraining", *words]) != 0
    err = capsys.readouterr().err
    assert message in err and "Traceback" not in err


def test_an_evolution_against_autoencoders(data: Path, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Train them, run against them, verify the run."""
    train = ["train", "vae", "--data", str(data / "mnist"), "--epochs", "2", "--out", "v.safetensors"]
    assert main([*train, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["more"]["floor"] < 0
    judge = ["--classifier", "vae-mnist", "--weights", "v.safetensors"]
    assert main(["run", "mnist-cppn", *judge, "--generations", "2", "-S", "batch=20"]) == 0
    assert main(["verify", "latest"]) == 0
    capsys.readouterr()
    assert main(["run", "mnist-cppn", "--classifier", "vae-mnist"]) == 2
    assert "evo-fool train vae" in capsys.readouterr().err
