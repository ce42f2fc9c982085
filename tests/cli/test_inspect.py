"""``evo-fool ls``, ``show``, ``compare``, ``verify`` and ``digest`` as whole commands."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def run(tiny: Path, invoke_json: Any) -> Path:
    """A small finished run."""
    return Path(invoke_json("run", "tiny.yaml")["path"])


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_reading_verbs_leave_everything_as_it_was(as_json: list[str], run: Path, tiny: Path, invoke: Any) -> None:
    before = contents(tiny)
    for command in (["ls"], ["show", "latest"], ["show", "latest", "bee"], ["compare", "latest", "tiny"]):
        assert invoke(*command, *as_json)[0] == 0
    assert invoke("digest", "latest", *as_json)[0] == 0
    assert invoke("verify", "latest", "--classifier", "tiny.py:build", *as_json)[0] == 0
    assert contents(tiny) == before


@pytest.mark.parametrize("text", ["{path}", "{name}", "tiny", "{id}", "{prefix}", "latest"])
def test_a_run_is_named_in_many_ways(text: str, run: Path, invoke_json: Any) -> None:
    run_id = run.name[-6:]
    text = text.format(path=run, name=run.name, id=run_id, prefix=run_id[:4])
    assert Path(invoke_json("show", text)["path"]) == run


def test_an_ambiguous_name_is_exit_3(run: Path, invoke: Any) -> None:
    invoke("run", "tiny.yaml", "--generations", "1")
    code, _, err = invoke("show", "tiny")
    assert code == 3
    assert "2 runs" in err


def test_ls_without_runs_says_how_to_start_one(workplace: Path, invoke: Any, invoke_json: Any) -> None:
    code, out, _ = invoke("ls")
    assert (code, "evo-fool run mnist-cppn" in out) == (0, True)
    assert invoke_json("ls") == []
    assert invoke("ls", "nowhere")[0] == 3
    assert list(workplace.iterdir()) == []


def test_a_damaged_run_hides_no_other(run: Path, tiny: Path, invoke: Any, invoke_json: Any) -> None:
    invoke("run", "tiny.yaml", "--generations", "2", "--name", "second")
    (run / "run.sqlite3").write_bytes(b"no database")
    listed = invoke_json("ls", "outputs")
    assert {Path(each["path"]).name == run.name: each["status"] for each in listed} == {
        True: "damaged",
        False: "finished",
    }
    code, out, _ = invoke("ls")
    lines = out.splitlines()
    assert (code, len(lines)) == (0, 3)
    assert any("tiny" in line and "damaged" in line for line in lines)
    assert any("second" in line and "finished" in line for line in lines)


def test_show_lists_the_elites(run: Path, invoke: Any, invoke_json: Any) -> None:
    shown = invoke_json("show", "latest")
    assert [elite["class_name"] for elite in shown["elites"]] == ["ant", "bee", "cat"]
    code, out, _ = invoke("show", "latest")
    assert code == 0
    for word in ("median confidence", "ant", "bee", "cat", "since generation"):
        assert word in out


@pytest.mark.parametrize("text", ["bee", "1", "BEE", "n2"])
def test_show_one_class(text: str, run: Path, invoke: Any, invoke_json: Any) -> None:
    elite = invoke_json("show", "latest", text)
    assert (elite["class_index"], elite["class_name"], elite["image_shape"]) == (1, "bee", [1, 6, 6])
    assert elite["captures"][-1]["image"] == elite["id"]
    assert elite["captures"][-1]["log_odds"] == elite["log_odds"]
    assert elite["captures"][0]["previous"] is None
    assert elite["genome"]
    assert elite["class_aliases"] == ["n2", "insect"]
    out = invoke("show", "latest", text)[1]
    assert "captured" in out
    assert "n2, insect" in out


def test_show_an_ambiguous_class_lists_the_candidates(run: Path, invoke: Any) -> None:
    code, out, err = invoke("show", "latest", "Insect")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "1 bee or 2 cat" in err


@pytest.mark.parametrize("text", ["3", "-1", "wasp", ""])
def test_show_an_unknown_class_is_exit_2(text: str, run: Path, invoke: Any) -> None:
    code, out, err = invoke("show", "latest", "--", text)
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_compare_puts_figures_and_differing_settings_side_by_side(run: Path, invoke: Any, invoke_json: Any) -> None:
    other = invoke_json("run", "tiny.yaml", "--seed", "2", "-S", "encoding.rate=0.3", "--generations", "3")
    compared = invoke_json("compare", str(run), other["path"])
    assert [each["generation"] for each in compared["runs"]] == [6, 3]
    assert compared["differences"] == {"seed": [1, 2], "generations": [6, 3], "encoding.rate": [0.1, 0.3]}
    assert set(compared["runs"][0]["median_reached"]) == {"0.9", "0.99", "0.9999"}
    code, out, _ = invoke("compare", str(run), other["path"])
    assert code == 0
    assert run.name in out
    assert "encoding.rate" in out


def test_compare_needs_two_runs(run: Path, invoke: Any) -> None:
    code, _, err = invoke("compare", "latest")
    assert (code, "at least two" in err) == (2, True)


def test_verify_finds_nothing_wrong_with_a_good_run(run: Path, invoke_json: Any) -> None:
    found = invoke_json("verify", "latest", "--classifier", "tiny.py:build")
    assert (found["clean"], found["cells"], found["damage"], found["deviations"]) == (True, 3, [], [])


def test_verify_reports_another_classifier_as_deviations(run: Path, tiny: Path, invoke: Any) -> None:
    (tiny / "other.py").write_text((tiny / "tiny.py").read_text().replace("mul(7)", "mul(8)"))
    code, out, _ = invoke("verify", "latest", "--classifier", "other.py:build", "--json")
    assert code == 1
    assert json.loads(out)["deviations"]


def test_verify_reports_a_changed_genome_as_damage(run: Path, invoke: Any) -> None:
    with sqlite3.connect(run / "run.sqlite3") as database:
        database.execute("UPDATE blobs SET genome = zeroblob(length(genome))")
    database.close()
    code, out, _ = invoke("verify", "latest", "--classifier", "tiny.py:build")
    assert code == 5
    assert "damage: " in out


@pytest.mark.parametrize("verb", [["ls"], ["show", "latest"], ["compare", "latest", "latest"], ["show", "latest", "0"]])
def test_names_from_elsewhere_cannot_steer_the_terminal_as_json(verb: list[str], run: Path, invoke: Any) -> None:
    name = "\x9b31m\u202edog\x7f"
    with sqlite3.connect(run / "run.sqlite3") as database:
        database.execute("UPDATE meta SET value = ? WHERE key = 'classes'", (json.dumps([name, "bee", "cat"]),))
        database.execute("UPDATE meta SET value = ? WHERE key = 'classifier'", (name,))
        database.execute("UPDATE meta SET value = ? WHERE key = 'name'", (name,))
    database.close()
    code, out, _ = invoke(*verb, "--json")
    assert code == 0
    assert "dog" in out
    assert all(line.isprintable() for line in out.split("\n"))


@pytest.mark.parametrize("verb", ["show", "verify", "digest", "resume", "compare"])
@pytest.mark.parametrize("damage", ["truncated", "empty", "foreign", "newer"])
def test_a_damaged_run_is_one_line_and_exit_5(verb: str, damage: str, run: Path, invoke: Any) -> None:
    database = run / "run.sqlite3"
    match damage:
        case "truncated":
            database.write_bytes(database.read_bytes()[:5000])
        case "empty":
            database.write_bytes(b"")
        case "foreign":
            database.write_bytes(b"\x00garbage" * 1000)
        case "newer":
            with sqlite3.connect(database) as connection:
                connection.execute("PRAGMA user_version = 99")
            connection.close()
    runs = ["latest", "latest"] if verb == "compare" else ["latest"]
    options = ["--classifier", "tiny.py:build"] if verb in ("verify", "resume") else []
    code, out, err = invoke(verb, *runs, *options)
    assert (code, out, err.count("\n")) == (5, "", 1)


def test_a_copied_run_is_the_same_run(run: Path, tiny: Path, invoke_json: Any) -> None:
    shutil.copytree(run, tiny / "copy")
    assert invoke_json("digest", "copy")["digest"] == invoke_json("digest", str(run))["digest"]
