"""A run directory made by a hostile hand, or damaged: one clear error, never a crash, never code executed."""

import contextlib
import functools
import json
import os
import random
import shutil
import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from support import change, small

from evo_fool.errors import ConfigError, CorruptRunError, EvoFoolError
from evo_fool.runs import digest, open_run, verify
from evo_fool.runs.database_files import DATABASE
from evo_fool.runs.lock import LOCK_NAME, is_locked
from evo_fool.runs.schema import FORMAT
from evo_fool.session import evolve, resume


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = evolve(small(generations=4), out=tmp_path_factory.mktemp("hostile"))
    run.close()
    return run.path


@pytest.fixture
def victim(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "run"))


@pytest.fixture
def tamper(victim: Path) -> Callable[..., Path]:
    return functools.partial(change, victim)


def read_everything(path: Path) -> None:
    """What a curious user does with a run that a stranger sent."""
    with open_run(path) as run:
        run.summary()
        digest(run.store)
        _ = run.metrics, run.captures, run.environment
        for elite in run.elites:
            run.image(elite.class_index)
            run.genome(elite.class_index)
            run.render(elite.class_index, 16)


def test_the_original_is_fine(victim: Path) -> None:
    read_everything(victim)
    with open_run(victim) as run:
        assert verify(run).clean


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (f"PRAGMA user_version = {FORMAT + 1}", "upgrade"),
        ("PRAGMA application_id = 7", "not an evo-fool run"),
        ("CREATE TRIGGER t AFTER INSERT ON metrics BEGIN DELETE FROM cells; END", "tampered"),
        ("CREATE TRIGGER sqliteXt AFTER UPDATE ON progress BEGIN DELETE FROM captures; END", "tampered"),
        ("CREATE TRIGGER progress AFTER UPDATE ON progress BEGIN DELETE FROM captures; END", "tampered"),
        ("CREATE VIEW v AS SELECT 1", "tampered"),
        ("DROP TABLE members", "tampered"),
        ("ALTER TABLE cells ADD COLUMN extra", "tampered"),
        ("UPDATE meta SET value = '[3, 100000, 100000]' WHERE key = 'image_shape'", "not the shape"),
        ("UPDATE meta SET value = '{' WHERE key = 'image_shape'", "not valid JSON"),
        ("UPDATE meta SET value = '[[[1]]]' WHERE key = 'classes'", "class names"),
        ("INSERT INTO meta VALUES ('class_aliases', '[[\"one too few\"]]')", "class aliases"),
        ("INSERT INTO meta VALUES ('class_aliases', '[0,1,2,3,4,5,6,7,8,9]')", "class aliases"),
        ("INSERT INTO meta VALUES ('class_aliases', '[[],[],[],[],[],[],[],[],[],[9]]')", "class aliases"),
        ("UPDATE meta SET value = '{\"batch\": -1}' WHERE key = 'experiment'", "batch = -1"),
        ("UPDATE meta SET value = 'null' WHERE key = 'experiment'", "not readable"),
        ("DELETE FROM meta WHERE key = 'experiment'", "not readable"),
        ("UPDATE meta SET value = '7' WHERE key = 'environment'", "not readable"),
        ("DELETE FROM progress", "no valid checkpoint"),
        ("UPDATE progress SET evaluations = 'many'", "no valid checkpoint"),
        ("UPDATE cells SET class = class + 1000", "not one of the 10 classes"),
        ("UPDATE cells SET log_odds = 'inf'", "instead of a number"),
        ("DELETE FROM blobs", "not kept"),
        ("UPDATE blobs SET image = 'text'", "instead of bytes"),
        ("UPDATE blobs SET image = x'00'", "does not hold 784"),
        ("UPDATE blobs SET genome = x'00ff'", "."),
        ("UPDATE blobs SET genome = zeroblob(100000)", "."),
    ],
)
def test_edits_are_found_out(statement: str, message: str, tamper: Callable[..., Path]) -> None:
    path = tamper(statement)
    with pytest.raises(EvoFoolError, match=message) as caught:
        read_everything(path)
    assert caught.value.exit_code == 5
    assert "\n" not in str(caught.value)
    with contextlib.suppress(EvoFoolError):  # resuming needs neither images nor environment, and may succeed
        resume(path, generations=6)


def test_a_decompression_bomb_is_not_unpacked(tamper: Callable[..., Path]) -> None:
    bomb = b"\x01" + zlib.compress(bytes(200_000_000), 9)
    path = tamper("UPDATE blobs SET image = ?", parameters=(bomb,))
    with open_run(path) as run, pytest.raises(CorruptRunError, match="does not hold 784"):
        run.image(0)


def test_a_pixel_changed_behind_our_back_is_reported(tamper: Callable[..., Path]) -> None:
    path = tamper("UPDATE blobs SET image = ?", parameters=(bytes(785),))
    with open_run(path) as run:
        found = verify(run)
    assert any("image is not the one that was scored" in damage for damage in found.damage)


def test_a_better_score_written_in_by_hand_is_reported(tamper: Callable[..., Path]) -> None:
    path = tamper(
        "UPDATE cells SET log_odds = 30.0 WHERE class = 3", "UPDATE captures SET log_odds = 30.0 WHERE class = 3"
    )
    with open_run(path) as run:
        found = verify(run)
    assert not found.clean
    assert any("class 3" in line for line in found.damage + found.deviations)


@pytest.mark.parametrize("spec", ["import:os:getcwd", "{folder}/evil.py:build"])
def test_code_named_by_a_run_is_never_executed(spec: str, victim: Path, tamper: Callable[..., Path]) -> None:
    (victim / "evil.py").write_text(f"open({str(victim / 'executed')!r}, 'w')\n")
    with open_run(victim) as run:
        experiment = run.experiment.model_dump()
    experiment["classifier"]["spec"] = spec.format(folder=victim)
    path = tamper(
        "UPDATE meta SET value = ? WHERE key = 'experiment'", parameters=(json.dumps(experiment),), reseal=True
    )
    read_everything(path)
    with open_run(path) as run, pytest.raises(ConfigError, match="if you trust it"):
        verify(run)
    with pytest.raises(ConfigError, match="if you trust it"):
        resume(path, generations=6)
    assert not (victim / "executed").exists()


def test_an_empty_classifier_option_is_no_consent(victim: Path, tamper: Callable[..., Path]) -> None:
    with open_run(victim) as run:
        experiment = run.experiment.model_dump()
    experiment["classifier"]["spec"] = "import:os:getcwd"
    path = tamper(
        "UPDATE meta SET value = ? WHERE key = 'experiment'", parameters=(json.dumps(experiment),), reseal=True
    )
    with open_run(path) as run, pytest.raises(ConfigError, match=r"classifier\.spec"):
        verify(run, classifier="")


def test_a_size_that_its_images_do_not_have_is_corrupt(victim: Path, tamper: Callable[..., Path]) -> None:
    with open_run(victim) as run:
        experiment = run.experiment.model_dump()
    experiment["encoding"]["size"] = 14
    path = tamper(
        "UPDATE meta SET value = ? WHERE key = 'experiment'", parameters=(json.dumps(experiment),), reseal=True
    )
    with open_run(path) as run:
        assert any("28x28" in damage for damage in verify(run).damage)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DELETE FROM metrics", "metrics do not cover"),
        ("UPDATE metrics SET median = 1.0 WHERE generation = 2", "recorded median does not follow"),
        ("UPDATE metrics SET captures = captures + 1 WHERE generation = 1", "recorded captures does not follow"),
        ("UPDATE individuals SET parent = 999999 WHERE id = (SELECT max(id) FROM cells)", "parent 999999 is missing"),
    ],
)
def test_records_that_contradict_each_other_are_damage(
    statement: str, message: str, tamper: Callable[..., Path]
) -> None:
    with open_run(tamper(statement)) as run:
        assert any(message in damage for damage in verify(run).damage)


def test_the_log_of_events_is_never_written_through_a_link(victim: Path, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("mine")
    (victim / "events.jsonl").unlink()
    (victim / "events.jsonl").symlink_to(target)
    resume(victim, generations=6)
    assert target.read_text() == "mine"


def test_a_file_cut_short_is_corrupt(victim: Path) -> None:
    data = (victim / DATABASE).read_bytes()
    for keep in (0, 50, 4096, len(data) // 2, len(data) - 100):
        (victim / DATABASE).write_bytes(data[:keep])
        with pytest.raises(CorruptRunError), open_run(victim) as run:
            found = verify(run)
            raise CorruptRunError("reported") if found.damage else AssertionError(f"{keep} bytes passed for a run")


def test_random_damage_never_crashes(victim: Path) -> None:
    data = (victim / DATABASE).read_bytes()
    rng = random.Random(5)
    for _ in range(40):
        broken = bytearray(data)
        for _ in range(rng.randint(1, 30)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        (victim / DATABASE).write_bytes(broken)
        try:
            read_everything(victim)
            with open_run(victim) as run:
                verify(run)
        except (EvoFoolError, KeyError):
            pass


def test_a_lock_that_is_no_file_does_not_block(victim: Path) -> None:
    (victim / LOCK_NAME).unlink()
    os.mkfifo(victim / LOCK_NAME)
    assert not is_locked(victim)


def test_an_orphaned_log_is_read_without_creating_a_file(victim: Path) -> None:
    connection = sqlite3.connect(victim / DATABASE)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("UPDATE progress SET seconds = 123.0")
    connection.commit()
    copy = victim.with_name("copy")
    copy.mkdir()
    for name in (DATABASE, f"{DATABASE}-wal"):  # as a copy of a killed run by a careful hand, without the index
        shutil.copyfile(victim / name, copy / name)
    connection.close()
    before = sorted(entry.name for entry in copy.iterdir())
    with open_run(copy) as run:
        assert run.summary()["wall_seconds"] == 123.0
    assert sorted(entry.name for entry in copy.iterdir()) == before


def test_a_run_killed_before_its_first_commit_can_be_looked_at(victim: Path) -> None:
    connection = sqlite3.connect(victim / DATABASE)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    (victim / f"{DATABASE}-wal").write_bytes(b"")
    (victim / f"{DATABASE}-shm").write_bytes(bytes(32768))  # as SIGKILL leaves it: made, and never filled
    before = {entry.name: entry.stat().st_mtime_ns for entry in victim.iterdir()}
    read_everything(victim)
    assert {entry.name: entry.stat().st_mtime_ns for entry in victim.iterdir()} == before
