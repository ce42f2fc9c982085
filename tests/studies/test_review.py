"""A conclusion under review says so wherever it stands: in the report, the findings and the README.

That the study says so too is tested with the rest of its sentences in ``test_committed_report.py``.
"""

import json

from conftest import REPOSITORY

RESULTS = REPOSITORY / "docs" / "results"
REMARK = "Under review: "


def test_report_findings_and_readme_say_so() -> None:
    sections = json.loads((RESULTS / "report.json").read_text(encoding="utf-8"))["sections"]
    reviewed = {section["key"]: section["why"].split(REMARK)[1] for section in sections if REMARK in section["why"]}
    assert list(reviewed) == ["searches", "gradient-ascent", "repetition", "retraining-imagenet"]
    report = (RESULTS / "report.md").read_text(encoding="utf-8")
    assert all(report.count(remark) == 2 for remark in reviewed.values())  # overview and section
    findings = (REPOSITORY / "docs" / "findings.md").read_text(encoding="utf-8")
    assert findings.count("*Under review*") == len(reviewed)
    assert "under review" in (REPOSITORY / "README.md").read_text(encoding="utf-8")
