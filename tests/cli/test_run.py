"""``evo-fool run`` and ``resume`` as whole commands."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evo_fool.cli.verbs import VERBS

KEYS = {
    *("path", "status", "generation", "evaluations", "classes", "median_confidence", "mean_confidence"),
    *("min_confidence", "at_least", "qd_score", "captures", "images_per_second", "wall_seconds", "seed", "device"),
    *("classifier", "encoding", "search", "preset"),
}


def test_run_makes_one_directory_and_says_what_came_of_it(tiny: Path, invoke: Any) -> None:
    code, out, err = invoke("run", "tiny.yaml")
    assert (code, err) == (0, "")
    (path,) = (tiny / "outputs").iterdir()
    assert re.fullmatch(r"\d{8}T\d{6}Z_tiny_[0-9a-f]{6}", path.name)
    lines = out.splitlines()
    assert lines[0].startswith("generation 0/6 · ")
    assert any(line.startswith("generation 6/6 · ") for line in lines)
    assert any(line.startswith("finished at generation 6: 56 images") for line in lines)
    assert f"outputs/{path.name}" in lines
    suggested = re.findall(r"^  evo-fool (\w+) (\w+)( --classifier \S+)?$", out, re.MULTILINE)
    assert {run for _, run, _ in suggested} == {path.name[-6:]}
    assert {verb: bool(named) for verb, _, named in suggested}.items() >= {"show": False, "verify": True}.items()


def test_json_is_the_object_of_show_and_nothing_else_is_on_stdout(tiny: Path, invoke: Any, invoke_json: Any) -> None:
    code, out, err = invoke("run", "tiny.yaml", "--json")
    summary = json.loads(out)
    assert (code, set(summary) >= KEYS) == (0, True)
    assert set(summary["at_least"]) == {"0.9", "0.99", "0.9999"}
    assert (summary["status"], summary["generation"], summary["evaluations"], summary["classes"]) == (
        "finished",
        *(6, 56, 3),
    )
    assert err.startswith("generation 0/6")
    shown = invoke_json("show", "latest")
    assert {key: shown[key] for key in summary} == summary


def test_options_override_the_file(tiny: Path, invoke_json: Any) -> None:
    options = ["--seed", "7", "--generations", "2", "--name", "no", "--device", "cpu", "--out", "elsewhere"]
    summary = invoke_json("run", "tiny.yaml", *options, "-S", "batch=4", "--classifier", str(tiny / "tiny.py:build"))
    assert (summary["seed"], summary["generation"], summary["evaluations"], summary["name"]) == (7, 2, 12, "no")
    assert Path(summary["path"]).parent == Path("elsewhere")
    assert not (tiny / "outputs").exists()


@pytest.mark.parametrize(
    ("options", "preset"),
    [
        (["--seed", "5", "--generations", "1"], "tiny-pixels"),
        (["-S", "encoding.rate=0.1"], "tiny-pixels"),
        (["-S", "batch=9", "-S", "encoding.rate=0.2"], "tiny-pixels, batch, encoding.rate changed"),
        (["-S", "encoding.kind=cppn"], "tiny-pixels, encoding changed"),
        (
            [f"-S{key}" for key in ("batch=9", "encoding.rate=0.2", "encoding.eta=2", "encoding.mutation=bounded")]
            + [f"-Ssearch.{key}" for key in ("insertion=argmax", "parents=elites")]
            + [f"-Sscoring.{key}" for key in ("batch=3", "view=resize")],
            "tiny-pixels, batch, scoring, encoding, search changed",
        ),
        (["-S", "batch=9", "-S", "preset=mine"], "mine"),
    ],
)
def test_a_changed_preset_says_so(options: list[str], preset: str, tiny: Path, invoke_json: Any) -> None:
    base = (tiny / "tiny.yaml").read_text().replace("custom", "tiny-pixels").replace("generations: 6", "generations: 1")
    (tiny / "tiny.yaml").write_text(base)
    assert invoke_json("run", "tiny.yaml", *options)["preset"] == preset


def test_an_edited_copy_of_a_shipped_experiment_says_so(tiny: Path, invoke_json: Any) -> None:
    (tiny / "tiny.yaml").write_text((tiny / "tiny.yaml").read_text().replace("custom", "mnist-pixels"))
    assert invoke_json("run", "tiny.yaml")["preset"] == "mnist-pixels, batch, classifier.spec, search.operators changed"


def test_extending_a_finished_run_equals_having_asked_at_once(tiny: Path, invoke_json: Any) -> None:
    classifier = ["--classifier", "tiny.py:build"]
    once = invoke_json("run", "tiny.yaml", "--generations", "9")
    first = invoke_json("run", "tiny.yaml", "--generations", "4")
    extended = invoke_json("resume", first["path"], "--generations", "9", *classifier)
    assert (extended["status"], extended["generation"]) == ("finished", 9)
    digests = [invoke_json("digest", run["path"])["digest"] for run in (once, extended)]
    assert digests[0] == digests[1]


def test_max_time_stops_with_a_checkpoint_and_exit_75(tiny: Path, invoke: Any, invoke_json: Any) -> None:
    code, out, _ = invoke("run", "tiny.yaml", "--generations", "1000000", "--max-time", "0.5s")
    assert code == 75
    assert re.search(r"^  evo-fool resume \w+ --classifier \S+tiny.py:build$", out, re.MULTILINE)
    summary = invoke_json("show", "latest")
    assert summary["status"] == "stopped"
    total = str(summary["generation"] + 3)
    assert (
        invoke_json("resume", "latest", "--generations", total, "--classifier", "tiny.py:build")["status"] == "finished"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--seed", "-1"], 2, ["seed = -1"]),
        (["--generations", "many"], 2, ["'many'", "evo-fool run --help"]),
        (["-S", "batch=0"], 2, ["batch = 0"]),
        (["--device", "tpu"], 2, ["device = 'tpu'"]),
        (["--device", "cuda:99"], 2, ["cuda:99"]),
        (["--max-time", "later"], 2, ["'later'"]),
        (["--classifier", "nobody.py:build"], 2, ["nobody.py"]),
        (["--classifier", "lenet-minst"], 2, ["lenet-minst"]),
        (["--weights", "gone.pt"], 2, ["gone.pt"]),
        (["--out", "tiny.yaml"], 2, ["tiny.yaml"]),
        (["--out", "tiny.yaml/below"], 1, ["tiny.yaml/below", "--out"]),
    ],
)
def test_bad_options_are_one_line_and_leave_nothing(
    arguments: list[str], code: int, words: list[str], tiny: Path, invoke: Any
) -> None:
    result = invoke("run", "tiny.yaml", *arguments)
    assert (result[0], result[1]) == (code, "")
    assert re.fullmatch(r"evo-fool: error: [^\n]+\n", result[2])
    for word in words:
        assert word in result[2]
    assert sorted(p.name for p in tiny.iterdir() if p.name != "__pycache__") == ["tiny.py", "tiny.yaml"]


def test_a_pickle_posing_as_weights_is_refused_and_not_executed(tiny: Path, invoke: Any) -> None:
    import pickle

    class Hostile:
        def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
            import os

            return os.system, ("touch executed",)

    (tiny / "weights.pt").write_bytes(pickle.dumps(Hostile()))
    code, _, err = invoke("run", "tiny.yaml", "--weights", "weights.pt")
    assert (code, err.count("\n")) == (2, 1)
    assert not (tiny / "executed").exists()
    assert not (tiny / "outputs").exists()


def test_nan_stops_the_run_with_the_last_checkpoint_intact(tiny: Path, invoke: Any, invoke_json: Any) -> None:
    code, _, err = invoke("run", "tiny.yaml", "--classifier", "tiny.py:undecided")
    assert code == 1
    assert re.fullmatch(r"evo-fool: error: generation 4: [^\n]*NaN[^\n]*\n", err, re.IGNORECASE)
    summary = invoke_json("show", "latest")
    assert (summary["status"], summary["generation"]) == ("failed", 3)


def test_code_in_a_record_is_not_followed_unasked(tiny: Path, invoke: Any) -> None:
    invoke("run", "tiny.yaml")
    (tiny / "tiny.py").write_text("open('executed', 'w')")
    for verb in ("resume", "verify"):
        code, _, err = invoke(verb, "latest")
        assert code == 2
        assert "--classifier" in err
    assert not (tiny / "executed").exists()


def test_a_classifier_with_other_classes_or_weights_is_refused(tiny: Path, invoke: Any) -> None:
    invoke("run", "tiny.yaml")
    text = (tiny / "tiny.py").read_text()
    (tiny / "four.py").write_text(text.replace("Linear(36, 3)", "Linear(36, 4)").replace('"cat"]', '"cat", "dog"]'))
    code, _, err = invoke("resume", "latest", "--generations", "9", "--classifier", "four.py:build")
    assert (code, err.count("\n")) == (2, 1)
    assert "4 classes" in err
    (tiny / "other.py").write_text(text.replace("mul(7)", "mul(8)"))
    code, _, err = invoke("resume", "latest", "--generations", "9", "--classifier", "other.py:build")
    assert code == 2
    assert "other weights" in err


def test_a_run_that_gets_nowhere_says_so_once(tiny: Path, invoke: Any) -> None:
    still = ("run", "tiny.yaml", "--classifier", "tiny.py:exact", "-S", "encoding.rate=0", "-S", "warn_after=3")
    for as_json in ([], ["--json"]):
        code, out, err = invoke(*still, *as_json)
        assert (code, out.count("no class has improved in 3 generations, since generation 0")) == (0, 0)
        warnings = [line for line in err.splitlines() if line.startswith("evo-fool: warning: no class has improved")]
        assert len(warnings) == 1
    for run in (tiny / "outputs").iterdir():
        events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
        assert [(e["event"], e.get("generation")) for e in events] == [
            ("started", None),
            ("warning", 3),
            ("finished", 6),
        ]
    assert "warning" not in invoke(*still, "-S", "warn_after=null")[2]


def test_fewer_generations_than_done_is_refused(tiny: Path, invoke: Any) -> None:
    invoke("run", "tiny.yaml")
    code, _, err = invoke("resume", "latest", "--generations", "2", "--classifier", "tiny.py:build")
    assert code == 2
    assert "generation 6" in err


@pytest.mark.parametrize("verb", ["resume", "show", "verify", "digest"])
@pytest.mark.parametrize("run", ["latest", "nobody", "outputs/x"])
def test_no_such_run_is_exit_3(verb: str, run: str, tiny: Path, invoke: Any) -> None:
    code, out, err = invoke(verb, run)
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert not (tiny / "outputs").exists()


def test_the_summary_suggests_only_verbs_that_exist(tiny: Path, invoke: Any) -> None:
    _, out, _ = invoke("run", "tiny.yaml", "--generations", "1")
    assert set(re.findall(r"^  evo-fool (\w+)", out, re.MULTILINE)) <= set(VERBS)
