"""Goal switches of a run of planted captures, and the study of the smallest budget."""

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evo_fool.runs import open_run
from evo_fool.runs.database_files import DATABASE
from evo_fool.studies import study_of
from evo_fool.studies.context import Context
from evo_fool.studies.imagenet_runs import imagenet_run
from evo_fool.studies.searches.measure import confidence_after, imagenet_duels
from evo_fool.studies.switching.measure import shares, switching


@pytest.fixture
def planted(cppn_run: Path, tmp_path: Path) -> Path:
    """Id 0 begins with classes 0 and 1; its child 1 takes 1 and 2; its child 2 takes 3; 1's child 3 takes 2 again."""
    path = Path(shutil.copytree(cppn_run, tmp_path / "planted"))
    with sqlite3.connect(path / DATABASE) as database:
        for table in ("individuals", "captures", "cells"):
            database.execute(f"DELETE FROM {table}")
        for id, generation, parent in ((0, 0, None), (1, 1, 0), (2, 1, 0), (3, 2, 1)):
            values = (id, generation, parent, "random" if parent is None else "mutation")
            database.execute("INSERT INTO individuals VALUES (?, ?, ?, NULL, ?, 1, x'', x'', x'')", values)
        captures = ((0, 0, 0, None), (0, 1, 0, None), (1, 1, 1, 0), (1, 2, 1, None), (1, 3, 2, None), (2, 2, 3, 1))
        for generation, cls, id, previous in captures:
            database.execute("INSERT INTO captures VALUES (?, ?, ?, ?, 1.0)", (generation, cls, id, previous))
        for cls, id, generation in ((0, 0, 0), (1, 1, 1), (2, 3, 2), (3, 2, 1)):
            database.execute("INSERT INTO cells VALUES (?, ?, 1.0, ?)", (cls, id, generation))
    database.close()
    return path


def test_planted_switches_are_counted(planted: Path) -> None:
    with open_run(planted) as run:
        found = switching(run)
    assert found["captures"] == 4  # of 1, 2, 3 and 2 again; the initial image took its own from no other
    assert found["switches"] == 2  # 2 and 3: their parent held 0 and 1
    assert shares(found) == {"share": 0.5, "elite_share": 0.25, "line_share": 0.25}
    assert found["elites"] == 4
    assert found["switched_elites"] == 1  # 3; the elite of 2 has a parent that held it
    assert found["switched_lines"] == 1
    expected = np.zeros((10, 10))
    expected[[0, 1], 2] = expected[[0, 1], 3] = 0.5
    assert np.array_equal(found["steps"], expected)
    assert found["line"] == 1.0


def test_a_class_that_the_second_parent_held_is_no_goal_switch(planted: Path) -> None:
    with sqlite3.connect(planted / DATABASE) as database:
        database.execute("UPDATE individuals SET parent = 2, second_parent = 1 WHERE id = 3")
    database.close()
    with open_run(planted) as run:
        found = switching(run)
    assert found["switches"] == 2  # not the third capture of 2, which was taken from id 1, its own second parent
    assert found["switched_elites"] == 1


def test_confidence_after_some_images_is_that_of_the_elite_then(planted: Path) -> None:
    with open_run(planted) as run:
        after = run.metrics["evaluations"].tolist()
        assert confidence_after(run, 3, after[0] - 1) == confidence_after(run, 3, after[0]) == 0
        assert confidence_after(run, 3, after[1]) == pytest.approx(1 / (1 + np.exp(-1)))


def test_captures_of_a_real_run_add_up(cppn_run: Path) -> None:
    with open_run(cppn_run) as run:
        found = switching(run)
        assert 0 < found["captures"] < len(run.captures)
        assert found["steps"].sum() == pytest.approx(found["switches"])
        assert np.all(np.diag(found["steps"]) == 0)


def test_duels_compare_one_class_by_itself_with_the_run_for_all(stand_in: Any) -> None:
    weights = Path("squeezenet1_1.pt")
    found = imagenet_duels(stand_in, "squeezenet1_1", weights)
    assert found["network"] == "squeezenet1_1"
    (preset, settings) = next(pair for pair in stand_in.asked if pair[0] == "imagenet-ga")
    wanted = {"search.target": 0, "classifier.spec": "torchvision:squeezenet1_1", "classifier.weights": str(weights)}
    assert wanted.items() <= settings.items()
    with (
        imagenet_run(stand_in, "squeezenet1_1", weights, "cppn", 1) as everything,
        stand_in.run(stand_in.experiment(preset, settings)) as one,
    ):
        first, images = (int(one.metrics["evaluations"][i]) for i in (0, -1))
        assert found["images"] == [first, images, int(everything.metrics["evaluations"][-1])]
        assert first < images < found["images"][2]
        (duel,) = found["duels"]
        assert duel["name"] == "ant"
        assert duel["genetic"] == pytest.approx(one[0].probability)
        assert duel["map_elites"] == pytest.approx(everything[0].probability)
        for run, generation, key in ((one, 0, "genetic_start"), (everything, images // 32 - 1, "map_elites_then")):
            captures = run.captures
            rows = captures[(captures["class"] == 0) & (captures["generation"] <= generation)]
            assert duel[key] == pytest.approx(1 / (1 + np.exp(-rows["log_odds"][-1])))
        switches = switching(everything)
    assert "steps" not in found["switching"]  # a thousand by a thousand numbers
    assert found["switching"] == {key: value for key, value in switches.items() if key != "steps"}


def test_the_page(small_reproduction: Context) -> None:
    page = study_of("searches").section(small_reproduction)
    assert page.verdict == "new"
    assert [picture.name for picture in page.pictures] == ["median", "steps"]
    assert {"pixels", "cppn"} == set(page.data)
    (row,) = [row for row in page.rows if row.what == "direct, genetic algorithm: median over digits"]
    assert "4,200 images a run" in row.note
