"""The process beside the server: what it makes is right, it is asked for no code, and the server outlives it."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
import torch

from evo_fool.errors import NotKeptError
from evo_fool.evaluation.assembly import assemble
from evo_fool.experiment import Experiment
from evo_fool.gallery.data import tasks
from evo_fool.gallery.data.worker import WAITING, BusyError, Studio
from evo_fool.runs import open_run


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


def run(studio: Studio, task: Callable[..., Any], *args: object) -> Any:
    """The result of one task."""
    return anyio.run(partial(studio.run, task, *args))


def test_errors_come_back(studio: Studio, cppn_run: Path) -> None:
    with pytest.raises(NotKeptError, match="999"):
        run(studio, tasks.render, cppn_run, 999_999, 64)
    assert json.loads(run(studio, tasks.genome_json, cppn_run, elite(cppn_run)))["genome"]["kind"] == "cppn"


@pytest.mark.alone
def test_killed_and_started_again(studio: Studio, cppn_run: Path) -> None:
    first = run(studio, tasks.genome_json, cppn_run, elite(cppn_run))
    assert studio._process is not None and studio._process.pid is not None
    os.kill(studio._process.pid, signal.SIGKILL)
    studio._process.join(60)
    assert run(studio, tasks.genome_json, cppn_run, elite(cppn_run)) == first


def _ends(process: SpawnProcess | None) -> bool:
    assert process is not None
    process.join(60)
    return not process.is_alive()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[SpawnProcess]:
    """Every process that a studio has started."""
    processes: list[SpawnProcess] = []
    start = SpawnProcess.start

    def noted(process: SpawnProcess) -> None:
        processes.append(process)
        start(process)

    monkeypatch.setattr(SpawnProcess, "start", noted)
    return processes


@pytest.mark.alone
def test_killed_at_work(cppn_run: Path, started: list[SpawnProcess]) -> None:
    with pytest.raises(BusyError, match="takes more than"):
        run(Studio(patience=0.05), tasks.render, cppn_run, elite(cppn_run), 2048)
    assert _ends(started[0])


def test_it_ends_when_it_has_nothing_to_do(cppn_run: Path, started: list[SpawnProcess]) -> None:
    studio = Studio(idle=0.2)
    run(studio, tasks.genome_json, cppn_run, elite(cppn_run))
    assert _ends(started[0])
    assert run(studio, tasks.genome_json, cppn_run, elite(cppn_run))
    studio.close()
    with pytest.raises(BusyError, match="ended"):
        run(studio, tasks.genome_json, cppn_run, elite(cppn_run))


def test_more_than_can_wait_are_told_at_once(studio: Studio, cppn_run: Path) -> None:
    answers: list[object] = []

    async def ask() -> None:
        try:
            answers.append(await studio.run(tasks.genome_json, cppn_run, elite(cppn_run)))
        except BusyError as error:
            answers.append(str(error))

    async def crowd() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(WAITING + 3):
                group.start_soon(ask)

    anyio.run(crowd)
    assert ["too many" in str(answer) for answer in answers] == [True] * 3 + [False] * WAITING


def test_what_nobody_waits_for_is_not_sent(studio: Studio, cppn_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    really = Studio._ask

    async def noted(self: Studio, request: tuple[Any, ...]) -> Any:
        asked.append(request[1][1])
        return await really(self, request)

    monkeypatch.setattr(Studio, "_ask", noted)

    async def crowd() -> None:
        async with anyio.create_task_group() as group:
            for id in range(WAITING):
                group.start_soon(studio.run, tasks.genome_json, cppn_run, id)
            await anyio.sleep(0.01)
            group.cancel_scope.cancel()

    anyio.run(crowd)
    assert asked == [0] and studio._under_way == 0
    assert run(studio, tasks.genome_json, cppn_run, elite(cppn_run))


@pytest.mark.alone
@pytest.mark.parametrize(("grace", "processes"), [(60.0, 1), (0.0, 2)])
def test_at_work_for_nobody(cppn_run: Path, started: list[SpawnProcess], grace: float, processes: int) -> None:
    studio = Studio(grace=grace)

    async def abandon() -> None:
        with anyio.move_on_after(0.05):
            await studio.run(tasks.genome_json, cppn_run, elite(cppn_run))
        # Its answer is none to the next one.
        assert await studio.run(tasks.render, cppn_run, elite(cppn_run), 64) == await studio.run(
            tasks.render, cppn_run, elite(cppn_run), 64
        )

    anyio.run(abandon)
    assert len(started) == processes
    studio.close()


@pytest.mark.alone
def test_it_ends_with_the_server(studio: Studio, cppn_run: Path, started: list[SpawnProcess]) -> None:
    run(studio, tasks.genome_json, cppn_run, elite(cppn_run))
    assert studio._line is not None
    studio._line.close()  # as when the server is killed
    assert _ends(started[0])
