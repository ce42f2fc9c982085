"""``evo-fool study``: each question is asked of a small run; JSON on stdout, pictures where they are asked for."""

import json
import re
from pathlib import Path

import pytest

from evo_fool.cli.main import main

QUESTIONS = [
    (["gradient-ascent", "--steps", "3", "--setting", "all"], "none"),
    (["transfer", "--judge", "lenet-mnist", "--noise", "20"], "agreement"),
    (["repetition"], "repeating"),
    (["attribution", "--limit", "2"], "share"),
    (["paths", "--random", "20"], "random"),
]


def _study(words: list[str], run: Path, *more: str) -> list[str]:
    return ["study", words[0], str(run), *words[1:], *more]


@pytest.mark.parametrize(("words", "key"), QUESTIONS, ids=[words[0] for words, _ in QUESTIONS])
def test_answers_in_json(words: list[str], key: str, cppn_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_study(words, cppn_run, "--json")) == 0
    assert key in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("words", [words for words, _ in QUESTIONS[:-1]], ids=lambda words: words[0])
def test_answers_for_people_with_a_picture(
    words: list[str], cppn_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "picture.png"
    assert main(_study(words, cppn_run, "--to", str(to))) == 0
    assert "%" in capsys.readouterr().out or words[0] == "repetition"
    # A small run may have nothing that repeats, and then there is nothing to draw.
    assert words[0] == "repetition" or to.read_bytes().startswith(b"\x89PNG")


def test_a_network_beside_itself(cppn_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same network twice is two columns of one and the same."""
    assert main(["study", "transfer", str(cppn_run), "--judge", "lenet-mnist", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["judges"] == ["lenet-mnist", "lenet-mnist #2"]
    assert all(one == other for one, other in found["mean"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["repetition", "nowhere"], "no such run"),
        (["attribution", "RUN", "--class", "11"], "classes 0 to 9"),
        (["repetition", "RUN", "--to", "x.gif"], "use .png"),
        (["transfer", "RUN", "--judge", "lenet"], "did you mean"),
        (["paths", "RUN", "--photos", "nowhere"], "nowhere"),
    ],
)
def test_bad_input(words: list[str], message: str, cppn_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", *(str(cppn_run) if word == "RUN" else word for word in words)]) != 0
    error = capsys.readouterr().err
    assert re.search(message, error) and error.count("\n") == 1
