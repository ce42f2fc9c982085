"""Data on stdout, talk on stderr."""

import json
import sys

import pytest

from evo_fool.cli.output import Output


def test_json_moves_talk_to_stderr_and_has_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(json=True)
    output.say("talk")
    output.data({"a": float("nan"), "b": [1.5, float("inf")], 3: ("é", None, True)})
    out, err = capsys.readouterr()
    assert json.loads(out) == {"a": None, "b": [1.5, None], "3": ["é", None, True]}
    assert err == "talk\n"


def test_plain_table_is_aligned_and_markup_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    Output(json=False).table(["name", "n"], [["[red]x", 7], ["y", None], ["z", 1234.5]])
    assert capsys.readouterr().out == "name         n\n[red]x       7\ny            -\nz       1234.5\n"


def test_columns_of_text_are_aligned_left(capsys: pytest.CaptureFixture[str]) -> None:
    Output(json=False).table(["n", "name", "p"], [[1, "dog", 0.5], [10, "x", 1.0]], text=("name",))
    assert capsys.readouterr().out == " n  name    p\n 1  dog   0.5\n10  x       1\n"


def test_empty_table_has_its_header(capsys: pytest.CaptureFixture[str]) -> None:
    Output(json=False).table(["name", "n"], [])
    assert capsys.readouterr().out == "name  n\n"


def test_names_from_strangers_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(json=False)
    output.say("run \x1b[2Jcat")
    output.table(["name"], [["\x1b]0;title\x07dog\u202e"]])
    printed = capsys.readouterr().out
    assert "cat" in printed
    assert "dog" in printed
    assert not set(printed) & set("\x1b\x07\u202e")


HOSTILE = '\x1b[2J\x7f\x9b31m\u202edog\u2028\ue000\U000e0041\ud800 é 日本 🐈\n\t"\\'


def test_json_has_no_character_that_steers_the_terminal_and_the_same_values(capsys: pytest.CaptureFixture[str]) -> None:
    value = {HOSTILE: [HOSTILE], "empty": {}, "deep": {"a": [1, [HOSTILE]]}}
    Output(json=True).data(value)
    out = capsys.readouterr().out
    assert json.loads(out) == value
    assert all(line.isprintable() for line in out.split("\n"))
    assert "é 日本 🐈" in out


def test_a_table_on_a_terminal_has_harmless_headings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: True)
    Output(json=False).table(["[red]a\u202e\x9b"], [[1]])
    out = capsys.readouterr().out
    assert "[red]a" in out
    assert not set(out) & set("\u202e\x9b")
