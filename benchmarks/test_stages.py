"""The stages of one MNIST generation one by one, by pytest-benchmark: ``make bench``, or pytest benchmarks.

Absolute times say little on another machine; compare a change with ``--benchmark-compare``. What is claimed is a
ratio from ``evo-fool bench``, measured beside its floor in one run.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from evo_fool.encodings import build_encoding
from evo_fool.encodings.base import Encoding
from evo_fool.encodings.rendering.program import compile_programs
from evo_fool.evaluation.assembly import assemble
from evo_fool.evolution.archive import ClassArchive
from evo_fool.experiment import Experiment
from evo_fool.randomness import stream
from evo_fool.sections import CppnConfig, PixelsConfig

BATCH = 200
Benchmark = Callable[..., Any]


@pytest.fixture(params=["pixels", "cppn"])
def encoding(request: pytest.FixtureRequest) -> Encoding:
    config = PixelsConfig(kind="pixels") if request.param == "pixels" else CppnConfig(kind="cppn")
    return build_encoding(config, size=28, channels=1)


@pytest.fixture
def genomes(encoding: Encoding) -> np.ndarray:
    """A batch after some drift, so that CPPNs have hidden nodes."""
    batch = encoding.random(BATCH, stream(1, "bench"))
    for generation in range(30):
        batch = encoding.mutate(batch, stream(1, "drift", generation), generation)
    return batch


def test_mutate(benchmark: Benchmark, encoding: Encoding, genomes: np.ndarray) -> None:
    assert len(benchmark(lambda: encoding.mutate(genomes, stream(1, "m"), 1))) == BATCH


def test_render(benchmark: Benchmark, encoding: Encoding, genomes: np.ndarray) -> None:
    assert benchmark(encoding.render, genomes).shape == (BATCH, 1, 28, 28)


def test_encode_and_decode(benchmark: Benchmark, encoding: Encoding, genomes: np.ndarray) -> None:
    assert len(benchmark(lambda: encoding.decode(encoding.encode(genomes[0])))) == 1


def test_compile_programs(benchmark: Benchmark) -> None:
    batch = build_encoding(CppnConfig(kind="cppn"), size=28, channels=1).random(BATCH, stream(1, "bench"))
    assert len(benchmark(compile_programs, batch, 1).node_start) == BATCH + 1


def test_score(benchmark: Benchmark) -> None:
    scorer = assemble(Experiment()).evaluator.scorer
    images = np.random.default_rng(1).integers(0, 256, (BATCH, 1, 28, 28), dtype=np.uint8)
    assert benchmark(scorer.score, images).shape == (BATCH, 10)


@pytest.mark.parametrize("classes", [10, 1000, 10_000])
def test_add(benchmark: Benchmark, classes: int) -> None:
    rng = np.random.default_rng(1)
    archive, genomes = ClassArchive(classes), rng.random((BATCH, 784), dtype=np.float32)
    scores = rng.normal(size=(BATCH, classes))
    archive.add(np.arange(BATCH), scores, genomes, 0)
    assert len(benchmark(archive.add, np.arange(BATCH), scores, genomes, 1)) == 0
