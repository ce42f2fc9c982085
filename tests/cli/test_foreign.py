"""Classifiers that print, leave, or change directory; and what ``run --check`` finds before anything is written."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GUESTS = """
import ctypes, os, sys
import torch
from evo_fool.classifiers.base import Classifier

print("IMPORTED")

class Guest(torch.nn.Module):
    def __init__(self, act=lambda calls: None):
        super().__init__()
        self.act, self.calls = act, 0
    def forward(self, images):
        self.calls += 1
        self.act(self.calls)
        return images.flatten(1)[:, :3] * 4

def wrap(network):
    return Classifier(network, classes=["ant", "bee", "cat"], size=6, channels=1, name="guest")

def prints():
    def act(calls):
        print("JUDGED")
        os.write(1, b"WRITTEN\\n")
    print("BUILT")
    ctypes.CDLL(None).puts(b"PUT")
    return wrap(Guest(act))

def leaves():
    return wrap(Guest(lambda calls: sys.exit(0) if calls > 27 else None))

def moves():
    elsewhere = os.path.join(os.path.dirname(__file__), "elsewhere")
    os.makedirs(elsewhere, exist_ok=True)
    os.chdir(elsewhere)
    return wrap(Guest(lambda calls: os.chdir(elsewhere)))

def certain():
    return wrap(torch.nn.Sequential(Guest(), torch.nn.Softmax(dim=1)))
"""


@pytest.fixture
def guests(tiny: Path) -> Path:
    (tiny / "guests.py").write_text(GUESTS)
    return tiny


def test_what_a_classifier_prints_goes_to_stderr_where_stdout_carries_json(guests: Path) -> None:
    command = [sys.executable, "-m", "evo_fool", "run", "tiny.yaml", "--classifier", "guests.py:prints", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["status"] == "finished"
    for word in ("IMPORTED", "BUILT", "PUT", "JUDGED", "WRITTEN"):
        assert word in done.stderr


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_classifier_that_leaves_has_failed(options: list[str], guests: Path, invoke: Any, invoke_json: Any) -> None:
    code, _, err = invoke("run", "tiny.yaml", "--classifier", "guests.py:leaves", *options)
    last = err.splitlines()[-1]
    assert code == 1
    assert "generation 4: classifier 'guest' tried to end the program" in last and "SystemExit: 0" in last
    shown = invoke_json("show", "latest")
    assert (shown["status"], shown["generation"]) == ("failed", 3)
    assert invoke("verify", "latest", "--classifier", "guests.py:moves")[0] == 0


def test_a_classifier_that_changes_directory_moves_nothing(guests: Path, invoke: Any, invoke_json: Any) -> None:
    judge = ["--classifier", "guests.py:moves"]
    summary = invoke_json("run", "tiny.yaml", *judge, "--out", "here")
    assert (Path.cwd(), Path(summary["path"]).parent) == (guests, Path("here"))
    assert (guests / summary["path"]).is_dir()
    assert invoke_json("resume", summary["path"], "--generations", "8", *judge)["generation"] == 8
    assert invoke_json("verify", summary["path"], *judge)["clean"]
    assert invoke("export", summary["path"], "--to", "pictures")[0] == 0
    imported = invoke_json("import", "pictures", *judge, "--out", "here")
    assert (guests / imported["path"]).is_dir()
    assert invoke("study", "transfer", summary["path"], *judge, "--json")[0] == 0
    assert not list((guests / "elsewhere").iterdir())


@pytest.mark.parametrize("verb", [["run", "tiny.yaml"], ["run", "tiny.yaml", "--check"], ["import", "pictures"]])
def test_a_network_that_ends_in_softmax_is_refused_before_anything_is_written(
    verb: list[str], guests: Path, invoke: Any
) -> None:
    assert invoke("run", "tiny.yaml", "--classifier", "guests.py:moves", "--out", "there")[0] == 0
    assert invoke("export", "latest", "--out", "there", "--to", "pictures")[0] == 0
    code, _, err = invoke(*verb, "--classifier", "guests.py:certain")
    assert (code, err.count("\n")) == (1, 1)
    assert "no class more than 58 % confidence; drop the softmax" in err
    assert not (guests / "outputs").exists()


def test_resume_looks_at_code_once_more(guests: Path, invoke: Any) -> None:
    assert invoke("run", "tiny.yaml", "--classifier", "guests.py:moves")[0] == 0
    (guests / "guests.py").write_text(GUESTS.replace("images.flatten(1)[:, :3] * 4", "torch.rand(len(images), 3)"))
    code, _, err = invoke("resume", "latest", "--generations", "9", "--classifier", "guests.py:moves")
    assert (code, err.count("\n")) == (1, 1)
    assert "other scores the second time" in err


def test_check_says_what_would_run_and_writes_nothing(tiny: Path, invoke: Any, invoke_json: Any) -> None:
    found = invoke_json("run", "tiny.yaml", "--check", "-S", "scoring.batch=5", "--seed", "3")
    wanted = {"classifier": "tiny", "classes": 3, "image": [1, 6, 6], "batch": 8, "sub_batch": 5, "seed": 3}
    assert {key: found[key] for key in wanted} == wanted
    assert (found["precision"], found["preflight"]["images"], found["targets"]) == ("float32", 16, [])
    code, out, err = invoke("run", "mnist-ga", "--check")
    assert (code, err) == (0, "")
    for word in ("lenet-mnist, 10 classes", "grey 28x28", "genetic for 0, 1, 2, 3, 4, …", "16 images get 16 scores"):
        assert word in out
    assert not (tiny / "outputs").exists()


@pytest.mark.parametrize(
    ("options", "code", "word"),
    [
        (["--classifier", "gone.py:build"], 2, "gone.py"),
        (["-S", "search.kind=genetic", "-S", "search.target=dog"], 2, "dog"),
        (["-S", "search.kind=imported"], 2, "imported"),
        (["--out", "tiny.yaml/below"], 1, "tiny.yaml"),
        (["--device", "cuda:99"], 2, "cuda:99"),
    ],
)
def test_check_fails_as_the_run_would(
    options: list[str], code: int, word: str, tiny: Path, invoke: Callable[..., Any]
) -> None:
    for check in ([], ["--check"]):
        found, out, err = invoke("run", "tiny.yaml", *options, *check)
        assert (found, out, err.count("\n")) == (code, "", 1)
        assert word in err
