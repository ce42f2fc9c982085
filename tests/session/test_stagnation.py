"""A run notices that it gets nowhere, also across a resume."""

from pathlib import Path

from support import small

from evo_fool.session import evolve, resume
from evo_fool.session.stagnation import Stagnation


def test_it_speaks_once_for_each_standstill() -> None:
    watch = Stagnation(3)
    said = [watch(generation, captures) for generation, captures in enumerate([9, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0])]
    assert [generation for generation, text in enumerate(said) if text] == [3, 9]
    assert said[9] == "no class has improved in 3 generations, since generation 6"


def test_it_can_be_silent() -> None:
    watch = Stagnation(None)
    assert not any(watch(generation, 0) for generation in range(1000))


def test_a_standstill_spans_a_resume(tmp_path: Path) -> None:
    still = small("pixels", generations=2, warn_after=3, encoding={"kind": "pixels", "rate": 0.0})
    warnings: list[str] = []
    first = evolve(still, out=tmp_path, callbacks=[lambda progress: warnings.append(progress.warning)])
    resume(first.path, generations=5, callbacks=[lambda progress: warnings.append(progress.warning)])
    assert [bool(warning) for warning in warnings] == [False, False, False, True, False, False]
