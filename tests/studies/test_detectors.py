"""The study of detectors: figures known beforehand, controls of the right size, and the report's page."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from support import small, write_mnist

from evo_fool.classifiers.guarded import Calibration
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.sources.extras import import_extra
from evo_fool.encodings import build_encoding
from evo_fool.runs import open_run
from evo_fool.scenes.photographs import Photographs
from evo_fool.sections import CppnConfig
from evo_fool.session import evolve
from evo_fool.studies import study_of
from evo_fool.studies.baselines import drifted_cppns
from evo_fool.studies.context import Context
from evo_fool.studies.detectors.measure import (
    CPPNS,
    DRIFTED,
    NOISE,
    Source,
    Subject,
    auroc,
    control_of,
    controls,
    measure,
)

if not (find_spec("pytorch_ood") and find_spec("sklearn")):
    pytest.skip("needs the extra ood", allow_module_level=True)


def test_auroc_counts_pairs() -> None:
    natural, odd = torch.tensor([0.0, 1.0, 2.0, 3.0]).double(), torch.tensor([2.0, 2.5]).double()
    assert auroc(natural, odd) == pytest.approx((2.5 + 3) / 8)
    assert auroc(natural, natural + 10) == 1.0 and auroc(natural, natural) == 0.5


def test_shares_that_pass_are_pytorch_oods_false_positives_with_the_roles_exchanged() -> None:
    rng = np.random.default_rng(0)
    natural, odd = torch.from_numpy(rng.normal(size=200)), torch.from_numpy(rng.normal(1.5, 1, 300))
    functional = import_extra("pytorch_ood.metrics", "ood").functional
    labels = torch.cat([-torch.ones(200), torch.zeros(300)]).long()
    for share in (0.95, 0.99):
        passing = (odd <= Calibration(natural).threshold(share)).double().mean()
        theirs = functional.fpr_at_tpr(-torch.cat([natural, odd]), labels, share)
        assert float(passing) == pytest.approx(float(theirs))


class Brightness:
    """Takes bright images for odd."""

    kind = "energy"

    def scores(self, scorer: Scorer, images: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(images.reshape(len(images), -1).mean(axis=1))


def test_every_source_is_compared_with_natural_images() -> None:
    context = Context(None)
    grey = np.arange(100, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 28, 28), np.uint8)
    sources = [
        Source("evolved", "evolved", [grey[:10] + 90, grey[:10] + 150]),
        Source("against it", "evolved", [grey[:10]], "energy"),
        Source("the best of random ones", "random search", [grey[:2]], "energy"),
        Source(NOISE, "control", [grey[:3]]),
        Source(DRIFTED, "control", [grey[:3]]),
        Source("climbed", "gradient", [grey[:3]]),
    ]
    photos = Photographs(grey, None, tuple(map(str, range(100))))
    subject = Subject("LeNet", context.scorer(context.classifier()), photos, photos, sources)
    detector = Brightness()
    calibration = Calibration(detector.scores(subject.scorer, grey))
    found = measure(subject, iter([(detector, calibration)]))["energy"]  # type: ignore[list-item]
    assert found["passing"] == [0.95, 0.99]
    evolved, against, best, noise, drifted, climbed = found["sources"]
    assert evolved["passing"] == [[0.5, 0.9], [0.0, 0.0]] and evolved["auroc"] == [pytest.approx(0.95), 1.0]
    assert against["passing"] == [[1.0, 1.0]] and evolved["images"] == 20
    assert all(share <= passing[0] for share, passing in zip(evolved["fooling"], evolved["passing"], strict=True))
    beside = [control_of(source, found["sources"])["label"] for source in (evolved, against, climbed, best)]
    assert beside == [drifted["label"], best["label"], noise["label"], drifted["label"]]
    study = study_of("detectors")
    data = {"LeNet": {"energy": found}}
    assert "against it 0.050, 100.0 % pass (control, the best of random ones" in study.conclude(data)[1]
    assert [row.what for row in study.rows(data)] == [
        "LeNet, energy: evolved",
        "LeNet, energy: against it (adaptive)",
        "LeNet, energy: the best of random ones (adaptive)",
        "LeNet, energy: climbed",
    ]


def test_drifted_cppns_grow_to_the_sizes_of_evolved_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    encoding = build_encoding(CppnConfig(kind="cppn"), size=8, channels=1)
    drawn = []
    monkeypatch.setattr(encoding, "render", lambda genomes: drawn.append(genomes) or np.zeros((len(genomes), 1, 8, 8)))
    drifted_cppns(encoding, [9, 14], 30, seed=1)
    sizes = drawn[0]["nodes"].astype(int) + drawn[0]["links"]
    assert (sizes >= 9).all() and 0.2 < (sizes >= 14).mean() < 1 and sizes.max() < 30


def test_controls_drift_beside_cppns_alone(tmp_path: Path) -> None:
    context = Context(None)
    scorer = context.scorer(context.classifier())
    for kind, wanted in (("cppn", [NOISE, CPPNS, DRIFTED]), ("pixels", [NOISE, CPPNS])):
        with evolve(small(kind, generations=2), out=tmp_path) as run:
            path = run.path
        with open_run(path) as run:
            found = controls(scorer, [run], 20, seed=1)
        assert [source.label for source in found] == wanted
        assert all(source.parts[0].shape == (20, 1, 28, 28) for source in found)


def test_the_page_of_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from evo_fool.studies.detectors import report_runs
    from evo_fool.studies.digit_runs import digit_run

    write_mnist(tmp_path / "data" / "mnist", train=120, test=60)
    short = {"generations": 2, "batch": 20}
    monkeypatch.setattr(
        report_runs,
        "digit_run",
        lambda context, preset, seed, settings: digit_run(context, preset, seed, settings | short),
    )
    monkeypatch.setattr("evo_fool.studies.digit_runs._SMOKE", {})
    study = study_of("detectors")
    section = study.section(Context(tmp_path / "report", "smoke", tmp_path / "data"))
    assert section.verdict == "new" and list(section.data) == ["LeNet", "LeNet by CEDA", "LeNet by ACET"]
    assert any(row.what == "LeNet, energy: evolved against energy (adaptive)" for row in section.rows)
    assert all(row.control for row in section.rows) and len(section.pictures) == 3
    again = study_of("detectors").section(Context(tmp_path / "report", "smoke", tmp_path / "data"))
    assert again.data == section.data
    assert study_of("detectors").section(Context(tmp_path / "none", "smoke")).verdict == "skipped"
