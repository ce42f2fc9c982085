"""A run over photographs as whole commands: every verb that reads a run reads it."""

import json
from pathlib import Path
from typing import Any

import pytest
from support import write_photographs

SCENE = ("-S", "scene.kind=perturbation", "-S", "scene.photos=photographs.npz", "-S", "scene.epsilon=60")
SHORT = ("-S", "batch=8", "--generations", "6")


@pytest.fixture
def photographs(workplace: Path) -> Path:
    return write_photographs(workplace, 4)


def test_every_verb_reads_a_run_over_photographs(photographs: Path, invoke: Any, invoke_json: Any) -> None:
    planned = invoke_json("run", "mnist-pixels", "--check", *SCENE)
    assert planned["scene"]["photographs"] == 4
    assert (planned["scene"]["cells"], planned["scene"]["inputs"]) == (11, 4)
    code, out, _ = invoke("run", "mnist-pixels", "--check", *SCENE)
    assert code == 0
    assert "perturbation, 11 cells, 4 input(s) a picture, photographs 4, sha256 " in out
    code, out, err = invoke("run", "mnist-pixels", "--keep-photos", *SCENE, *SHORT)
    assert (code, err) == (0, "")
    assert "forward passes: " in out
    photographs.unlink()
    assert "anything else" in invoke("show", "latest")[1]
    for verb in (
        ("verify", "latest"),
        ("digest", "latest"),
        ("export", "latest", "--to", "exported"),
        ("sheet", "latest"),
        ("timelapse", "latest", "--to", "film.gif"),
        ("plot", "latest"),
        ("resume", "latest", "--generations", "8"),
    ):
        code, out, err = invoke(*verb)
        assert code == 0, (verb, out, err)
    (run,) = Path("outputs").iterdir()
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    assert 0 < events[-1]["passes"] <= events[-1]["possible"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-S", "scene.photos=absent"], "absent: No such file or directory"),
        (["-S", "scene.epsilon=0"], "scene.epsilon = 0"),
        (["-S", "scene.epsilon=300"], "scene.epsilon = 300"),
        (["-S", "scene.count=5"], "scene.count = 5: there are 4 photographs"),
        (["-S", "scene.photos=null"], "scene.photos is missing"),
        (["-S", "scene.kind=billboard"], "scene.kind = 'billboard' is unknown"),
        (["-S", "scene.kind=alone", "--keep-photos"], "--keep-photos"),
    ],
)
def test_what_cannot_be_used_takes_one_line_and_makes_no_run(
    photographs: Path, options: list[str], said: str, invoke: Any
) -> None:
    if "scene.kind=alone" in options:
        code, out, err = invoke("run", "mnist-pixels", *SHORT, "--keep-photos")
    else:
        code, out, err = invoke("run", "mnist-pixels", *SCENE, *SHORT, *options)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert not Path("outputs").exists() or not list(Path("outputs").iterdir())


def test_other_photographs_are_refused_with_exit_code_2(photographs: Path, invoke: Any) -> None:
    assert invoke("run", "mnist-pixels", *SCENE, *SHORT)[0] == 0
    photographs.rename("moved.npz")
    write_photographs(Path(), 5)
    for verb in (("verify", "latest"), ("resume", "latest", "--generations", "7")):
        code, _, err = invoke(*verb)
        assert (code, "other photographs" in err) == (2, True)
        assert invoke(*verb, "--photos", "moved.npz")[0] == 0
