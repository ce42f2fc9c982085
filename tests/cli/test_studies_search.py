"""``evo-fool study switching`` and ``study noise``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .conftest import Invoke


def test_switching_says_what_it_counted(cppn_run: Path, invoke: Invoke, invoke_json: Callable[..., Any]) -> None:
    found = invoke_json("study", "switching", str(cppn_run))
    assert found["captures"] >= found["switches"] > 0
    assert found["share"] == found["switches"] / found["captures"]
    assert len(found["steps"]) == 10
    code, out, _ = invoke("study", "switching", str(cppn_run))
    assert code == 0
    assert f"{found['switches']} of {found['captures']} captures were goal switches" in out


def test_noise_is_shown_to_a_classifier(workplace: Path, invoke: Invoke, invoke_json: Callable[..., Any]) -> None:
    found = invoke_json("study", "noise", "constant", "uniform", "--images", "50")
    assert list(found) == ["constant", "uniform", "remark"]
    assert sum(found["constant"]["called"]) == found["constant"]["n"] == 50
    code, out, _ = invoke("study", "noise", "--images", "50")
    assert code == 0
    assert "lenet-mnist: 50 images of each kind" in out
    assert [line.split()[0] for line in out.splitlines()[3:]] == ["uniform", "gaussian", "constant", "low-frequency"]


def test_unknown_noise_is_named(workplace: Path, invoke: Invoke) -> None:
    code, _, err = invoke("study", "noise", "pink")
    assert code == 2
    assert "'pink' is not one of 'uniform', 'gaussian', 'permuted', 'constant', 'low-frequency'" in err
    code, _, err = invoke("study", "noise", "permuted", "--images", "5")
    assert code == 2
    assert "permuted images need natural ones" in err
