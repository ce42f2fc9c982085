"""A run can begin with the elites of another: they are scored again, recorded, and the run is called another."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from support import StopAt, small

from evo_fool.cli.verbs import application
from evo_fool.errors import ConfigError, RunNotFoundError
from evo_fool.runs import digest, open_run, verify
from evo_fool.runs.run import Run
from evo_fool.session import evolve, resume


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return evolve(small(generations=20), out=tmp_path_factory.mktemp("source"))


def warm(source: Path, **changes: object) -> dict[str, object]:
    return {"search": {"kind": "map_elites", "warm_start": str(source)} | changes}


def test_generation_0_is_the_elites_scored_again(source: Run, tmp_path: Path) -> None:
    run = evolve(small(seed=7, generations=0, **warm(source.path)), out=tmp_path)
    ids = sorted({elite.id for elite in source.elites})
    assert run.metrics["evaluations"].tolist() == [len(ids)]
    assert run.store.rows("SELECT DISTINCT operator FROM individuals") == [("warm start",)]
    for cls in run:
        assert run.genome_bytes(cls) == source.genome_bytes(cls)
        assert run[cls].log_odds == pytest.approx(source[cls].log_odds, abs=1e-3)
    recorded = json.loads(run.meta["warm_start"])
    assert recorded["run"] == source.meta["id"]
    assert (recorded["elites"], recorded["digest"]) == (len(ids), digest(source.store))


def test_it_goes_on_from_there_and_resumes(source: Run, tmp_path: Path) -> None:
    experiment = small(generations=8, **warm(source.path, operators="adaptive"))
    whole = evolve(experiment, out=tmp_path)
    assert (np.diff(whole.metrics["median"]) >= 0).all()
    parts = resume(evolve(experiment, out=tmp_path, callbacks=[StopAt(3)]).path)
    assert digest(parts.store) == digest(whole.store)
    assert verify(parts).clean


def test_before_the_first_commit_the_source_must_be_the_same(tmp_path: Path) -> None:
    source = evolve(small(generations=3), out=tmp_path).path

    class Killed(Exception):
        pass

    def kill(progress: object) -> None:
        raise Killed

    slow = {"checkpoint": {"generations": 5}}
    for _ in range(2):
        with pytest.raises(Killed):
            evolve(small(name="killed", generations=4, **slow, **warm(source)), out=tmp_path, callbacks=[kill])
    one, other = sorted(path for path in tmp_path.iterdir() if "killed" in path.name)
    assert open_run(one).generation == -1
    assert resume(one).status == "finished"
    resume(source, generations=12)
    with pytest.raises(ConfigError, match="has changed since"):
        resume(other)


def test_what_cannot_begin_a_run_is_refused(source: Run, tmp_path: Path) -> None:
    with pytest.raises(RunNotFoundError):
        evolve(small(**warm(tmp_path / "none")), out=tmp_path)
    with pytest.raises(ConfigError, match="of the same encoding"):
        evolve(small("pixels", **warm(source.path)), out=tmp_path)
    with pytest.raises(ConfigError, match="genome"):
        few = {"encoding": {"kind": "cppn", "max_nodes": 3, "max_links": 12}}
        evolve(small(**few, **warm(source.path)), out=tmp_path)
    with pytest.raises(ConfigError, match="warm_start"):
        small(search={"kind": "random", "warm_start": str(source.path)})
    assert not any(path.is_dir() and not path.name.startswith(".") for path in tmp_path.iterdir())


def test_the_command_finds_the_run_and_the_label_says_so(source: Run, tmp_path: Path) -> None:
    out = source.path.parent
    command = ["run", "paper/mnist-cppn", "--warm-start", source.path.name, "--generations", "1", "-S", "batch=8"]
    answer = CliRunner().invoke(application, [*command, "--out", str(out), "--json"])
    assert answer.exit_code == 0, answer.output
    summary = json.loads(answer.stdout)
    assert "search.warm_start" in summary["preset"]
    with open_run(summary["path"]) as run:
        assert json.loads(run.meta["warm_start"])["run"] == source.meta["id"]
