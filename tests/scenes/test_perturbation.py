"""A picture added to photographs: what the network sees, what a score means, and that racing changes no winner."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support import write_photographs

from evo_fool.classifiers.zoo import load_classifier
from evo_fool.errors import ConfigError
from evo_fool.evaluation.assembly import assemble
from evo_fool.experiment import Experiment
from evo_fool.probability import probability
from evo_fool.scenes.perturbation import OTHER, Perturbation
from evo_fool.sections import ClassifierConfig

CPU = torch.device("cpu")


def experiment(photos: Path, /, **scene: Any) -> Experiment:
    settings: dict[str, Any] = {"kind": "perturbation", "photos": str(photos), "epsilon": 60} | scene
    return Experiment.from_mapping({"batch": 12, "encoding": {"kind": "pixels"}, "scene": settings})


def scene_of(photos: Path, /, **scene: Any) -> Perturbation:
    made = assemble(experiment(photos, **scene)).scene
    assert isinstance(made, Perturbation)
    return made


def pictures(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 1, 28, 28), dtype=np.uint8)


@pytest.mark.parametrize("amplitude", ["linear", "sign"])
@pytest.mark.parametrize(("norm", "epsilon"), [("linf", 10), ("linf", 255.5), ("l2", 300)])
def test_inputs_are_rounded_bytes_of_photograph_plus_picture(
    tmp_path: Path, norm: str, epsilon: float, amplitude: str
) -> None:
    photos = write_photographs(tmp_path, 3)
    scene = scene_of(photos, norm=norm, epsilon=epsilon, amplitude=amplitude)
    (picture,) = pictures(1)
    steps = picture / 127.5 - 1 if amplitude == "linear" else np.where(picture > 127.5, 1.0, -1.0)
    scale = epsilon if norm == "linf" else epsilon / np.sqrt((steps**2).sum())
    exact = np.clip(scene.originals() + scale * steps[None], 0, 255)
    assert np.abs(scene.shown(picture) - exact).max() <= 0.5 + 1e-4
    assert scene.shown(picture).dtype == np.uint8
    assert np.array_equal(scene.shown(picture, [2, 0]), scene.shown(picture)[[2, 0]])


def test_l2_perturbations_have_exactly_the_norm(tmp_path: Path) -> None:
    scene = scene_of(write_photographs(tmp_path, 1), norm="l2", epsilon=300)
    added = scene.perturbation(torch.from_numpy(pictures(4)))
    assert torch.allclose(added.flatten(1).norm(dim=1), torch.tensor(300.0), rtol=1e-5)
    flat = torch.full((1, 1, 28, 28), 255, dtype=torch.uint8)
    assert torch.allclose(scene.perturbation(flat).norm(), torch.tensor(300.0), rtol=1e-5)


def test_scores_are_log_odds_of_the_mean_probability_and_of_the_soft_fooling_rate(tmp_path: Path) -> None:
    scene = scene_of(write_photographs(tmp_path, 7), cells="all")
    assert scene.cells == (*map(str, range(10)), OTHER)
    found = scene.score(some := pictures(5))
    for picture, row in zip(some, found, strict=True):
        log_odds = scene.scorer.score(scene.shown(picture))
        p = probability(log_odds)
        assert np.allclose(probability(row[:10]), p.mean(axis=0), atol=1e-6)
        log_p = np.log(p)
        clean = scene.scorer.score(scene.originals()).argmax(axis=1)
        own = log_p[np.arange(7), clean]
        others = log_p.copy()
        others[np.arange(7), clean] = -np.inf
        assert np.isclose(probability(row[10]), probability(others.max(axis=1) - own).mean(), atol=1e-6)
        report = scene.report(picture)
        assert report["fooling_rate"] == (log_odds.argmax(axis=1) != clean).mean()


def test_one_photographs_untargeted_score_is_its_margin_and_does_not_saturate(tmp_path: Path) -> None:
    scene = scene_of(write_photographs(tmp_path, 1), cells="other", epsilon=1)
    log_odds = scene.scorer.score(scene.shown(picture := pictures(1)[0]))[0]
    logits = scene.scorer.classifier(torch.from_numpy(scene.shown(picture)) / 255)[0].double().sort().values
    assert log_odds.argmax() == scene.clean[0]
    assert np.isclose(scene.score(picture[None])[0, 0], float(logits[-2] - logits[-1]), atol=1e-3)


@pytest.mark.parametrize(
    ("cells", "names"),
    [("other", (OTHER,)), ("classes", tuple(map(str, range(10)))), (["3", "other"], ("3", OTHER)), (["7"], ("7",))],
)
def test_cells(tmp_path: Path, cells: Any, names: tuple[str, ...]) -> None:
    scene = scene_of(write_photographs(tmp_path, 2), cells=cells)
    assert scene.cells == names
    assert scene.score(pictures(3)).shape == (3, len(names))


def test_pictures_of_another_size_are_enlarged_to_the_nearest_pixels(tmp_path: Path) -> None:
    scene = scene_of(write_photographs(tmp_path, 2))
    small = pictures(3)[:, :, :14, :14]
    assert np.array_equal(scene.score(small), scene.score(small.repeat(2, axis=2).repeat(2, axis=3)))


@pytest.mark.parametrize("cells", ["all", "other"])
@pytest.mark.parametrize("seed", range(4))
def test_exact_racing_finds_the_winners_of_no_racing(tmp_path: Path, cells: str, seed: int) -> None:
    photos = write_photographs(tmp_path, 40)
    exact, none = (scene_of(photos, cells=cells, racing=racing) for racing in ("exact", "none"))
    first, some = pictures(30, seed), pictures(60, seed + 100)
    thresholds = none.score(first).max(axis=0)
    if seed % 2:
        thresholds[:] = -np.inf
    whole, raced = none.score(some, thresholds), exact.score(some, thresholds)
    assert np.isfinite(whole).all()
    winners, winner = raced.argmax(axis=0), whole.argmax(axis=0)
    for cell in np.flatnonzero(whole.max(axis=0) > thresholds):
        assert winners[cell] == winner[cell]
    dropped = np.isneginf(raced).all(axis=1)
    assert np.allclose(raced[~dropped], whole[~dropped], atol=1e-6)
    assert exact.passes <= exact.possible
    assert none.passes == none.possible


def test_exact_racing_drops_what_cannot_win(tmp_path: Path) -> None:
    scene = scene_of(write_photographs(tmp_path, 40), cells="other", racing="exact")
    assert np.isneginf(scene.score(pictures(10), np.array([8.0]))).all()
    assert scene.passes < scene.possible / 2


def test_fast_racing_saves_passes_and_records_whole_scores_only(tmp_path: Path) -> None:
    photos = write_photographs(tmp_path, 64)
    fast, none = (scene_of(photos, cells="other", racing=racing) for racing in ("fast", "none"))
    some = pictures(64)
    raced = fast.score(some, np.full(1, -np.inf))
    kept = np.isfinite(raced[:, 0])
    assert 0 < kept.sum() < 8
    assert np.allclose(raced[kept], none.score(some)[kept], atol=1e-6)
    assert fast.passes < fast.possible / 3
    assert none.passes == none.possible


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_race_leaves_no_empty_cell(tmp_path: Path, precision: str) -> None:
    settings = experiment(write_photographs(tmp_path, 20)).replace(**{"scoring.precision": precision})
    scene = assemble(settings).scene
    raced = scene.score(pictures(12), np.full(11, -np.inf))
    assert np.isfinite(raced.max(axis=0)).all()
    rows = np.isfinite(raced).all(axis=1)
    assert np.allclose(raced[rows], scene.score(pictures(12))[rows], atol=1e-4)


def test_a_whole_score_does_not_depend_on_its_batch(tmp_path: Path) -> None:
    scene = scene_of(write_photographs(tmp_path, 5))
    some = pictures(6)
    assert np.allclose(scene.score(some)[2:3], scene.score(some[2:3]), atol=1e-5)


def test_the_record_knows_the_photographs_and_their_order(tmp_path: Path) -> None:
    one, same = write_photographs(tmp_path / "a", 6), write_photographs(tmp_path / "b", 6)
    assert scene_of(one).record() == scene_of(same).record()
    assert scene_of(one).record() != scene_of(one, count=5).record()
    assert scene_of(one, between=[0, 3]).record() != scene_of(one, between=[3, 6]).record()


def test_unusable_settings_take_one_line(tmp_path: Path) -> None:
    photos = write_photographs(tmp_path, 2)
    for scene, said in (
        ({"epsilon": 0}, "scene.epsilon = 0"),
        ({"epsilon": 300}, "scene.epsilon = 300"),
        ({"cells": ["eleven"]}, "scene.cells"),
        ({"cells": ["3", "3"]}, "names a class twice"),
        ({"count": 3}, "scene.count = 3: there are 2 photographs"),
        ({"between": [1, 9]}, r"scene.between = \[1, 9\]"),
        ({"between": [2, 2]}, "holds no place"),
        ({"photos": None}, "scene.photos is missing"),
        ({"amplitude": "square"}, "scene.amplitude"),
        ({"epsilom": 3}, "did you mean 'epsilon'"),
    ):
        with pytest.raises(ConfigError, match=said) as error:
            scene_of(photos, **scene)
        assert "\n" not in str(error.value)
    with pytest.raises(ConfigError, match="channel"):
        scene_of(photos).check_picture((3, 28, 28))
    assert load_classifier(ClassifierConfig(), CPU).channels == 1
