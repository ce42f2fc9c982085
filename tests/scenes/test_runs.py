"""Runs over photographs: the same bytes whatever happens to them, and no other photographs than their own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import change, small, write_photographs

from evo_fool.errors import ConfigError, CorruptRunError
from evo_fool.experiment import Experiment
from evo_fool.runs import digest, open_run, verify
from evo_fool.runs.scenes import PHOTOS, scene_of
from evo_fool.scenes.perturbation import OTHER
from evo_fool.session import Progress, evolve, resume

CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("pixels", {}, {}),
    ("cppn", {}, {"racing": "exact", "cells": "other", "amplitude": "sign"}),
    ("pixels", {"search": {"kind": "genetic", "target": "other", "variation": "or"}}, {"cells": ["3", "other"]}),
    ("pixels", {"scoring": {"precision": "bfloat16"}}, {"norm": "l2", "epsilon": 900}),
    ("pixels", {"encoding": {"kind": "pixels", "size": 14}}, {"racing": "none", "count": 1, "cells": ["7"]}),
    ("pixels", {"search": {"kind": "map_elites", "insertion": "argmax"}}, {}),
]


def over(photos: Path, kind: str = "pixels", scene: dict[str, Any] | None = None, **changes: Any) -> Experiment:
    settings = {"kind": "perturbation", "photos": str(photos), "epsilon": 60} | (scene or {})
    return small(kind, **{"generations": 8, "scene": settings} | changes)


def stop(progress: Progress) -> str:
    return "ctrl-c" if progress.generation % 3 == 2 else ""


@pytest.mark.parametrize(("kind", "changes", "scene"), CASES)
def test_stopped_and_resumed_it_is_the_run_of_one_go(
    kind: str, changes: dict[str, Any], scene: dict[str, Any], tmp_path: Path
) -> None:
    experiment = over(write_photographs(tmp_path, 9), kind, scene, **changes)
    whole = evolve(experiment, out=tmp_path)
    parts = evolve(experiment, out=tmp_path, callbacks=[stop])
    while parts.status != "finished":
        parts = resume(parts.path, callbacks=[stop])
    assert digest(parts.store) == digest(whole.store)
    found = verify(parts)
    assert found.clean
    assert found.cells >= len(parts) > 0


def test_a_run_names_its_cells_and_rebuilds_its_scene(tmp_path: Path) -> None:
    run = evolve(over(write_photographs(tmp_path, 5)), out=tmp_path)
    assert run.classes == (*map(str, range(10)), OTHER)
    assert run["other"].class_name == OTHER
    picture, scene = run.image("other"), run.scene
    assert np.isclose(scene.score(picture[None])[0, 10], run["other"].log_odds, atol=1e-4)
    assert scene.shown(picture).shape == (5, 1, 28, 28)
    assert 0 <= scene.report(picture)["fooling_rate"] <= 1
    assert scene.report(picture)["photographs"] == 5


def test_a_search_over_photographs_fools_more_than_noise(tmp_path: Path) -> None:
    photos = write_photographs(tmp_path, 12)
    settings: dict[str, Any] = {"cells": "other", "amplitude": "sign", "epsilon": 70}
    run = evolve(over(photos, scene=settings, generations=60, encoding={"kind": "pixels", "size": 7}), out=tmp_path)
    scores = [value for *_, value in run.captures.tolist()]
    assert scores == sorted(scores)
    assert scores[-1] > scores[0] + 0.5


def test_resume_and_verify_refuse_other_photographs(tmp_path: Path) -> None:
    photos = write_photographs(tmp_path, 5)
    run = evolve(over(photos), out=tmp_path)
    moved = photos.rename(tmp_path / "moved.npz")
    for act in (lambda: resume(run.path, generations=9), lambda: verify(run)):
        with pytest.raises(ConfigError, match="No such file"):
            act()
    other = write_photographs(tmp_path, 6)
    for act in (lambda: resume(run.path, generations=9), lambda: verify(run), lambda: scene_of(run)):
        with pytest.raises(ConfigError, match=r"made with other photographs \(photographs 5, now 6\)"):
            act()
    assert verify(run, photos=moved).clean
    assert scene_of(run, photos=moved).k == 5  # type: ignore[attr-defined]
    with resume(run.path, generations=9, photos=moved) as longer:
        assert longer.generation == 9
        assert longer.experiment.scene.photos == str(moved)  # type: ignore[union-attr]
    other.unlink()
    assert verify(open_run(run.path)).clean


def test_a_run_that_keeps_its_photographs_needs_no_others(tmp_path: Path) -> None:
    photos = write_photographs(tmp_path, 9)
    experiment = over(photos, scene={"count": 4, "between": [1, 8]})
    whole = evolve(experiment, out=tmp_path)
    run = evolve(experiment, out=tmp_path, callbacks=[stop], keep_photos=True)
    photos.unlink()
    assert (run.path / PHOTOS).is_file()
    run = resume(run.path)
    assert digest(run.store) == digest(whole.store)
    assert verify(run).clean
    with np.load(run.path / PHOTOS) as kept:
        np.savez(run.path / PHOTOS, images=255 - kept["images"], labels=kept["labels"])
    with pytest.raises(ConfigError, match="other photographs"):
        verify(run)


def test_only_a_scene_with_photographs_can_keep_them(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--keep-photos"):
        evolve(small(), out=tmp_path / "runs", keep_photos=True)
    assert not list((tmp_path / "runs").iterdir())
    run = evolve(small(generations=1), out=tmp_path)
    with pytest.raises(ConfigError, match="--photos"):
        resume(run.path, photos=tmp_path)


def test_a_kept_copy_that_unpacks_to_too_much_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = evolve(over(write_photographs(tmp_path, 3), generations=1), out=tmp_path, keep_photos=True)
    monkeypatch.setattr("evo_fool.scenes.perturbation.KEPT", 1000)
    with pytest.raises(ConfigError, match=r"photos\.npz: unpacks to"):
        scene_of(run)


@pytest.mark.parametrize("record", ["[", '{"photographs": "many"}', '{"photographs": 0}', '{"photographs": true}'])
def test_a_damaged_record_of_the_scene_is_reported(tmp_path: Path, record: str) -> None:
    run = evolve(over(write_photographs(tmp_path, 3)), out=tmp_path)
    change(run.path, f"UPDATE meta SET value = '{record}' WHERE key = 'scene'", reseal=True)
    with pytest.raises(CorruptRunError, match="scene"):
        resume(run.path, generations=9)


def test_a_run_alone_records_no_scene_and_older_records_still_open(tmp_path: Path) -> None:
    run = evolve(small(generations=2), out=tmp_path)
    assert "scene" not in run.meta
    before = digest(run.store)
    change(
        run.path,
        "UPDATE meta SET value = json_remove(value, '$.scene') WHERE key = 'experiment'",
        reseal=True,
    )
    old = open_run(run.path)
    assert old.experiment == run.experiment
    assert verify(old).clean
    assert digest(old.store) == before
    assert resume(old.path, generations=3).generation == 3
