"""Lines, families and histories agree with a plain walk over the tables, stop at gaps, and survive a hostile file."""

import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support import small

from evo_fool.errors import ConfigError, CorruptRunError, NotKeptError
from evo_fool.runs import Run, open_run
from evo_fool.runs.database_files import DATABASE
from evo_fool.runs.individuals import describe_genome, genome_of, image_of, picture_of
from evo_fool.runs.lineage import family, goal_switches, history, lineage
from evo_fool.session import evolve

Change = Callable[..., None]


@pytest.fixture
def copied(cppn_run: Path, tmp_path: Path) -> Path:
    """A run that may be changed."""
    return Path(shutil.copytree(cppn_run, tmp_path / "copied"))


def change(run: Path, sql: str, *parameters: object) -> None:
    with sqlite3.connect(run / DATABASE) as database:
        database.execute(sql, parameters)
    database.close()


@pytest.mark.parametrize("kind", ["cppn_run", "pixels_run"])
def test_the_line_is_the_first_parents(kind: str, request: pytest.FixtureRequest) -> None:
    with open_run(request.getfixturevalue(kind)) as run:
        rows = {row[0]: row[1:] for row in run.store.rows("SELECT id, generation, parent, operator FROM individuals")}
        longest = 0
        for elite in run.values():
            walk, at = [], elite.id
            while at is not None:
                walk.append(at)
                at = rows[at][1]
            line = lineage(run, elite.id)
            longest = max(longest, len(line))
            assert [ancestor.id for ancestor in line] == walk[::-1]
            assert [(a.generation, a.operator) for a in line] == [(rows[a.id][0], rows[a.id][2]) for a in line]
            assert line[0].parents == () and line[0].operator == "random"
            assert elite.class_index in line[-1].holds
            assert all(ancestor.kept for ancestor in line)  # retention.keep = lineage
        assert longest > 2


def test_holds_are_all_captures_of_an_individual(cppn_run: Path) -> None:
    with open_run(cppn_run) as run:
        captures = run.captures
        everybody = family(run, {elite.id for elite in run.values()})
        for member in everybody:
            assert member.holds == tuple(sorted(captures["class"][captures["id"] == member.id].tolist()))


def test_a_family_has_both_parents_and_is_limited_to_the_youngest(tmp_path: Path) -> None:
    crossing = small("pixels").with_overrides(["encoding.crossover=0.9"])
    with evolve(crossing, out=tmp_path) as run:
        rows = run.store.rows("SELECT id, parent, second_parent FROM individuals")
        parents = {id: {p for p in pair if p is not None} for id, *pair in rows}
        asked = {run[cls].id for cls in (1, 4)}
        expected, new = set(asked), set(asked)
        while new:
            new = set().union(*(parents[id] for id in new)) - expected
            expected |= new
        members = family(run, asked)
        assert [member.id for member in members] == sorted(expected)
        assert any(len(member.parents) == 2 for member in members)
        assert [member.id for member in family(run, asked, limit=5)] == sorted(expected)[-5:]
        assert {member.id for member in family(run, asked, limit=1)} == asked


def test_a_history_is_the_captures_of_its_class(cppn_run: Path) -> None:
    with open_run(cppn_run) as run:
        captures = run.captures
        for cls in run:
            rows = history(run, cls)
            mine = captures[captures["class"] == cls]
            fields = [(r.generation, cls, r.id, -1 if r.previous is None else r.previous, r.log_odds) for r in rows]
            assert fields == mine.tolist()
            assert rows[-1].id == run[cls].id and rows[-1].probability == run[cls].probability and rows[-1].kept
            kept = {row[0] for row in run.store.rows("SELECT id FROM blobs")}
            assert [row.kept for row in rows] == [row.id in kept for row in rows]
        with pytest.raises(KeyError, match="no such class"):
            history(run, "unicorn")


def test_a_class_that_nobody_holds_has_no_history(copied: Path) -> None:
    change(copied, "DELETE FROM captures WHERE class = 4")
    with open_run(copied) as run:
        assert history(run, 4) == []


def test_goal_switches_are_steps_between_classes(cppn_run: Path) -> None:
    with open_run(cppn_run) as run:
        switches = 0
        for elite in run.values():
            line = lineage(run, elite.id)
            for before, after in goal_switches(line):
                switches += 1
                assert before.id in after.parents
                assert not set(before.holds) & set(after.holds)
        assert switches > 0


def test_a_population_of_one_class(tmp_path: Path) -> None:
    search = {"kind": "genetic", "target": 3}
    with evolve(small("pixels", generations=6, search=search), out=tmp_path) as run:
        line = lineage(run, run[3].id)
        assert line[-1].holds == (3,)
        assert goal_switches(line) == []
        assert [a.id for a in line] == sorted(a.id for a in line)


def test_a_line_begins_after_a_gap(copied: Path) -> None:
    with open_run(copied) as run:
        elite = max(run.values(), key=lambda elite: len(lineage(run, elite.id)))
        line = lineage(run, elite.id)
        change(copied, "DELETE FROM individuals WHERE id = ?", line[0].id)
        assert lineage(run, elite.id) == line[1:]
        assert line[1].parents == (line[0].id,)


def test_a_circle_ends(copied: Path) -> None:
    with open_run(copied) as run:
        elite = max(run.values(), key=lambda elite: len(lineage(run, elite.id)))
        line = lineage(run, elite.id)
        change(copied, "UPDATE individuals SET parent = ?, second_parent = id WHERE id = ?", elite.id, line[0].id)
        assert [a.id for a in lineage(run, elite.id)] == [a.id for a in line]
        assert [a.id for a in family(run, [elite.id])] == [a.id for a in line]


@pytest.mark.parametrize("id", [-1, 10**6, 2**63, 10**30])
def test_nobody_is_a_key_error(cppn_run: Path, id: int) -> None:
    with open_run(cppn_run) as run:
        for ask in (lineage, lambda run, id: family(run, [id])):
            with pytest.raises(KeyError, match="no record of such an individual"):
                ask(run, id)
        with pytest.raises(NotKeptError, match=r"is not kept; see retention\.keep"):
            image_of(run, id)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE captures SET class = 77 WHERE class = 3",
        "UPDATE individuals SET operator = x'00'",
        "UPDATE individuals SET second_parent = 'me'",
        "UPDATE individuals SET generation = 'soon'",
    ],
)
def test_damage_is_told(copied: Path, sql: str) -> None:
    change(copied, sql)
    with open_run(copied) as run, pytest.raises(CorruptRunError):
        lineage(run, run[3].id)


def test_a_history_with_text_in_it_is_damage(copied: Path) -> None:
    change(copied, "UPDATE captures SET previous = 'me'")
    with open_run(copied) as run, pytest.raises(CorruptRunError, match="instead of a whole number"):
        history(run, 3)


def test_individuals_are_elites_by_their_ids(cppn_run: Path) -> None:
    with open_run(cppn_run) as run:
        for cls, elite in run.items():
            assert np.array_equal(image_of(run, elite.id), run.image(cls))
            assert genome_of(run, elite.id).nodes.keys() == run.genome(cls).nodes.keys()
            assert describe_genome(run, elite.id)["kind"] == "cppn"
            assert np.array_equal(picture_of(run, elite.id, 28), run.image(cls))
            assert np.array_equal(picture_of(run, elite.id, 64), run.render(cls, 64))
            enlarged = picture_of(run, elite.id, 56, rerender=False)
            assert np.array_equal(enlarged, run.image(cls).repeat(2, axis=1).repeat(2, axis=2))
        with pytest.raises(ConfigError, match="size 0"):
            picture_of(run, run[0].id, 0)


def test_damaged_blobs_are_damage(copied: Path) -> None:
    change(copied, "UPDATE blobs SET genome = x'00', image = 'text'")
    with open_run(copied) as run:
        for ask in (genome_of, image_of):
            with pytest.raises(CorruptRunError):
                ask(run, run[0].id)


@pytest.mark.alone
def test_five_thousand_generations_are_a_moment(copied: Path) -> None:
    """A line of 5000, each of whom took one class of 50000 captures, and that class's history."""
    generations, width = 5000, 20
    digest = bytes(32)
    with sqlite3.connect(copied / DATABASE) as database:
        for table in ("individuals", "captures", "metrics", "cells"):
            database.execute(f"DELETE FROM {table}")
        rows = ((g * width + i, g, (g - 1) * width if g else None) for g in range(generations) for i in range(width))
        database.executemany(
            "INSERT INTO individuals VALUES (?, ?, ?, NULL, 'mutation', 1, ?, ?, x'')",
            ((*row, digest, digest) for row in rows),
        )
        database.executemany(
            "INSERT INTO captures VALUES (?, ?, ?, NULL, 0.5)",
            ((g, c, g * width + c) for g in range(generations) for c in range(10)),
        )
        columns = len(database.execute("SELECT * FROM pragma_table_info('metrics')").fetchall())
        database.executemany(
            f"INSERT INTO metrics VALUES ({', '.join('?' * columns)})",
            ((g, *[0] * (columns - 1)) for g in range(generations)),
        )
    database.close()
    with open_run(copied) as run:
        seconds = _seconds(lambda run: lineage(run, (generations - 1) * width), run, generations)
        assert seconds < 1
        assert _seconds(lambda run: history(run, 3), run, generations) < 1


def _seconds(ask: Callable[[Run], list[object]], run: Run, expected: int) -> float:
    began = time.perf_counter()
    assert len(ask(run)) == expected
    return time.perf_counter() - began
