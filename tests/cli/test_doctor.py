"""``evo-fool doctor``."""

import json
from pathlib import Path

import pytest

from evo_fool.cli import diagnosis
from evo_fool.cli.main import main


def test_this_installation_is_healthy_and_no_file_is_left(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert [name for name, check in report["checks"].items() if not check["ok"]] == []
    assert (code, report["ok"]) == (0, True)
    assert report["checks"]["torch"]["devices"][0] == "cpu"
    assert report["checks"]["lenet-mnist"]["test_error"] <= 0.01
    assert list(workplace.iterdir()) == []


def test_a_failed_check_is_exit_code_1_and_the_others_still_run(
    workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> diagnosis.Found:
        raise ImportError("no such library\nat all")

    monkeypatch.setattr(diagnosis, "check_numba", broken)
    assert main(["doctor"]) == 1
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "FAILED" in lines["numba"]
    assert "ImportError: no such library at all" in lines["numba"]
    assert " ok " in lines["sqlite"]


def test_outputs_that_is_a_file_fails(workplace: Path) -> None:
    (workplace / "taken").write_text("")
    with pytest.raises(diagnosis.Problem, match="taken is no folder"):
        diagnosis.check_outputs(Path("taken"))
    with pytest.raises(diagnosis.Problem, match="taken is no folder"):
        diagnosis.check_outputs(Path("taken/outputs"))


def test_little_disk_fails(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "LOW_DISK_MB", 10**12)
    with pytest.raises(diagnosis.Problem, match="MB free"):
        diagnosis.check_outputs(Path("outputs"))
