"""The report in docs/results: the studies say of its data what it says."""

import json

import pytest
from conftest import REPOSITORY

from evo_fool.studies import STUDIES, study_of
from evo_fool.studies.section import Row

REPORT = json.loads((REPOSITORY / "docs" / "results" / "report.json").read_text(encoding="utf-8"))
SECTIONS = {section["key"]: section for section in REPORT["sections"]}
REPORTED = [name for name in STUDIES if name in SECTIONS]


@pytest.mark.parametrize("key", REPORTED)
def test_rows_and_sentences(key: str) -> None:
    study, section = study_of(key), SECTIONS[key]
    assert (study.title, study.figures) == (section["title"], section["figures"])
    assert study.rows(section["data"]) == [Row(**row) for row in section["rows"]]
    assert study.conclude(section["data"]) == (section["verdict"], section["why"])
