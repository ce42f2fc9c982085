"""What a user subclasses or calls is importable in one guess, and importing the package costs nothing."""

import importlib
import subprocess
import sys

import pytest

import evo_fool


@pytest.mark.parametrize("package", ["evo_fool", "evo_fool.evolution"])
def test_every_exported_name_exists(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        assert getattr(module, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = module.nothing


def test_what_a_user_needs_is_at_the_door() -> None:
    needed = {"Classifier", "Elite", "Encoding", "EvoFoolError", "Experiment", "Run", "evolve", "open_run", "resume"}
    assert needed | {"verify"} == set(evo_fool.__all__)


def test_importing_takes_less_than_a_tenth_of_a_second() -> None:
    code = (
        "import sys, time; began = time.process_time(); import evo_fool, evo_fool.evolution; "
        "print(time.process_time() - began, *sorted({'torch', 'numba', 'numpy', 'deap'} & set(sys.modules)))"
    )
    seconds, *heavy = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert float(seconds) < 0.1 and heavy == []
