"""What decides the last bits of a score is the same after a stop, or the user is told."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import torch
from support import small

from evo_fool.classifiers.scoring import Scorer
from evo_fool.evaluation.arithmetic import same_arithmetic
from evo_fool.runs import digest, open_run
from evo_fool.runs.directory import EVENTS
from evo_fool.runs.store import DATABASE
from evo_fool.session import Progress, evolve, resume

CPU = torch.device("cpu")


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets torch's threads; afterwards they are what they were. No limit is set in the environment."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (path / EVENTS).read_text().splitlines()]


def test_a_resumed_run_computes_with_the_threads_it_was_started_with(out: Path, threads: Any) -> None:
    # With so small a batch the LeNet's last bits depend on the number of threads.
    experiment = small("pixels", batch=50, generations=30)
    threads(1)
    whole = evolve(experiment, out=out)
    evolve(experiment.model_copy(update={"generations": 10, "name": "part"}), out=out).close()
    threads(2)
    seen, warnings = set(), []

    def observe(progress: Progress) -> None:
        seen.add(torch.get_num_threads())
        warnings.append(progress.warning)

    (part,) = (path for path in out.iterdir() if "part" in path.name)
    parts = resume(part, generations=30, callbacks=[observe])
    assert (seen, torch.get_num_threads(), set(warnings)) == ({1}, 2, {""})
    assert digest(parts.store) == digest(whole.store)


def test_threads_that_the_user_has_set_are_kept_and_named_once(
    out: Path, threads: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads(1)
    path = evolve(small(), out=out).path
    threads(2)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    warnings: list[str] = []
    resume(path, generations=15, callbacks=[lambda progress: warnings.append(progress.warning)])
    assert "2 threads for 1 (OMP_NUM_THREADS)" in warnings[0] and warnings[1:] == ["", ""]
    assert [event["reason"] for event in events(path) if event["event"] == "warning"] == warnings[:1]


@pytest.mark.parametrize(
    ("record", "word"),
    [
        ({"torch_threads": 10**9}, "this machine has no more"),
        ({"device": "cuda:0"}, "device cpu for cuda:0"),
        ({"packages": {"torch": "0.4.1"}}, "for 0.4.1"),
    ],
)
def test_what_cannot_be_restored_is_named(record: dict[str, Any], word: str, threads: Any) -> None:
    before = torch.get_num_threads()
    with same_arithmetic(record, CPU) as warning:
        assert word in warning and "\n" not in warning
        assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    "record", [{}, {"torch_threads": "2"}, {"torch_threads": True}, {"torch_threads": -1}, {"packages": 3, "device": 0}]
)
def test_a_record_that_makes_no_sense_is_not_followed(record: dict[str, Any], threads: Any) -> None:
    before = torch.get_num_threads()
    with same_arithmetic(record, CPU) as warning:
        assert (warning, torch.get_num_threads()) == ("", before)


def test_a_batch_that_was_halved_is_logged_and_kept(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score = Scorer._attempt

    def tight(self: Scorer, pixels: Any, start: int, network: Any) -> Any:
        if self.batch > 16 and len(pixels) == 60 and start == 0:
            self._halve(60)
            return None
        return score(self, pixels, start, network)

    experiment = small(batch=60, scoring={"batch": 60}, generations=3)
    with monkeypatch.context() as patch:
        patch.setattr(Scorer, "_attempt", tight)
        path = evolve(experiment, out=out).path
    assert [event["batch"] for event in events(path) if event["event"] == "halved"] == [15]
    sizes = set()

    def watch(self: Scorer, pixels: Any, start: int, network: Any) -> Any:
        sizes.add(self.batch)
        return score(self, pixels, start, network)

    monkeypatch.setattr(Scorer, "_attempt", watch)
    with resume(path, generations=5) as run:
        assert (sizes, run.experiment.scoring.batch) == ({15}, 15)
    with open_run(path) as run, sqlite3.connect(path / DATABASE) as database:
        recorded = json.loads(database.execute("SELECT value FROM meta WHERE key = 'experiment'").fetchone()[0])
        assert (run.generation, recorded["scoring"]["batch"]) == (5, 15)
    assert "batch: 15" in (path / "experiment.yaml").read_text()
