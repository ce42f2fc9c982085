"""Screening in half precision chooses candidates; what enters the archive is a float32 score."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support import small

from evo_fool.classifiers.precision import choose_batch
from evo_fool.classifiers.scoring import Scorer
from evo_fool.encodings.base import Genomes
from evo_fool.encodings.cppn.encoding import CppnEncoding
from evo_fool.encodings.rendering.gpu import render_torch
from evo_fool.evaluation import Evaluator
from evo_fool.evaluation.assembly import assemble
from evo_fool.runs import verify
from evo_fool.scene_sections import AloneConfig
from evo_fool.scenes.alone import Alone, challengers
from evo_fool.session import evolve

DEVICES = [
    "cpu:0",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")),
]
CPU = torch.device("cpu")
SCORES = st.sampled_from([-3.0, -1.0, 0.0, 1.0, 3.0])


@given(hnp.arrays(np.float64, (5, 4), elements=SCORES), hnp.arrays(np.float64, 4, elements=SCORES | st.just(-np.inf)))
def test_challengers_are_the_best_of_a_cell_that_beat_its_bar(log_odds: np.ndarray, bar: np.ndarray) -> None:
    expected = set()
    for cell in range(4):
        best = max(range(5), key=lambda row: (log_odds[row, cell], -row))
        if log_odds[best, cell] > bar[cell]:
            expected.add(best)
    assert challengers(log_odds, bar).tolist() == sorted(expected)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_what_is_confirmed_has_its_float32_score_and_nothing_else_can_win(precision: str) -> None:
    parts = assemble(small("pixels", scoring={"precision": precision}))
    evaluator = parts.evaluator
    genomes = parts.encoding.random(60, np.random.default_rng(1))
    exact = evaluator.scorer.score(parts.encoding.render(genomes))
    bar = np.quantile(exact, 0.9, axis=0)
    scored = evaluator.evaluate(genomes, bar)
    confirmed = np.isfinite(scored.log_odds).all(axis=1)
    assert 0 < confirmed.sum() < 60
    assert np.allclose(scored.log_odds[confirmed], exact[confirmed], atol=1e-4)
    assert (scored.log_odds[~confirmed] == -np.inf).all()
    # The rows that are best by far are found in spite of the coarse arithmetic.
    clear = exact.max(axis=0) > np.sort(exact, axis=0)[-2] + 0.5
    assert confirmed[exact.argmax(axis=0)[clear & (exact.max(axis=0) > bar + 0.5)]].all()


@pytest.mark.parametrize("device", DEVICES)
def test_images_drawn_on_a_device_stay_there_and_score_the_same(device: str) -> None:
    parts = assemble(small(scoring={"precision": "bfloat16"}))
    genomes = parts.encoding.random(40, np.random.default_rng(1))
    host = parts.evaluator.evaluate(genomes, np.full(10, -1.0))
    parts.encoding.device = device  # "cpu:0" is torch's renderer without a GPU
    scorer = parts.evaluator.scorer
    there = Scorer(scorer.classifier, batch=16, view="auto", device=torch.device(device), precision="bfloat16")
    scored = Evaluator(parts.encoding, Alone(AloneConfig(), there, 1)).evaluate(genomes, np.full(10, -1.0))
    assert isinstance(scored.images, torch.Tensor)
    rows = np.flatnonzero(np.isfinite(scored.log_odds).all(axis=1)).tolist()
    assert rows == np.flatnonzero(np.isfinite(host.log_odds).all(axis=1)).tolist()
    assert np.array_equal(scored.fetch(rows), host.fetch(rows))
    assert np.allclose(scored.log_odds[rows], host.log_odds[rows], atol=1e-4)


def test_a_whole_run_can_draw_on_a_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(encoding: CppnEncoding, genomes: Genomes) -> torch.Tensor:
        return render_torch(genomes, size=encoding.shape[1:], device="cpu", **encoding.render_options)

    monkeypatch.setattr(CppnEncoding, "draw", draw)
    found = verify(evolve(small(), out=tmp_path))
    assert found.clean


def test_without_a_bar_every_image_is_scored_exactly() -> None:
    parts = assemble(small("pixels", scoring={"precision": "bfloat16"}))
    genomes = parts.encoding.random(8, np.random.default_rng(1))
    exact = parts.evaluator.scorer.score(parts.encoding.render(genomes))
    assert np.array_equal(parts.evaluator.evaluate(genomes).log_odds, exact)


def test_a_screened_run_records_float32_scores(tmp_path: Path) -> None:
    run = evolve(small(scoring={"precision": "bfloat16"}), out=tmp_path)
    found = verify(run)
    assert found.clean
    assert found.largest_difference < 1e-5
    assert run.experiment.scoring.precision == "bfloat16"


def test_what_is_chosen_by_rule_is_written_down(tmp_path: Path) -> None:
    run = evolve(small(generations=1), out=tmp_path)
    assert run.experiment.scoring.precision == "float32", "small images do not pay for screening"
    assert run.experiment.scoring.batch == choose_batch(None, 28, CPU)


def test_rules() -> None:
    assert choose_batch(7, 224, CPU) == 7
    assert choose_batch(None, 224, CPU) == 16
    assert choose_batch(None, 4096, CPU) == 1
    assert choose_batch(None, 224, torch.device("cuda")) == 1024
