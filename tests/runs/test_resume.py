"""Interrupted or not, checkpointed often or seldom, extended or asked for at once: the same bytes."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import StopAt, change, small

from evo_fool.errors import ClassifierError, ConfigError, CorruptRunError, RunLockedError, RunNotFoundError
from evo_fool.evaluation import Evaluator
from evo_fool.runs import digest, find_run, open_run, verify
from evo_fool.runs.database_files import DATABASE
from evo_fool.runs.lock import writer
from evo_fool.session import evolve, resume

GENETIC = {"kind": "genetic", "target": "all"}
SEARCHES: list[tuple[str, dict[str, Any]]] = [
    ("pixels", {"encoding": {"kind": "pixels", "crossover": 0.5}}),
    ("pixels", {"search": GENETIC | {"crossover": 0.5, "selection": "rank"}, "generations": 25}),
    ("pixels", {"search": GENETIC | {"variation": "or", "mutation": 0.7, "crossover": 0.2}, "generations": 25}),
    ("cppn", {}),
    ("cppn", {"search": GENETIC | {"target": 3}}),
    ("cppn", {"search": {"kind": "random"}}),
    ("cppn", {"search": {"kind": "random", "mutations": [0, 20]}}),
    ("cppn", {"search": {"kind": "map_elites", "insertion": "argmax", "parents": "elites"}}),
    ("cppn", {"search": {"kind": "map_elites", "parents": "recent"}}),
    ("cppn", {"search": {"kind": "map_elites", "parents": "curiosity"}}),
    ("cppn", {"search": {"kind": "map_elites", "operators": "adaptive"}}),
    ("pixels", {"search": {"kind": "map_elites", "operators": "adaptive", "parents": "curiosity"}}),
    ("spectral", {"search": {"kind": "map_elites", "operators": "adaptive", "parents": "recent", "recency": 40}}),
    ("cppn", {"scoring": {"precision": "bfloat16", "batch": 5}}),
    ("cppn", {"scoring": {"precision": "bfloat16", "batch": 5, "view": "random-3"}, "generations": 8}),
]


@pytest.mark.parametrize(("kind", "changes"), SEARCHES)
def test_stopping_and_resuming_gives_the_bytes_of_one_go(kind: str, changes: dict[str, Any], out: Path) -> None:
    experiment = small(kind, **changes)
    whole = evolve(experiment, out=out)
    parts = evolve(experiment, out=out, callbacks=[StopAt(3)])
    assert parts.status == "stopped"
    while parts.status != "finished":
        parts = resume(parts.path, callbacks=[StopAt(4)])
    assert digest(parts.store) == digest(whole.store)
    choices = "SELECT * FROM choices ORDER BY generation, operator"
    assert parts.store.rows(choices) == whole.store.rows(choices)
    assert verify(parts).clean


@pytest.mark.parametrize(("kind", "changes"), SEARCHES[1:4])
def test_when_checkpoints_fall_does_not_matter(kind: str, changes: dict[str, Any], out: Path) -> None:
    often = evolve(small(kind, **changes), out=out)
    seldom = evolve(small(kind, **changes, checkpoint={"generations": 7}), out=out)
    at_the_end = evolve(small(kind, **changes, checkpoint={"generations": None}), out=out)
    assert digest(often.store) == digest(seldom.store) == digest(at_the_end.store)
    assert verify(seldom).clean
    ids = [
        [row[0] for row in run.store.rows("SELECT id FROM blobs ORDER BY id")] for run in (often, seldom, at_the_end)
    ]
    assert ids[0] == ids[1] == ids[2], "what retention keeps does not depend on it either"


@pytest.mark.parametrize("kind", ["pixels", "cppn"])
def test_extending_a_finished_run_is_having_asked_for_more_at_once(kind: str, out: Path) -> None:
    long = evolve(small(kind, generations=15), out=out)
    short = evolve(small(kind, generations=5), out=out)
    extended = resume(short.path, generations=15)
    assert digest(extended.store) == digest(long.store)
    assert extended.experiment.generations == 15


def test_another_seed_is_another_run(out: Path) -> None:
    digests = {digest(evolve(small(seed=seed), out=out).store) for seed in (1, 2, 1)}
    assert len(digests) == 2


@pytest.mark.parametrize("keep", ["elites", "all"])
def test_retention_changes_what_is_kept_but_not_what_is_found(keep: str, out: Path) -> None:
    default, other = evolve(small(), out=out), evolve(small(retention={"keep": keep}), out=out)
    assert digest(default.store) == digest(other.store)
    kept = {row[0] for row in other.store.rows("SELECT id FROM blobs")}
    captors = {row[0] for row in other.store.rows("SELECT id FROM individuals WHERE captor")}
    assert kept == ({elite.id for elite in other.elites} if keep == "elites" else captors)


def test_retention_keeps_the_whole_lineage_of_every_elite(out: Path) -> None:
    run = evolve(small(), out=out)
    kept = {row[0] for row in run.store.rows("SELECT id FROM blobs")}
    parents = dict(run.store.rows("SELECT id, parent FROM individuals"))
    for elite in run.elites:
        id: int | None = elite.id
        while id is not None:
            assert id in kept
            id = parents[id]


@pytest.mark.parametrize("keep", ["lineage", "all"])
def test_a_retention_limit_bounds_the_file(keep: str, out: Path) -> None:
    small_limit = small("pixels", generations=60, retention={"limit_mb": 0.05, "keep": keep})
    run = resume(evolve(small_limit, out=out, callbacks=[StopAt(30)]).path)
    size = run.store.rows("SELECT sum(length(genome) + length(image)) FROM blobs")[0][0]
    assert size <= 50_000
    assert {elite.id for elite in run.elites} <= {row[0] for row in run.store.rows("SELECT id FROM blobs")}
    assert verify(run).clean
    whole = evolve(small("pixels", generations=60), out=out)
    assert digest(whole.store) == digest(run.store)


def test_the_metrics_are_those_of_the_archive(out: Path) -> None:
    run = evolve(small(), out=out)
    metrics, summary = run.metrics, run.summary()
    assert metrics["generation"].tolist() == list(range(13))
    assert metrics["median"][-1] == pytest.approx(summary["median_confidence"])
    assert metrics["qd_score"][-1] == pytest.approx(summary["qd_score"])
    assert metrics["captures"].sum() == summary["captures"] == len(run.captures)
    assert metrics["evaluations"][-1] == summary["evaluations"] == 13 * 16
    assert (np.diff(metrics["seconds"]) > 0).all()


def test_one_writer(out: Path) -> None:
    run = evolve(small(generations=2), out=out)
    with writer(run.path), pytest.raises(RunLockedError, match="another process"):
        resume(run.path, generations=4)
    assert run.generation == 2


def test_fewer_generations_than_done_are_refused(out: Path) -> None:
    run = evolve(small(generations=4), out=out)
    with pytest.raises(ConfigError, match="already at generation 4"):
        resume(run.path, generations=3)


def test_a_classifier_that_fails_midway_leaves_the_last_checkpoint(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score, calls = Evaluator.evaluate, 0

    def failing(self: Evaluator, genomes: np.ndarray, bar: np.ndarray | None = None) -> Any:
        nonlocal calls
        calls += 1
        if calls == 6:
            raise ClassifierError("NaN in rows 3")
        return score(self, genomes, bar)

    monkeypatch.setattr(Evaluator, "evaluate", failing)
    with pytest.raises(ClassifierError, match=r"generation 5: NaN in rows 3; .* intact") as caught:
        evolve(small(), out=out)
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    (path,) = out.iterdir()
    run = open_run(path)
    assert (run.status, run.generation) == ("failed", 4)
    assert digest(resume(path).store) == digest(evolve(small(), out=out).store)


def test_a_run_can_be_copied_and_resumed_elsewhere(out: Path, tmp_path: Path) -> None:
    run = evolve(small(generations=4), out=out)
    shutil.copytree(run.path, tmp_path / "elsewhere")
    assert digest(resume(tmp_path / "elsewhere", generations=8).store) == digest(resume(run.path, generations=8).store)


def test_a_finished_run_is_one_plain_file_that_opens_read_only(out: Path) -> None:
    run = evolve(small(generations=2), out=out)
    run.close()
    assert not list(run.path.glob(f"{DATABASE}-*"))
    before = {entry.name: entry.stat().st_mtime_ns for entry in run.path.iterdir()}
    run.path.chmod(0o555)
    try:
        with open_run(run.path) as reader:
            assert reader.summary()["status"] == "finished"
            assert len(reader.elites) == 10
    finally:
        run.path.chmod(0o755)
    assert {entry.name: entry.stat().st_mtime_ns for entry in run.path.iterdir()} == before


def test_other_weights_than_the_recorded_are_refused(out: Path) -> None:
    run = evolve(small(generations=2), out=out)
    run.store.close()
    change(run.path, "UPDATE meta SET value = 'another' WHERE key = 'classifier_sha256'", reseal=True)
    with pytest.raises(ConfigError, match="other weights"):
        resume(run.path, generations=4)


def test_a_missing_genome_is_corruption(out: Path) -> None:
    run = evolve(small(generations=2), out=out)
    run.close()
    change(run.path, "DELETE FROM blobs WHERE id = (SELECT max(id) FROM cells)", reseal=True)
    with pytest.raises(CorruptRunError, match="missing"):
        resume(run.path, generations=4)


@pytest.mark.parametrize("changes", [{"generations": 99_999_999}, {"device": "tpu"}])
def test_a_bad_value_on_resume_does_not_spoil_the_run(changes: dict[str, Any], out: Path) -> None:
    run = evolve(small(generations=2), out=out)
    with pytest.raises(ConfigError):
        resume(run.path, **changes)
    assert open_run(run.path).summary()["status"] == "finished"


@pytest.mark.parametrize(
    "changes",
    [{"search": {"kind": "imported"}}, {"encoding": {"kind": "cppn", "size": 14}, "scoring": {"view": "centre"}}],
)
def test_what_cannot_run_leaves_no_directory(changes: dict[str, Any], out: Path) -> None:
    with pytest.raises(ConfigError):
        evolve(small(**changes), out=out)
    assert not list(out.glob("*"))


def test_resuming_under_a_long_read_is_locked_not_broken(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = evolve(small(generations=2), out=out)
    with run.store.snapshot():
        run.summary()
        with pytest.raises(RunLockedError, match="being read"):
            resume(run.path, generations=4)
    assert resume(run.path, generations=4).generation == 4


def test_a_run_is_found_by_its_name_as_given_and_after_renaming(out: Path) -> None:
    run = evolve(small(name="two words", generations=1), out=out)
    run.close()
    assert find_run("two words", out) == run.path
    renamed = run.path.rename(out / "elsewhere")
    assert find_run("two words", out) == find_run(run.meta["id"][:4], out) == renamed
    with pytest.raises(RunNotFoundError):
        find_run("x" * 5000, out)


@pytest.mark.parametrize("memory", ["[1.0]", '["a"]', "[NaN, 1.0]", "{}", "["])
def test_a_memory_that_is_not_the_searchs_is_corrupt(memory: str, out: Path) -> None:
    run = evolve(small(search={"kind": "map_elites", "parents": "curiosity"}), out=out, callbacks=[StopAt(3)])
    change(run.path, "UPDATE meta SET value = ? WHERE key = 'memory'", parameters=(memory,), reseal=True)
    with pytest.raises(CorruptRunError):
        resume(run.path)
