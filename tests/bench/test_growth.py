"""How the loop grows: three tables, each row measured in a process of its own, on a classifier of any size."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from support import small

from benchmarks import growth
from benchmarks.growth import Setting, bench_growth, measure
from benchmarks.own_process import in_own_process, peak_memory_mb
from benchmarks.synthetic import synthetic_classifier
from benchmarks.temporary_run import STAGES
from evo_fool.errors import ConfigError, EvoFoolError
from evo_fool.evaluation.assembly import assemble
from evo_fool.evaluation.environment import choose_device
from evo_fool.randomness import stream

TINY = Setting(batch=8, size=12, classes=5)


def test_a_row_says_what_a_generation_costs_outside_the_forward_pass() -> None:
    row = json.loads(json.dumps(measure(TINY, 0.3, "cpu")))
    assert (row["batch"], row["size"], row["classes"]) == (8, 12, 5)
    assert set(row["stages"]) == {*STAGES, "other"}
    outside = 8 / row["loop_images_per_second"] - 8 / row["forward_images_per_second"]
    assert row["milliseconds_outside_forward"] == pytest.approx(1000 * outside)
    assert row["peak_device_memory_mb"] is None


def test_one_thing_grows_in_each_table_and_shared_rows_are_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Setting] = []
    monkeypatch.setattr(growth, "in_own_process", lambda function, setting, *rest: asked.append(setting) or setting)
    report = bench_growth(batches=(4, 8), sizes=(12, 24), classes=(2, 5, 9), base=TINY)
    assert report["by_batch"] == [replace(TINY, batch=4), TINY]
    assert report["by_size"] == [TINY, replace(TINY, size=24)]
    assert report["by_classes"] == [replace(TINY, classes=2), TINY, replace(TINY, classes=9)]
    assert len(asked) == len(set(asked)) == 5


def test_a_process_of_its_own_has_its_own_peak_and_passes_errors_on() -> None:
    here = np.zeros(400_000_000, np.uint8)
    here.fill(1)
    mine, other = peak_memory_mb(), in_own_process(peak_memory_mb)
    assert mine is not None and other is not None
    assert 1 < other < mine - 300
    with pytest.raises(ConfigError, match="cuda:999"):
        in_own_process(choose_device, "cuda:999")


def test_a_process_that_is_ended_from_outside_is_said_so() -> None:
    with pytest.raises(EvoFoolError, match="memory may have run out"):
        in_own_process(os._exit, 9)


def test_synthetic_classifier_is_fixed_and_tells_images_apart() -> None:
    first, again = (synthetic_classifier(size=16, classes=50) for _ in range(2))
    assert first.fingerprint() == again.fingerprint() != synthetic_classifier(size=16, classes=50, seed=1).fingerprint()
    images = torch.from_numpy(np.random.default_rng(1).random((40, 3, 16, 16), dtype=np.float32))
    logits = first(images)
    assert logits.shape == (40, 50)
    assert logits.std(dim=1).mean() > 0.5
    assert len(synthetic_classifier(size=1, classes=3, channels=1)(torch.ones(2, 1, 1, 1))) == 2


def test_a_ready_classifier_takes_the_place_of_the_named_one() -> None:
    classifier = synthetic_classifier(size=20, classes=7)
    parts = assemble(small(), classifier)
    assert parts.classifier is classifier
    assert (parts.encoding.size, parts.encoding.channels) == (20, 3)
    assert parts.evaluator.evaluate(parts.encoding.random(2, stream(1, "t"))).log_odds.shape == (2, 7)
