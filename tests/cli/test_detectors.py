"""``evo-fool train detector``, runs against guarded classifiers, and ``evo-fool study detectors``."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from support import write_mnist

from .conftest import Invoke

if not (find_spec("pytorch_ood") and find_spec("sklearn")):
    pytest.skip("needs the extra ood", allow_module_level=True)

SMALL = ("-S", "batch=16")


@pytest.fixture
def digits(workplace: Path) -> str:
    write_mnist(workplace / "mnist", train=120, test=60)
    return "mnist"


def test_runs_against_a_detector_resume_and_are_measured(digits: str, invoke: Invoke) -> None:
    ranges = ("--between", "0,60", "--held-out", "120,180")
    train = ("train", "detector", "energy", "--photos", digits, *ranges, "--out", "e.safetensors")
    code, out, _ = invoke(*train, "--json")
    record = json.loads(out)
    assert code == 0 and (record["kind"], record["fitted_on"], record["held_out"]) == ("energy", 60, 60)
    guarded = ("--classifier", "guarded:e.safetensors:lenet-mnist")
    for name, more in (("plain", ()), ("whole", guarded), ("halted", guarded)):
        code, _, _ = invoke(
            "run", "mnist-cppn", "--generations", "2" if name == "halted" else "4", "--name", name, *SMALL, *more
        )
        assert code == 0
    assert invoke("resume", "halted", "--generations", "4")[0] == 0
    assert invoke("digest", "halted")[1].split()[0] == invoke("digest", "whole")[1].split()[0]
    assert invoke("verify", "whole")[0] == 0

    study = ("study", "detectors", "plain", "whole", "--photos", digits, "--fit", "0,60", "--between", "120,180")
    study += ("--images", "20", "--climbs", "0", "--detector", "energy", "--detector", "mahalanobis")
    code, out, err = invoke(*study, "--json")
    assert code == 0, err
    found = json.loads(out)["lenet-mnist"]
    assert list(found) == ["energy", "mahalanobis"]
    energy = {source["label"]: source for source in found["energy"]["sources"]}
    assert set(energy) == {"plain", "evolved against energy", "uniform noise", "random CPPNs", "drifted CPPNs"}
    assert found["energy"]["passing"][0] == 0.95 and all(
        0 <= auroc <= 1 for s in energy.values() for auroc in s["auroc"]
    )
    code, out, _ = invoke(*study, "--to", "auroc.png")
    assert code == 0 and "lenet-mnist, energy: evolved against energy (adaptive)" in out
    assert "lenet-mnist, mahalanobis: evolved against energy" not in out
    assert Path("auroc.png").read_bytes().startswith(b"\x89PNG")

    assert invoke(*train[:-5], "0,61", "--held-out", "121,180", *train[-2:])[0] == 0  # another detector
    code, _, err = invoke("resume", "halted", "--generations", "5")
    assert code == 2 and "other weights" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "detector", "luck", "--photos", "mnist", "--out", "e.safetensors"], "luck.*choose one of msp"),
        (["train", "detector", "energy", "--photos", "none", "--out", "e.safetensors"], "none"),
        (["train", "detector", "energy", "--photos", "mnist", "--out", "e.pt"], "must|ends in .safetensors"),
        (["train", "detector", "vae", "--photos", "mnist", "--out", "e.safetensors"], "train vae"),
        (["train", "detector", "energy", "--photos", "mnist", "--between", "5,2", "--out", "e.safetensors"], "5,2"),
        (["run", "mnist-cppn", "--classifier", "guarded:none.safetensors:lenet-mnist"], "train detector"),
        (["run", "mnist-cppn", "--classifier", "guarded:energy:lenet-mnist"], "guarded:FILE.safetensors:SPEC"),
        (["train", "lenet", "--loss", "ceda", "--out", "w.pt", "--data", "mnist"], "must end in"),
    ],
)
def test_mistakes_are_told_in_one_line(words: list[str], message: str, digits: str, invoke: Invoke) -> None:
    import re

    code, _, err = invoke(*words)
    assert code == 2 and re.search(message, err) and len(err.strip().splitlines()) == 1


def test_a_lenet_by_acet_says_so_in_its_record(digits: str, invoke: Invoke) -> None:
    words: list[Any] = ["train", "lenet", "--data", digits, "--epochs", "1", "--loss", "acet", "--out", "a.safetensors"]
    assert invoke(*words)[0] == 0
    assert json.loads(Path("a.json").read_text())["command"].startswith("evo-fool train lenet --loss acet --data DIR")
