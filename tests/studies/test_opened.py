"""Runs that a study opens are closed whatever happens."""

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import small

from benchmarks import ablation
from evo_fool.runs import Run, open_run
from evo_fool.session import evolve
from evo_fool.studies import study_of
from evo_fool.studies.context import Context
from evo_fool.studies.run_finder import opened


@pytest.fixture
def made(pixels_run: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Run]]:
    """Runs that were opened, in the order of opening, and that are closed by their ``close``."""
    found: list[Run] = []
    real = Run.__init__

    def note(self: Run, *arguments: Any) -> None:
        real(self, *arguments)
        found.append(self)

    monkeypatch.setattr(Run, "__init__", note)
    yield found
    for run in found:
        run.close()


def is_closed(run: Run) -> bool:
    try:
        run.store.connection.execute("SELECT 1")
    except Exception:
        return True
    return False


def test_opened_closes_what_it_opened_before_the_one_that_fails(pixels_run: Path, made: list[Run]) -> None:
    def runs() -> Iterator[Run]:
        yield open_run(pixels_run)
        yield open_run(pixels_run)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), opened(runs()):
        pass
    assert len(made) == 2
    assert all(map(is_closed, made))


@pytest.mark.parametrize(
    ("study", "step"),
    [
        ("mnist", "digit_runs.Course.of"),
        ("searches", "digit_runs.Course.of"),
        ("imagenet", "imagenet.study.Arm.of"),
        ("controls", "controls.measure.arm_of_run"),
    ],
)
def test_a_study_that_breaks_leaves_no_run_open(
    study: str, step: str, pixels_run: Path, made: list[Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("in the middle")

    weights = tmp_path / "data" / "imagenet" / "weights" / "squeezenet1_1.pt"
    weights.parent.mkdir(parents=True)
    weights.touch()
    context = Context(tmp_path, "smoke", tmp_path / "data", seeds=(1, 2))
    monkeypatch.setattr(context, "run", lambda experiment: open_run(pixels_run))
    monkeypatch.setattr(f"evo_fool.studies.{step}", broken)
    with pytest.raises(RuntimeError, match="in the middle"):
        study_of(study).section(context)
    assert made
    assert all(map(is_closed, made))


def test_the_ablation_closes_the_runs_that_it_looks_at(
    tmp_path: Path, made: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = Namespace(variants=["paper"], seeds=[1, 2], images=208, out=tmp_path, json=True)
    monkeypatch.setattr(ablation.argparse.ArgumentParser, "parse_args", lambda self: given)
    monkeypatch.setattr(ablation, "named", lambda given, name, seed: small(seed=seed, name=f"seed{seed}"))
    with evolve(small(seed=2, name="seed2"), out=tmp_path, callbacks=[lambda progress: "ctrl-c"]):
        pass
    assert ablation.main() == 0
    assert ablation.main() == 0
    assert len(made) > 4
    assert all(map(is_closed, made))
