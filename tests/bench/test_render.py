"""The render benchmark: plain JSON, honest baselines."""

import json

import numpy as np
import pytest
import torch

from benchmarks.render import bench_render, measure_device
from benchmarks.render_baselines import render_arrays, render_tensors
from benchmarks.render_genomes import drifted_genomes, grown_genomes
from evo_fool.encodings.base import Genomes
from evo_fool.encodings.cppn.encoding import CppnEncoding
from evo_fool.encodings.rendering.program import compile_programs
from evo_fool.sections import CppnConfig


@pytest.fixture
def encoding() -> CppnEncoding:
    return CppnEncoding(CppnConfig(kind="cppn"), size=28, channels=1)


@pytest.fixture
def elites(encoding: CppnEncoding) -> Genomes:
    return drifted_genomes(encoding, 40, nodes=(10, 14), links=(11, 20), seed=1)


def test_report_is_json_with_ratios_by_size() -> None:
    report = json.loads(json.dumps(bench_render(sizes=(8, 12), nodes=(10,), seconds=0.02)))
    for name in (
        "images_per_second",
        "batched_torch_images_per_second",
        "ratio_to_neat_python",
        "ratio_to_array_per_node",
        "ratio_to_tensor_per_node",
    ):
        assert set(report[name]) == {"8", "12"}
        assert all(value > 0 for value in report[name].values())
    assert [(row["nodes"], row["size"]) for row in report["by_nodes"]] == [(10, 8), (10, 12)]
    assert 10 <= report["genomes"]["mean_nodes"] <= 14
    gpu = report["gpu"]
    if torch.cuda.is_available():
        assert [(row["nodes"], row["size"]) for row in gpu["by_nodes"]] == [(10, 8), (10, 12)]
        assert "missing" not in gpu
    else:
        assert (gpu["device"], gpu["by_nodes"]) == (None, [])
        assert "no GPU" in gpu["missing"]


def test_a_device_is_measured_alike(encoding: CppnEncoding, elites: Genomes) -> None:
    row = measure_device(encoding, elites, 8, 0.02, torch.device("cpu"))
    assert all(value > 0 for value in row.values())


def test_genomes_are_as_large_as_asked_for(elites: Genomes) -> None:
    assert ((elites["nodes"] >= 10) & (elites["nodes"] <= 14)).all()
    assert ((elites["links"] >= 11) & (elites["links"] <= 20)).all()


def test_baselines_and_renderer_draw_the_same_images(encoding: CppnEncoding, elites: Genomes) -> None:
    ours = encoding.render(elites).astype(int)
    assert (np.abs(render_arrays(elites, 28) - ours) <= 1).mean() > 0.999
    single_precision = render_tensors(elites, 28, "cpu").numpy()
    assert single_precision.shape == ours.shape
    assert (np.abs(single_precision - ours) <= 1).mean() > 0.99


def test_grown_genomes_are_mostly_alive() -> None:
    genomes = grown_genomes(10, nodes=30, seed=1)
    assert (genomes["nodes"] == 30).all()
    assert np.diff(compile_programs(genomes, 1).node_start).mean() > 20
