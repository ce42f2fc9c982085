"""A run over photographs as whole commands: every verb that reads a run reads it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
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


PATCH = ("-S", "scene.kind=patch", "-S", "scene.photos=photographs.npz", "-S", "scene.share=0.3")
PROGRAM = ("-S", "scene.kind=program", "-S", "scene.inner=12", "-S", "scene.count=20", "-S", "scene.held_out=20")


@pytest.mark.parametrize(
    ("scene", "shown"),
    [
        (PATCH, "patch, 11 cells, 16 input(s) a picture, photographs 4"),
        (PROGRAM, "program, 1 cells, 20 input(s) a picture, task squares, labels ['1'"),
    ],
)
@pytest.mark.parametrize("preset", ["mnist-pixels", "mnist-cppn"])
def test_every_verb_reads_patches_and_programs(
    photographs: Path, scene: tuple[str, ...], shown: str, preset: str, invoke: Any
) -> None:
    code, out, err = invoke("run", preset, "--check", *scene)
    assert (code, err) == (0, "")
    assert shown in out
    for verb in (
        ("run", preset, *scene, *SHORT),
        ("verify", "latest"),
        ("export", "latest", "--to", "exported"),
        ("sheet", "latest"),
        ("timelapse", "latest", "--to", "film.gif"),
        ("resume", "latest", "--generations", "8"),
    ):
        code, out, err = invoke(*verb)
        assert code == 0, (verb, out, err)


def test_other_task_images_are_refused_with_exit_code_2(workplace: Path, invoke: Any) -> None:
    def write(brightness: int) -> None:
        labels = np.arange(40) % 2
        images = (labels * brightness)[:, None, None, None] * np.ones((1, 9, 9, 1))
        np.savez("task.npz", images=images.astype(np.uint8), labels=labels)

    write(100)
    scene = ("-S", "scene.kind=program", "-S", "scene.task=task.npz", "-S", "scene.count=6", "-S", "scene.held_out=4")
    assert invoke("run", "mnist-pixels", *scene, *SHORT)[0] == 0
    moved = Path("elsewhere")
    moved.mkdir()
    Path("task.npz").rename(moved / "task.npz")
    assert "task.npz: No such file" in invoke("verify", "latest")[2]
    write(200)
    for verb in (("verify", "latest"), ("resume", "latest", "--generations", "7")):
        code, _, err = invoke(*verb)
        assert (code, "other task images" in err) == (2, True)
        assert invoke(*verb, "--photos", "elsewhere/task.npz")[0] == 0


def test_squares_are_nowhere_else(workplace: Path, invoke: Any) -> None:
    assert invoke("run", "mnist-pixels", *PROGRAM, *SHORT)[0] == 0
    code, _, err = invoke("verify", "latest", "--photos", "photographs.npz")
    assert (code, "reads no images; leave it out" in err) == (2, True)
