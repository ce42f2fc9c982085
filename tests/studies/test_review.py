"""A conclusion under review says so wherever it stands: in the study, the report, the findings and the README."""

import inspect
import json

import pytest
from conftest import REPOSITORY

from evo_fool.studies import gradient_ascent_page, repetition_page, searches
from evo_fool.studies.review import UNDER_REVIEW

PAGES = {page.KEY: page for page in (gradient_ascent_page, repetition_page, searches)}
RESULTS = REPOSITORY / "docs" / "results"


@pytest.mark.parametrize("key", UNDER_REVIEW)
def test_the_study_and_the_report_say_so(key: str) -> None:
    if key in PAGES:  # the others have it in their template, see test_committed_report.py
        assert "why=reviewed(" in inspect.getsource(PAGES[key])
    sections = json.loads((RESULTS / "report.json").read_text(encoding="utf-8"))["sections"]
    assert next(section["why"] for section in sections if section["key"] == key).endswith(UNDER_REVIEW[key])
    assert (RESULTS / "report.md").read_text(encoding="utf-8").count(UNDER_REVIEW[key]) == 2  # overview and page


def test_findings_and_readme_say_so() -> None:
    findings = (REPOSITORY / "docs" / "findings.md").read_text(encoding="utf-8")
    assert findings.count("*Under review*") == len(UNDER_REVIEW)
    assert "under review" in (REPOSITORY / "README.md").read_text(encoding="utf-8")
