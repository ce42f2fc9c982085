"""The render benchmark: plain JSON, honest baselines."""

import json

import numpy as np

from evo_fool.bench.render import bench_render, drifted_genomes, grown_genomes, render_arrays
from evo_fool.encodings.cppn import CppnEncoding
from evo_fool.encodings.rendering.program import compile_programs
from evo_fool.experiment import CppnConfig


def test_report_is_json_with_ratios_by_size() -> None:
    report = json.loads(json.dumps(bench_render(sizes=(8, 12), nodes=(10,), seconds=0.02)))
    for name in ("images_per_second", "ratio_to_neat_python", "ratio_to_array_per_node"):
        assert set(report[name]) == {"8", "12"}
        assert all(value > 0 for value in report[name].values())
    assert [(row["nodes"], row["size"]) for row in report["by_nodes"]] == [(10, 8), (10, 12)]
    assert 10 <= report["genomes"]["mean_nodes"] <= 14


def test_baseline_and_renderer_draw_the_same_images() -> None:
    encoding = CppnEncoding(CppnConfig(kind="cppn"), size=28, channels=1)
    genomes = drifted_genomes(encoding, 40, nodes=(10, 14), links=(11, 20), seed=1)
    assert ((genomes["nodes"] >= 10) & (genomes["nodes"] <= 14)).all()
    assert ((genomes["links"] >= 11) & (genomes["links"] <= 20)).all()
    difference = np.abs(render_arrays(genomes, 28).astype(int) - encoding.render(genomes))
    assert (difference <= 1).mean() > 0.999


def test_grown_genomes_are_mostly_alive() -> None:
    genomes = grown_genomes(10, nodes=30, seed=1)
    assert (genomes["nodes"] == 30).all()
    assert np.diff(compile_programs(genomes, 1).node_start).mean() > 20
