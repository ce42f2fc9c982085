"""``kill -9`` at any moment, then ``resume``: the finished run is byte for byte the one that was never interrupted.

EVO_FOOL_KILLS sets how often each run is killed.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import write_photographs

KILLS = int(os.environ.get("EVO_FOOL_KILLS", "4"))
GENERATIONS = 80 + 80 * KILLS
SETTINGS = ("-S", "batch=50", "--generations", str(GENERATIONS))
SCENE = {"kind": "perturbation", "photos": "photographs.npz", "epsilon": 60, "amplitude": "sign"}
CASES = {
    "perturbation": [each for key, value in SCENE.items() for each in ("-S", f"scene.{key}={value}")],
    "pixels": ["-S", "encoding.kind=pixels"],
    "cppn": [],
    "random views": ["-S", "scoring.view=random-2"],
    "genetic": ["-S", "search.kind=genetic", "-S", "encoding.kind=pixels", "-S", "search.crossover=0.5"],
    "patch": ["-S", "scene.kind=patch", "-S", "scene.photos=photographs.npz", "-S", "scene.share=0.3"],
    "program": ["-S", "scene.kind=program", "-S", "scene.inner=12", "-S", "scene.count=20"],
}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "evo_fool", *arguments]


def output_of(*arguments: str) -> str:
    done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.alone
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("case", CASES)
def test_killed_at_random_moments_and_resumed(case: str, workplace: Path) -> None:
    write_photographs(workplace, 4)
    whole = ("run", "mnist-cppn", *SETTINGS, *CASES[case], "--out", "whole")
    output_of(*whole)
    rng = random.Random(case)
    start = command("run", "mnist-cppn", *SETTINGS, *CASES[case], "--out", "killed")
    killed_midway = 0
    while killed_midway < KILLS:
        process = subprocess.Popen(start, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("generation "), "the run ended before it had been killed often enough"
        time.sleep(rng.uniform(0.0, 0.25))
        process.send_signal(signal.SIGKILL)
        assert process.wait(timeout=60) == -signal.SIGKILL, "the run ended before it had been killed often enough"
        killed_midway += 1
        start = command("resume", "latest", "--out", "killed")
    output_of("resume", "latest", "--out", "killed")
    assert output_of("digest", "latest", "--out", "killed") == output_of("digest", "latest", "--out", "whole")
    assert "finished" in output_of("show", "latest", "--out", "killed")
    output_of("verify", "latest", "--out", "killed")
    assert len(list(Path("killed").iterdir())) == 1, "killing leaves no half-made run behind"
