"""What is read back from a checkpoint; one that contradicts itself is refused, even where its seals are in order.

``resume`` looks for impossible values first; studies that only read a run rely on ``restore`` alone.
"""

import hashlib
import shutil
import sqlite3
from pathlib import Path

import pytest
from support import change, small

from evo_fool.errors import CorruptRunError
from evo_fool.evolution.toolbox import build_strategy
from evo_fool.runs import open_run
from evo_fool.runs.database_files import DATABASE
from evo_fool.session import evolve, resume
from evo_fool.session.checkpoint import restore


@pytest.fixture(scope="module")
def genetic_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the genetic algorithm for class 3."""
    experiment = small("pixels", search={"kind": "genetic", "target": 3}, generations=4)
    with evolve(experiment, out=tmp_path_factory.mktemp("genetic")) as run:
        return run.path


def copy(run: Path, folder: Path) -> Path:
    return Path(shutil.copytree(run, folder / "run"))


def refused(path: Path) -> str:
    """The one line with which a checkpoint is refused."""
    with open_run(path) as run:
        strategy = build_strategy(run.experiment, run.encoding, run.classes, run.targets)
        with pytest.raises(CorruptRunError) as caught:
            restore(run.store, run.encoding, strategy, run.experiment.retention)
    line = str(caught.value)
    assert "\n" not in line
    return line.replace(str(path / DATABASE), "FILE")


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("UPDATE cells SET class = 10 WHERE class = 9", "FILE: cell 10 is outside the 10 classes"),
        ("UPDATE cells SET class = -1 WHERE class = 0", "FILE: cell -1 is outside the 10 classes"),
        ("UPDATE cells SET log_odds = 9e999 WHERE class = 2", "FILE: cell 2 has the score inf"),
        ("UPDATE cells SET log_odds = 'good' WHERE class = 2", "FILE: cell 2 has the score 'good'"),
        ("INSERT INTO members VALUES (3, 0, 0, 1.5)", "FILE holds a population for class 3, which is not evolved"),
    ],
)
def test_cells_that_cannot_be_are_refused(statement: str, line: str, cppn_run: Path, tmp_path: Path) -> None:
    if "members" in statement:
        statement = statement.replace("(3, 0, 0,", "(3, 0, (SELECT min(id) FROM cells),")
    assert refused(change(copy(cppn_run, tmp_path), statement, reseal=True)) == line


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("UPDATE members SET log_odds = -9e999 WHERE place = 1", "FILE: a population member has the score -inf"),
        ("UPDATE members SET log_odds = x'00' WHERE place = 1", "FILE: a population member has the score b'\\x00'"),
        ("UPDATE members SET target = 4", "FILE holds a population for class 4, which is not evolved"),
        ("UPDATE members SET id = 5000 WHERE place = 1", "FILE: the genome of individual 5000 is missing"),
    ],
)
def test_populations_that_cannot_be_are_refused(statement: str, line: str, genetic_run: Path, tmp_path: Path) -> None:
    assert refused(change(copy(genetic_run, tmp_path), statement, reseal=True)) == line


def test_a_genome_of_no_encoding_is_refused_though_its_hash_is_right(cppn_run: Path, tmp_path: Path) -> None:
    path, genome = copy(cppn_run, tmp_path), b"no genome at all"
    with sqlite3.connect(path / DATABASE) as database:
        (id,) = database.execute("SELECT min(id) FROM cells").fetchone()
        database.execute("UPDATE blobs SET genome = ? WHERE id = ?", (genome, id))
        digest = hashlib.sha256(genome).digest()
        database.execute("UPDATE individuals SET genome_sha256 = ? WHERE id = ?", (digest, id))
    database.close()
    assert refused(change(path, reseal=True)).startswith(f"FILE: individual {id}: ")


def test_resume_refuses_a_population_that_is_not_evolved_and_evolves_nothing(genetic_run: Path, tmp_path: Path) -> None:
    path = change(copy(genetic_run, tmp_path), "UPDATE members SET target = 4", reseal=True)
    with pytest.raises(CorruptRunError, match="a population for class 4, which is not evolved"):
        resume(path, generations=30)
    with open_run(path) as run:
        assert (run.generation, run.summary()["evaluations"]) == (4, 5 * 16)


def test_the_populations_of_a_sound_checkpoint_come_back_in_order(genetic_run: Path, tmp_path: Path) -> None:
    path = copy(genetic_run, tmp_path)
    with resume(path, generations=6) as run:
        assert run.status == "finished" and run.generation == 6
        places = [row[0] for row in run.store.rows("SELECT place FROM members WHERE target = 3 ORDER BY place")]
    assert places == list(range(16))


def test_a_refused_checkpoint_leaves_the_run_as_it_was(genetic_run: Path, tmp_path: Path) -> None:
    run = change(copy(genetic_run, tmp_path), "UPDATE members SET target = 4", reseal=True)
    before = (run / "experiment.yaml").read_bytes()
    with pytest.raises(CorruptRunError, match="class 4, which is not evolved"):
        resume(run, generations=30)
    assert (run / "experiment.yaml").read_bytes() == before
    with open_run(run) as found:
        assert found.experiment.generations == 4
