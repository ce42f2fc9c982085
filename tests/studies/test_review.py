"""A conclusion under review says so wherever it stands: in the report, the findings and the README.

That the study says so too is tested with the rest of its sentences in ``test_committed_report.py``.
"""

import json

import pytest
from conftest import REPOSITORY

UNDER_REVIEW = ("searches", "gradient-ascent", "repetition", "retraining-imagenet")
RESULTS = REPOSITORY / "docs" / "results"


@pytest.mark.parametrize("key", UNDER_REVIEW)
def test_the_report_says_so(key: str) -> None:
    sections = json.loads((RESULTS / "report.json").read_text(encoding="utf-8"))["sections"]
    why = next(section["why"] for section in sections if section["key"] == key)
    remark = why.partition("Under review: ")[2]
    assert remark
    assert (RESULTS / "report.md").read_text(encoding="utf-8").count(remark) == 2  # overview and page


def test_findings_and_readme_say_so() -> None:
    findings = (REPOSITORY / "docs" / "findings.md").read_text(encoding="utf-8")
    assert findings.count("*Under review*") == len(UNDER_REVIEW)
    assert "under review" in (REPOSITORY / "README.md").read_text(encoding="utf-8")
