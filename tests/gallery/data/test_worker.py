"""The process beside the server: what it makes is right, it is asked for no code, and the server outlives it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
import torch

from evo_fool.errors import EvoFoolError, NotKeptError
from evo_fool.evaluation.assembly import assemble
from evo_fool.experiment import Experiment
from evo_fool.gallery.data import tasks
from evo_fool.gallery.data.worker import WAITING, BusyError, Worker
from evo_fool.runs import open_run


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


def run(worker: Worker, task: Callable[..., Any], *args: object) -> Any:
    """The result of one task."""
    return within(lambda: worker.run(task, *args))


def within(steps: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """What ``steps`` returns, run in an event loop."""
    return anyio.run(steps)


def _ended(process: int) -> bool:
    """Whether a process ends within a minute."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if (Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


def test_errors_come_back(cppn_run: Path) -> None:
    with pytest.raises(NotKeptError, match="999"):
        run(Worker(), tasks.render, cppn_run, 999_999, 64)
    with pytest.raises(EvoFoolError, match="could not be made: FileNotFoundError"):
        run(Worker(), os.stat, "/nowhere")
    assert json.loads(run(Worker(), tasks.genome_json, cppn_run, elite(cppn_run)))["genome"]["kind"] == "cppn"


def test_one_process_of_low_priority_that_ctrl_c_does_not_reach() -> None:
    async def steps() -> None:
        worker = Worker()
        process = await worker.run(os.getpid)
        assert process != os.getpid() and await worker.run(os.getpid) == process
        assert await worker.run(os.nice, 0) == max(5, os.nice(0)) == await worker.run(os.nice, 0)
        os.kill(process, signal.SIGINT)
        assert await worker.run(os.getpid) == process

    within(steps)


@pytest.mark.alone
def test_killed_and_started_again() -> None:
    async def steps() -> None:
        worker = Worker()
        first = await worker.run(os.getpid)
        os.kill(first, signal.SIGKILL)
        assert await worker.run(os.getpid) != first
        with pytest.raises(BusyError, match="was ended"):
            await worker.run(signal.raise_signal, signal.SIGKILL)

    within(steps)


@pytest.mark.alone
def test_killed_at_work() -> None:
    async def steps() -> int:
        worker = Worker(patience=2.0)
        process = int(await Worker().run(os.getpid))
        with pytest.raises(BusyError, match="takes more than 2 seconds"):
            await worker.run(time.sleep, 100)
        return process

    assert _ended(within(steps))


def test_it_ends_when_it_has_nothing_to_do() -> None:
    async def steps() -> None:
        worker = Worker(idle=0.2)
        first = await worker.run(os.getpid)
        await anyio.sleep(0.1)  # a task that takes longer than it may be idle is not ended
        await worker.run(time.sleep, 0.5)
        assert _ended(first)
        assert await worker.run(os.getpid) != first
        worker.close()
        with pytest.raises(BusyError, match="ended"):
            await worker.run(os.getpid)

    within(steps)


def test_closing_ends_what_is_at_work() -> None:
    async def steps() -> int:
        worker = Worker()
        process = int(await worker.run(os.getpid))
        async with anyio.create_task_group() as group:

            async def work() -> None:
                with pytest.raises(BusyError, match="being ended"):
                    await worker.run(time.sleep, 100)

            group.start_soon(work)
            await anyio.sleep(0.2)
            worker.close()
        return process

    assert _ended(within(steps))


def test_more_than_can_wait_are_told_at_once() -> None:
    answers: list[object] = []

    async def crowd() -> None:
        worker = Worker()

        async def ask() -> None:
            try:
                answers.append(await worker.run(os.getpid))
            except BusyError as error:
                answers.append(str(error))

        async with anyio.create_task_group() as group:
            for _ in range(WAITING + 3):
                group.start_soon(ask)

    within(crowd)
    assert ["too many" in str(answer) for answer in answers] == [True] * 3 + [False] * WAITING


def test_what_has_lost_its_caller_before_its_turn_is_not_begun(tmp_path: Path) -> None:
    async def crowd() -> None:
        worker = Worker()
        async with anyio.create_task_group() as group:
            for number in range(WAITING):
                group.start_soon(worker.run, Path(tmp_path, str(number)).touch)
            await anyio.sleep(0.01)
            group.cancel_scope.cancel()
        assert worker._under_way == 0
        assert await worker.run(os.listdir, tmp_path) in ([], ["0"])

    within(crowd)


@pytest.mark.alone
@pytest.mark.parametrize(("grace", "same"), [(60.0, True), (0.0, False)])
def test_at_work_when_the_caller_leaves(grace: float, same: bool) -> None:
    async def abandon() -> None:
        worker = Worker(grace=grace)
        process = await worker.run(os.getpid)
        with anyio.move_on_after(0.2) as left:
            await worker.run(time.sleep, 1.0)
        assert left.cancelled_caught
        # The answer that came too late is not the next one's.
        assert (await worker.run(os.getpid) == process) is same

    within(abandon)


SERVER = """
import os, signal, anyio
from evo_fool.gallery.data.worker import Worker

async def serve():
    print(await Worker().run(os.getpid), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    anyio.run(serve)
"""


@pytest.mark.alone
def test_it_ends_with_the_server(tmp_path: Path) -> None:
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    server = subprocess.run([sys.executable, script], stdout=subprocess.PIPE, timeout=300)
    assert server.returncode == -signal.SIGKILL and _ended(int(server.stdout))
