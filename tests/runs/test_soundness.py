"""What ``verify`` finds and ``resume`` refuses: rows, genomes, names and numbers that are not what was written."""

import functools
import json
import resource
import shutil
import sqlite3
import time
from collections.abc import Callable
from itertools import repeat
from pathlib import Path

import pytest
from support import change, small

from evo_fool.cli.main import main
from evo_fool.errors import CorruptRunError, EvoFoolError
from evo_fool.runs import digest, open_run, verify
from evo_fool.runs.database_files import DATABASE
from evo_fool.runs.history import operator_choices
from evo_fool.runs.schema import FORMAT
from evo_fool.runs.seals import Seals, take_seals
from evo_fool.session import evolve, resume

Tamper = Callable[..., Path]


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    out = tmp_path_factory.mktemp("soundness")
    genetic = small("pixels", generations=20, search={"kind": "genetic", "crossover": 0.5})
    return {"cppn": evolve(small(generations=4), out=out).path, "genetic": evolve(genetic, out=out).path}


@pytest.fixture(params=["cppn", "genetic"])
def victim(request: pytest.FixtureRequest, originals: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(originals[request.param], tmp_path / "run"))


@pytest.fixture
def tamper(victim: Path) -> Tamper:
    return functools.partial(change, victim)


def damage(path: Path) -> list[str]:
    with open_run(path) as run:
        return verify(run).damage


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE cells SET log_odds = log_odds + 1e-12 WHERE class = 3", "cells"),
        ("UPDATE captures SET log_odds = log_odds - 1e-12 WHERE generation = 0", "captures"),
        ("UPDATE individuals SET operator = 'miracle' WHERE id = (SELECT min(id) FROM individuals)", "individuals"),
        ("UPDATE individuals SET parent = NULL", "individuals"),
        ("UPDATE metrics SET seconds = seconds + 1 WHERE generation = 1", "metrics"),
        ("UPDATE progress SET seconds = 0", "progress"),
        ("UPDATE meta SET value = 'another' WHERE key = 'name'", "meta"),
        ("DELETE FROM blobs WHERE id = (SELECT min(id) FROM blobs)", "blobs"),
        ("UPDATE seals SET sum = zeroblob(32) WHERE name = 'captures'", "captures"),
        ("DELETE FROM seals WHERE name = 'metrics'", "metrics"),
    ],
)
def test_a_row_that_is_not_the_one_that_was_written_is_named(statement: str, table: str, tamper: Tamper) -> None:
    path = tamper(statement)
    assert f"the rows of {table} are not those that were written" in damage(path)
    with pytest.raises(CorruptRunError, match=f"rows of {table}"):
        resume(path, generations=30)


def test_members_of_populations_are_sealed_and_scored_again(originals: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copytree(originals["genetic"], tmp_path / "run"))
    change(path, "UPDATE members SET log_odds = log_odds + 1")
    assert "the rows of members are not those that were written" in damage(path)
    change(path, reseal=True)  # as a careful forger would
    with open_run(path) as run:
        found = verify(run)
    assert not found.damage
    assert found.deviations


def test_a_changed_genome_is_refused_by_resume(victim: Path) -> None:
    with sqlite3.connect(victim / DATABASE) as database:
        (id, genome) = database.execute("SELECT id, genome FROM blobs WHERE id IN (SELECT id FROM cells)").fetchone()
        database.execute("UPDATE blobs SET genome = ? WHERE id = ?", (genome[:-1] + bytes([genome[-1] ^ 4]), id))
    database.close()
    assert f"individual {id}: its genome is not the one that was scored" in damage(victim)
    with pytest.raises(CorruptRunError, match=f"genome of individual {id}"):
        resume(victim, generations=30)


def test_exchanged_class_names_are_damage_and_refused(tamper: Tamper) -> None:
    names = json.dumps([str(digit) for digit in range(9, -1, -1)])
    path = tamper("UPDATE meta SET value = ? WHERE key = 'classes'", parameters=(names,), reseal=True)
    assert "class 0 is '9' in the run and '0' in its classifier" in damage(path)
    with pytest.raises(CorruptRunError, match="class 0 is '9'"):
        resume(path, generations=30)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE progress SET generation = 100000000",
        "UPDATE progress SET generation = 2000000000",
        "UPDATE progress SET generation = -4",
        "UPDATE progress SET evaluations = -1",
        "UPDATE progress SET seconds = 9e999",
        "UPDATE progress SET generation = 9000000",
        "UPDATE captures SET class = 9223372036854775807 WHERE generation = 0 AND class = 0",
        "UPDATE captures SET previous = 9e999",
        "UPDATE captures SET generation = -1e308 WHERE generation = 0 AND class = 0",
        "UPDATE captures SET id = 9223372036854775807",
        "UPDATE metrics SET evaluations = -9223372036854775808",
        "UPDATE individuals SET generation = 9e999",
        "UPDATE individuals SET parent = -1",
        "UPDATE cells SET id = -5",
        "UPDATE metrics SET captures = 1e308",
    ],
)
def test_absurd_numbers_cost_neither_memory_nor_time(
    statement: str, tamper: Tamper, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tamper(statement, reseal=True)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    codes = {}
    for verb in (["verify"], ["resume", "--generations", "30"], ["show"], ["show", "3"], ["digest"], ["sheet"]):
        codes[verb[0]] = main([verb[0], str(path), *verb[1:]])
        error = capsys.readouterr().err
        assert "unexpected" not in error, error
    assert codes["verify"] == codes["resume"] == 5
    assert time.process_time() - began < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000


def test_seals_follow_every_commit_extension_and_stop(originals: dict[str, Path], tmp_path: Path) -> None:
    for source in originals.values():
        path = Path(shutil.copytree(source, tmp_path / source.name))
        for generations, wishes in ((22, iter(["", "ctrl-c"])), (24, repeat(""))):
            resume(path, generations=generations, callbacks=[lambda progress, wishes=wishes: next(wishes)]).close()
            written = Seals()
            with sqlite3.connect(path / DATABASE) as database:
                written.load(database.execute("SELECT name, rows, sum FROM seals"))
                assert not written.differing(take_seals(database))
            database.close()
        assert not damage(path)


_TO_2 = ("DROP TABLE choices", "DELETE FROM seals WHERE name = 'choices'", "PRAGMA user_version = 2")
_TO_1 = (*_TO_2, "DROP TABLE seals", "ALTER TABLE individuals DROP COLUMN packed_sha256", "PRAGMA user_version = 1")


@pytest.mark.parametrize(("version", "statements"), [(1, _TO_1), (2, _TO_2)])
def test_a_run_of_an_earlier_format_opens_verifies_and_resumes(
    version: int, statements: tuple[str, ...], victim: Path, tmp_path: Path, originals: dict[str, Path]
) -> None:
    with open_run(victim) as run:
        expected = resume(Path(shutil.copytree(victim, tmp_path / "new")), generations=run.generation + 3)
    old = change(victim, *statements)
    with open_run(old) as run:
        assert run.store.format == version
        assert operator_choices(run) == {}
        found = verify(run)
        assert found.clean
        assert found.sealed == (version > 1)
        generation = run.generation
    with resume(old, generations=generation + 3) as run:
        assert digest(run.store) == digest(expected.store)
        assert run.store.format == FORMAT
        found = verify(run)
        assert found.clean
        assert found.sealed


def test_a_setting_that_had_no_effect_does_not_close_an_old_run(tmp_path: Path) -> None:
    path = evolve(small(generations=2, search={"kind": "random"}), out=tmp_path).path
    with open_run(path) as run:
        recorded = run.experiment.model_dump(mode="json")
        expected = digest(run.store)
    recorded["encoding"]["crossover"] = 0.5
    sql = "UPDATE meta SET value = ? WHERE key = 'experiment'"
    change(path, sql, parameters=(json.dumps(recorded),), reseal=True)
    with open_run(path) as run:
        assert run.experiment.encoding.crossover == 0
        assert verify(run).clean
    with resume(path) as run:
        assert digest(run.store) == expected


def test_formats_that_never_were_are_refused(tamper: Tamper) -> None:
    for version in (0, -1, FORMAT + 1, FORMAT + 8):
        with pytest.raises(CorruptRunError, match="format"):
            open_run(tamper(f"PRAGMA user_version = {version}"))


def test_two_writers_are_told_apart_from_damage(originals: dict[str, Path], tmp_path: Path) -> None:
    from evo_fool.errors import RunLockedError
    from evo_fool.runs.store import Store

    path = Path(shutil.copytree(originals["cppn"], tmp_path / "run"))
    one, other = Store(path), Store(path)
    try:
        other.set_meta("name", "other")
        with pytest.raises(RunLockedError, match=r"run\.lock"):
            one.set_meta("name", "one")
    finally:
        other.close()
        one.finish()
    with open_run(path) as run:
        assert verify(run).clean
        assert run.meta["name"] == "other"


def test_a_broken_run_leaves_no_temporary_files(victim: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    change(victim, "PRAGMA journal_mode = WAL")
    change(victim, "CREATE VIEW v AS SELECT 1")
    with pytest.raises(EvoFoolError):
        open_run(victim)
    assert not list(temporary.iterdir())


def test_a_run_that_took_no_time_is_listed(victim: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(victim, "UPDATE progress SET seconds = 1e-320", reseal=True)
    assert main(["ls", str(victim.parent)]) == main(["show", str(victim)]) == 0
    assert "unexpected" not in capsys.readouterr().err
