"""The archive of any generation equals what the captures say one by one, wherever notes happen to be."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from support import change

from evo_fool.errors import ConfigError, CorruptRunError
from evo_fool.evolution.archive import EMPTY
from evo_fool.runs import Run, open_run
from evo_fool.runs.history import Archive, Timeline, archive_at


def by_hand(run: Run, generation: int) -> dict[int, tuple[int, int, float]]:
    held = {}
    for at, cls, id, _, log_odds in run.captures.tolist():
        if at <= generation:
            held[cls] = (id, at, log_odds)
    return held


def told(archive: Archive) -> dict[int, tuple[int, int, float]]:
    columns = (archive.ids.tolist(), archive.generations.tolist(), archive.log_odds.tolist())
    return {cls: held for cls, held in enumerate(zip(*columns, strict=True)) if held[0] != EMPTY}


@pytest.mark.parametrize("spacing", [1, 7, 25, 10**6])
@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize("order", ["forwards", "backwards", "mixed"])
def test_every_generation(pixels_run: Path, spacing: int, ahead: bool, order: str) -> None:
    with open_run(pixels_run) as run:
        generations = list(range(-1, run.generation + 1))
        if order == "backwards":
            generations.reverse()
        if order == "mixed":
            np.random.default_rng(1).shuffle(generations)
        timeline = Timeline(len(run.classes), spacing)
        if ahead:
            timeline.read(run)
        for generation in [*generations, *generations]:
            assert told(timeline.at(run, generation)) == by_hand(run, generation)
        assert told(Archive.current(run)) == by_hand(run, run.generation)


def test_the_archive_as_elites(pixels_run: Path) -> None:
    with open_run(pixels_run) as run:
        for generation in range(run.generation + 1):
            elites = archive_at(run, generation)
            held = {elite.class_index: (elite.id, elite.generation, elite.log_odds) for elite in elites}
            assert held == by_hand(run, generation)
        assert archive_at(run, run.generation) == run.elites
        for generation in (-1, run.generation + 1):
            with pytest.raises(ConfigError, match=f"--generation {generation}"):
                archive_at(run, generation)


def test_notes_stay_within_bounds(pixels_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evo_fool.runs.history._NOTES", 2)
    with open_run(pixels_run) as run:
        timeline = Timeline(len(run.classes), 1)
        for generation in range(run.generation + 1):
            assert told(timeline.at(run, generation)) == by_hand(run, generation)
        assert len(timeline._notes) <= 4


@pytest.mark.parametrize(
    "damage",
    ["id = 'me'", "id = -1", "id = 0.5", "log_odds = x'00'", "class = class + 90", "id = 9007199254740993"],
)
def test_damaged_captures_are_damage(pixels_run: Path, tmp_path: Path, damage: str) -> None:
    path = Path(shutil.copytree(pixels_run, tmp_path / "pixels"))
    change(path, f"UPDATE captures SET {damage} WHERE generation = 4")
    with open_run(path) as run:
        timeline = Timeline(len(run.classes))
        assert told(timeline.at(run, 3)) == by_hand_until(run, 3)
        with pytest.raises(CorruptRunError, match=r"instead of a|is not one of the 10 classes"):
            timeline.at(run, 4)


def by_hand_until(run: Run, generation: int) -> dict[int, tuple[int, int, float]]:
    rows = run.store.rows(
        "SELECT generation, class, id, log_odds FROM captures WHERE generation <= ? ORDER BY generation", (generation,)
    )
    return {cls: (id, at, log_odds) for at, cls, id, log_odds in rows}
