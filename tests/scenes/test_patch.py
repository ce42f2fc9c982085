"""A picture as a patch on photographs: what the network sees, the cells, and runs that stop and resume."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import StopAt, small, write_photographs

from evo_fool.errors import ConfigError
from evo_fool.evaluation.assembly import assemble
from evo_fool.experiment import Experiment
from evo_fool.probability import probability
from evo_fool.runs import digest, verify
from evo_fool.scenes.patch import Patch
from evo_fool.scenes.perturbation import OTHER
from evo_fool.scenes.placement import compose_slowly
from evo_fool.session import evolve, resume

ENCODINGS = {"pixels": {"kind": "pixels"}, "cppn": {"kind": "cppn"}}
SEARCHES: dict[str, dict[str, Any]] = {
    "map_elites": {"kind": "map_elites"},
    "genetic": {"kind": "genetic", "target": "3", "variation": "or"},
}


def settings(photos: Path, /, **scene: Any) -> dict[str, Any]:
    return {"kind": "patch", "photos": str(photos), "places": 3, "share": 0.2} | scene


def scene_of(photos: Path, /, seed: int = 1, **scene: Any) -> Patch:
    made = assemble(Experiment.from_mapping({"seed": seed, "scene": settings(photos, **scene)})).scene
    assert isinstance(made, Patch)
    return made


def pictures(scene: Patch, n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, *scene.shape), dtype=np.uint8)


@pytest.mark.parametrize("form", ["disc", "square"])
def test_inputs_are_photographs_with_the_patch_at_every_place(tmp_path: Path, form: Any) -> None:
    scene = scene_of(write_photographs(tmp_path, 4), form=form, share=[0.05, 0.3], rotation=180)
    (picture,) = pictures(scene, 1)
    shown, originals = scene.shown(picture), scene.originals()
    assert len(shown) == len(originals) == len(scene.placements) == 12
    assert np.array_equal(originals[:4], originals[4:8]), "each photograph has several places"
    slow = [
        compose_slowly(place, form, picture, photo) for place, photo in zip(scene.placements, originals, strict=True)
    ]
    assert np.array_equal(shown, slow)
    assert np.array_equal(scene.shown(picture, [7, 0]), shown[[7, 0]])


def test_the_encoding_draws_a_square_as_large_as_the_largest_patch(tmp_path: Path) -> None:
    photos = write_photographs(tmp_path, 2)
    assert scene_of(photos, form="square", share=[0.1, 0.25]).shape == (1, 14, 14)
    parts = assemble(Experiment.from_mapping({"scene": settings(photos, form="square", share=0.25, rotation=0)}))
    assert parts.encoding.shape == (1, 14, 14)


def test_scores_are_log_odds_of_the_mean_probability_over_photographs_and_places(tmp_path: Path) -> None:
    scene = scene_of(write_photographs(tmp_path, 5), cells="all")
    assert scene.cells == (*map(str, range(10)), OTHER)
    some = pictures(scene, 4)
    for picture, row in zip(some, scene.score(some), strict=True):
        log_odds = scene.scorer.score(scene.shown(picture))
        assert np.allclose(probability(row[:10]), probability(log_odds).mean(axis=0), atol=1e-6)
        clean = scene.scorer.score(scene.originals()).argmax(axis=1)
        assert scene.report(picture)["fooling_rate"] == (log_odds.argmax(axis=1) != clean).mean()


def test_places_are_of_the_seed_and_in_the_record(tmp_path: Path) -> None:
    photos = write_photographs(tmp_path, 4)
    first, again, other = scene_of(photos), scene_of(photos), scene_of(photos, seed=2)
    assert first.placements == again.placements != other.placements
    assert first.record() == again.record() != other.record()
    assert first.record() != scene_of(photos, count=3).record()


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("search", SEARCHES)
def test_stopping_and_resuming_gives_the_bytes_of_one_go(tmp_path: Path, out: Path, encoding: str, search: str) -> None:
    photos = write_photographs(tmp_path, 3)
    experiment = small(encoding, generations=6, batch=8, search=SEARCHES[search], scene=settings(photos))
    whole = evolve(experiment, out=out)
    parts = resume(evolve(experiment, out=out, callbacks=[StopAt(3)]).path)
    assert digest(parts.store) == digest(whole.store)
    assert verify(parts).clean
    best = max(whole.elites, key=lambda elite: elite.log_odds)
    scene = scene_of(photos)
    assert np.isclose(scene.score(whole.image(best.class_index)[None])[0, best.class_index], best.log_odds, atol=1e-4)


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        ({"share": 0}, r"scene\.share = 0"),
        ({"share": 1.5}, r"scene\.share = 1\.5"),
        ({"share": [0.3, 0.1]}, r"scene\.share = \[0\.3, 0\.1\]: give \[least, largest\]"),
        ({"share": 0.9}, r"scene\.share = 0\.9: a disc of that share is 30 pixels wide"),
        ({"form": "star"}, r"scene\.form = 'star'"),
        ({"places": 0}, r"scene\.places = 0"),
        ({"rotation": 200}, r"scene\.rotation = 200"),
        ({"photos": None}, r"scene\.photos is missing"),
    ],
)
def test_unusable_settings_take_one_line(tmp_path: Path, scene: dict[str, Any], said: str) -> None:
    photos = write_photographs(tmp_path, 2)
    with pytest.raises(ConfigError, match=said) as error:
        scene_of(photos, **scene)
    assert "\n" not in str(error.value)
