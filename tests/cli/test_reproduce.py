"""``evo-fool reproduce``: what it prints, how it is stopped and gone on with, and what it refuses."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from evo_fool.studies import STUDIES

from .conftest import Invoke


def test_a_smoke_report_of_a_figure(workplace: Path, invoke: Invoke, invoke_json: Callable[..., Any]) -> None:
    code, out, err = invoke("reproduce", "4", "--budget", "smoke", "--out", "report")
    assert code == 0, err
    assert "Direct and CPPN on MNIST" in out
    assert str(Path("report/report.html")) in out
    began = time.monotonic()
    again = invoke_json("reproduce", "mnist", "--budget", "smoke", "--out", "report")
    assert time.monotonic() - began < 20  # every run is found again
    assert again["complete"] is True
    assert again["sections"][0]["key"] == "mnist"
    assert again["sections"][0]["rows"][0]["paper"] == "≥ 99.99 %"
    for name in ("report.html", "report.md", *[p["file"] for p in again["sections"][0]["pictures"]]):
        assert (workplace / "report" / name).stat().st_size > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["99"], "'99': no such study or figure; choose all, mnist"),
        (["mnist", "--data", "nowhere"], "--data nowhere: there is no such folder"),
        (["mnist", "--seeds", "1,x"], "'1,x': give distinct whole numbers"),
        (["mnist", "--budget", "huge"], "'huge' is not one of"),
    ],
)
def test_what_it_refuses(workplace: Path, invoke: Invoke, arguments: list[str], message: str) -> None:
    code, _, err = invoke("reproduce", *arguments)
    assert code == 2
    assert message in err


@pytest.mark.alone
def test_ctrl_c_stops_with_a_report_and_the_same_command_goes_on(
    workplace: Path, start: Callable[..., Popen[str]], invoke_json: Callable[..., Any]
) -> None:
    process = start("reproduce", "mnist", "--budget", "smoke", "--out", "report")
    runs = workplace / "report" / "runs"
    deadline = time.monotonic() + 120
    while not (runs.is_dir() and any(not path.name.startswith(".") for path in runs.iterdir())):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "go on with: evo-fool reproduce mnist --budget smoke --out report" in out
    assert json.loads((workplace / "report" / "report.json").read_text())["complete"] is False
    first = {path.name for path in runs.iterdir()}
    assert invoke_json("reproduce", "mnist", "--budget", "smoke", "--out", "report")["complete"] is True
    assert first <= {path.name for path in runs.iterdir()}
    assert len(list(runs.iterdir())) == 6  # the run that was stopped went on: two encodings, two codes, two controls


@pytest.mark.alone
@pytest.mark.timeout(900)
def test_the_whole_paper_at_the_smallest_budget(
    workplace: Path, start: Callable[..., Popen[str]], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With whatever data there is: no page fails, and what lacks its data says so."""
    try:
        data = ["--data", str(request.getfixturevalue("data_folder"))]
    except pytest.skip.Exception:
        data = []
        monkeypatch.delenv("EVO_FOOL_DATA", raising=False)
    process = start("reproduce", "all", "--budget", "smoke", "--out", "report", *data)
    _, err = process.communicate()
    assert process.returncode == 0, err
    record = json.loads((workplace / "report" / "report.json").read_text())
    assert record["complete"] is True
    assert [page["key"] for page in record["sections"]] == list(STUDIES)
    missing = [page["key"] for page in record["sections"] if page["verdict"] == "skipped" and "--data" in page["why"]]
    assert data or {"imagenet", "transfer", "retraining", "generative"} <= set(missing)
    for page in record["sections"]:
        assert page["key"] in missing or (page["rows"] and page["images"] > 0), page["key"]
