"""A study: its verdict from claims and a template, and the report's section of it."""

from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader, UndefinedError

from evo_fool.studies import study as module
from evo_fool.studies.context import Context
from evo_fool.studies.section import Picture, Row
from evo_fool.studies.study import Skipped, Study

TEXT = """
{% block high %}
The median is
{{ data.median | percent }}{% if data.median < wanted %}, too low{% endif %}.
{% endblock %}
{% block many %}{{ data.n }} classes reach {{ 1 | share }}.{% endblock %}
{% block after %}Measured on {{ study.title }}.{% endblock %}
"""


class Toy(Study[Any]):
    key = "a-toy"
    title = "Toys"
    wanted = 0.9

    def measure(self, context: Context) -> dict[str, Any]:
        if context.data.folder is None:
            raise Skipped("no toys: give --data")
        return {"median": 0.5, "n": 3}

    def rows(self, data: dict[str, Any]) -> list[Row]:
        return [Row("median", data["median"])]

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        return [Picture("one", b"png", "One.")]

    def claims(self, data: dict[str, Any]) -> dict[str, bool]:
        return {"high": data["median"] >= self.wanted, "many": data["n"] > 2}

    def values(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"wanted": self.wanted}


@pytest.fixture(autouse=True)
def template(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module._TEMPLATES, "loader", DictLoader({"a_toy/text.md.j2": TEXT}))
    monkeypatch.setattr(module._TEMPLATES, "cache", None)


def test_claims_make_the_verdict_and_blocks_its_reason(tmp_path: Path) -> None:
    section = Toy().section(Context(tmp_path, "smoke", tmp_path))
    assert section.verdict == "partly"
    assert section.why == "3 classes reach 100.0 %. But: The median is 50.0 %, too low. Measured on Toys."
    assert section.rows == (Row("median", 0.5),) and section.pictures[0].name == "one"
    assert (section.key, section.seeds, section.data) == ("a-toy", (1,), {"median": 0.5, "n": 3})


def test_missing_data_skip_the_study(tmp_path: Path) -> None:
    section = Toy().section(Context(tmp_path, "smoke"))
    assert (section.verdict, section.why, section.rows) == ("skipped", "no toys: give --data", ())


def test_a_sentence_about_a_missing_number_fails() -> None:
    with pytest.raises(UndefinedError, match="'n'"):
        Toy().sentence({"median": 0.5}, "many")
