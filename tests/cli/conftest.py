"""A classifier that is made in no time, and the command as a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evo_fool.cli.main import main

TINY = '''
import torch
from evo_fool.classifiers.base import Classifier

def build():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 3))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.linspace(-1, 1, parameter.numel()).mul(7).sin().view_as(parameter))
    aliases = [["n1", "Formica"], ["n2", "insect"], ["n3", "insect"]]
    return Classifier(network, classes=["ant", "bee", "cat"], size=6, channels=1, name="tiny", aliases=aliases)

def exact():
    """Answers with three pixels: no sum, whose last bit could depend on an image's place in the batch."""
    class Corner(torch.nn.Module):
        def forward(self, images):
            return images.flatten(1)[:, :3] * 4
    return Classifier(Corner(), classes=["ant", "bee", "cat"], size=6, channels=1, name="exact")

def undecided():
    class Sometimes(torch.nn.Linear):
        calls = 0
        def forward(self, x):  # the first 23 times before the run begins
            self.calls += 1
            return super().forward(x) * (float("nan") if self.calls > 27 else 1)
    network = torch.nn.Sequential(torch.nn.Flatten(), Sometimes(36, 3))
    return Classifier(network, classes=["ant", "bee", "cat"], size=6, channels=1, name="undecided")
'''

EXPERIMENT = """
name: tiny
preset: custom
batch: 8
generations: 6
classifier: {spec: "tiny.py:build"}
encoding: {kind: pixels}
"""

Invoke = Callable[..., tuple[int, str, str]]


@pytest.fixture
def tiny(workplace: Path) -> Path:
    """The current directory, with ``tiny.yaml`` and the classifier it names."""
    (workplace / "tiny.py").write_text(TINY)
    (workplace / "tiny.yaml").write_text(EXPERIMENT)
    return workplace


@pytest.fixture
def invoke(capsys: pytest.CaptureFixture[str]) -> Invoke:
    """Run a command in this process: exit code, stdout, stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def invoke_json(invoke: Invoke) -> Callable[..., Any]:
    """Run a command with ``--json`` that must succeed; its document."""

    def call(*arguments: str) -> Any:
        code, out, err = invoke(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    return call


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command as a process; whatever still runs at the end of the test is killed."""
    processes = []

    def call(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "evo_fool", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        processes.append(process)
        return process

    yield call
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()
