"""A Run is a mapping that compares by identity, and reads its experiment once."""

from pathlib import Path

import pytest

from evo_fool.errors import CorruptRunError, NotKeptError
from evo_fool.runs import open_run


def test_runs_compare_by_identity_and_have_a_hash(cppn_run: Path) -> None:
    with open_run(cppn_run) as run, open_run(cppn_run) as other:
        assert dict(run) == dict(other)
        assert run != other
        assert {run: 1}[run] == 1


def test_an_experiment_is_parsed_once_and_again_when_it_changes(
    cppn_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_run(cppn_run) as run:
        first = run.experiment
        assert run.experiment is first
        text = run.store.meta()["experiment"].replace('"seed":', '"seed":1')
        monkeypatch.setattr(run.store, "meta", lambda: {"experiment": text})
        assert run.experiment.seed == int(f"1{first.seed}")


@pytest.mark.parametrize("id", [-1, 10**6, 2**53, 2**64])
def test_ids_that_do_not_exist(cppn_run: Path, id: int) -> None:
    with open_run(cppn_run) as run:
        for column in ("genome", "image"):
            with pytest.raises(NotKeptError, match=f"{column} of individual {id} is not kept"):
                run.store.blob(column, id)


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        ("1.5", int, "1.5 instead of a whole number"),
        ("-1", int, "-1 instead of a whole number"),
        ("9007199254740993", int, "instead of a whole number"),
        ("NULL", int, "None instead of a whole number"),
        ("1e999", float, "inf instead of a number"),
        ("'text'", bytes, "'text' instead of bytes"),
        ("x'00'", str, "instead of text"),
    ],
)
def test_values_of_another_type_are_damage(cppn_run: Path, value: str, kind: type, words: str) -> None:
    with open_run(cppn_run) as run, pytest.raises(CorruptRunError, match=words):
        run.store.typed(f"SELECT {value}", (kind,))


def test_values_of_the_right_type(cppn_run: Path) -> None:
    with open_run(cppn_run) as run:
        sql = "SELECT 7, NULL, 0.5, 'text', x'00'"
        assert run.store.typed(sql, (int, int | None, float, str, bytes)) == [(7, None, 0.5, "text", b"\0")]
