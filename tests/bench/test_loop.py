"""The loop benchmark: a ratio of two rates measured in one run, on a real run directory."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from support import small

from benchmarks.loop import STAGES, bench_loop, forward_pass
from benchmarks.synthetic import synthetic_classifier
from evo_fool.evaluation.assembly import assemble
from evo_fool.runs import digest
from evo_fool.session import evolve


def test_report_is_json_and_its_stages_cover_the_loop() -> None:
    report = json.loads(json.dumps(bench_loop(small(), seconds=0.5)))
    assert report["ratio_min"] <= report["ratio"] <= report["ratio_max"]
    assert report["loop_images_per_second"] > 0
    assert report["forward_images_per_second"] > 0
    assert set(report["stages"]) == {*STAGES, "other"}
    candidates = report["floor_candidates_ms"]
    assert report["precision"] in candidates and candidates[report["floor"]] == min(candidates.values())
    assert sum(report["stages"].values()) == pytest.approx(1.0, abs=0.02)
    assert report["confirmed"] == 1.0  # float32 throughout: every image is scored once, and that score counts


def test_warm_up_is_a_number_of_generations() -> None:
    report = bench_loop(small("pixels"), seconds=0.2, warm_up=7)
    assert report["first_generation"] >= 7


def test_screening_confirms_a_part_of_the_batch() -> None:
    experiment = small("pixels").with_overrides(["scoring.precision=bfloat16"])
    report = bench_loop(experiment, seconds=0.3)
    assert 0.0 < report["confirmed"] < 1.0
    assert report["stages"]["screen"] > 0


def test_floor_is_the_network_on_the_inputs_that_scoring_gives_it() -> None:
    parts = assemble(small("pixels"))
    seen: list[torch.Tensor] = []
    parts.classifier.network.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    forward_pass(parts, 5, "float32")()
    floor, seen[:] = torch.cat(seen), []
    assert len(floor) == 5
    images = np.full((5, 1, 28, 28), 7, np.uint8)
    parts.evaluator.scorer.score(images)
    assert seen[0].dtype == floor.dtype
    assert seen[0].shape[1:] == floor.shape[1:]


def test_a_ready_classifier_is_measured_in_place_of_the_named_one() -> None:
    report = bench_loop(small(), seconds=0.2, rounds=2, classifier=synthetic_classifier(size=10, classes=4))
    assert "synthetic" in report["classifier"]
    assert report["generations"] % 2 == 0


def test_a_run_can_be_measured_where_it_stands_and_stays_as_it_is(tmp_path: Path) -> None:
    with evolve(small(), out=tmp_path) as run:
        before = digest(run.store)
        report = bench_loop(run.experiment, seconds=0.2, start=run.path)
        assert report["first_generation"] > run.generation
        assert digest(run.store) == before
        assert run.generation == 12
