"""The process beside the server: what it makes is right, it is asked for no code, and the server outlives it."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from evo_fool.errors import NotKeptError
from evo_fool.experiment import Experiment
from evo_fool.gallery import tasks
from evo_fool.gallery.studio import BusyError, Studio
from evo_fool.runs import open_run
from evo_fool.runs.assembly import assemble


@pytest.fixture
def studio() -> Iterator[Studio]:
    studio = Studio()
    yield studio
    studio.close()


def elite(path: Path, cls: int = 3) -> int:
    with open_run(path) as run:
        return run[cls].id


def test_top_five(cppn_run: Path) -> None:
    found = tasks.top_five(cppn_run, elite(cppn_run))
    with open_run(cppn_run) as run:
        parts = assemble(run.experiment)
        with torch.inference_mode():
            pixels = torch.from_numpy(run.image(3).copy())[None].float() / 255
            wanted = torch.softmax(parts.classifier(pixels).double(), 1)[0].numpy()
        recorded = run[3].probability
    assert found["reason"] is None and found["top5"] is not None and len(found["top5"]) == 5
    assert [guess["class"] for guess in found["top5"]] == np.argsort(wanted)[::-1][:5].tolist()
    assert np.allclose([guess["p"] for guess in found["top5"]], np.sort(wanted)[::-1][:5], atol=1e-6)
    assert any(guess["class"] == 3 and abs(guess["p"] - recorded) < 1e-6 for guess in found["top5"])


@pytest.mark.parametrize(
    ("classifier", "reason"),
    [
        ({"spec": "import:os:getcwd"}, "is code"),
        ({"spec": "evil.py:make"}, "is code"),
        ({"spec": "torchvision:squeezenet1_1"}, "not on this machine"),
        ({"spec": "torchvision:squeezenet1_1", "weights": "/nowhere/weights.pt"}, "does not exist"),
        ({"spec": "lenet-mnist", "weights": "/dev/zero"}, "is not a file"),
    ],
)
def test_a_classifier_that_is_not_asked(
    shelf: Path,
    change: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    classifier: dict[str, str],
    reason: str,
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with open_run(shelf / "cppn") as run:
        settings = Experiment.from_mapping(run.experiment.model_dump() | {"classifier": classifier}).model_dump_json()
    change(shelf / "cppn", "UPDATE meta SET value = ? WHERE key = 'experiment'", (settings,))
    found = tasks.top_five(shelf / "cppn", elite(shelf / "cppn"))
    assert found["top5"] is None and reason in str(found["reason"])


def test_a_classifier_with_other_weights_is_not_asked(shelf: Path, change: Callable[..., None]) -> None:
    change(shelf / "cppn", "UPDATE meta SET value = ? WHERE key = 'classifier_sha256'", ("0" * 64,))
    assert "other weights" in str(tasks.top_five(shelf / "cppn", elite(shelf / "cppn"))["reason"])


def test_errors_come_back(studio: Studio, cppn_run: Path) -> None:
    with pytest.raises(NotKeptError, match="999"):
        studio.run(tasks.render, cppn_run, 999_999, 64)
    assert json.loads(studio.run(tasks.genome_json, cppn_run, elite(cppn_run)))["genome"]["kind"] == "cppn"


def test_killed_and_started_again(studio: Studio, cppn_run: Path) -> None:
    first = studio.run(tasks.genome_json, cppn_run, elite(cppn_run))
    assert studio._process is not None and studio._process.pid is not None
    os.kill(studio._process.pid, signal.SIGKILL)
    studio._process.join(10)
    assert studio.run(tasks.genome_json, cppn_run, elite(cppn_run)) == first


def test_killed_at_work(cppn_run: Path) -> None:
    studio = Studio(patience=0.05)
    with pytest.raises(BusyError, match="takes more than"):
        studio.run(tasks.render, cppn_run, elite(cppn_run), 2048)
    assert studio._process is not None and not studio._process.is_alive()


def test_it_ends_when_it_has_nothing_to_do(cppn_run: Path) -> None:
    studio = Studio(idle=0.2)
    studio.run(tasks.genome_json, cppn_run, elite(cppn_run))
    assert studio._process is not None
    studio._process.join(10)
    assert not studio._process.is_alive()
    assert studio.run(tasks.genome_json, cppn_run, elite(cppn_run))
    studio.close()


def test_only_so_many_wait(studio: Studio, cppn_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = 0
    while studio._room.acquire(blocking=False):
        taken += 1
    assert taken == 12
    with pytest.raises(BusyError, match="too many"):
        studio.run(tasks.genome_json, cppn_run, elite(cppn_run))


def test_it_ends_with_the_server(cppn_run: Path) -> None:
    studio = Studio()
    studio.run(tasks.genome_json, cppn_run, elite(cppn_run))
    process = studio._process
    assert process is not None and studio._line is not None
    studio._line.close()  # as when the server is killed
    deadline = time.monotonic() + 10
    while process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not process.is_alive()
