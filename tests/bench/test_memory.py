"""Memory, disk and the longest wait of a run: what each retention policy keeps, and what the recorder costs."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import memory
from benchmarks.memory import bench_memory, disk_bytes


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(memory, "in_own_process", lambda function, *args: function(*args))
    found = bench_memory(generations=25, classes=12, size=70, batch=10, checkpoint=0.05, device="cpu")
    return json.loads(json.dumps(found))


def test_policies_keep_more_and_more(report: dict[str, Any]) -> None:
    elites, lineage, everything = report["by_policy"]
    assert [row["keep"] for row in report["by_policy"]] == ["elites", "lineage", "all"]
    assert elites["images_kept"] <= 12 <= lineage["images_kept"] <= everything["images_kept"]
    assert elites["images_kept"] < everything["images_kept"]
    assert all(0 < row["disk_mb"] <= row["peak_disk_mb"] for row in report["by_policy"])


def test_the_longest_wait_is_part_of_its_generation(report: dict[str, Any]) -> None:
    for row in report["by_policy"]:
        assert 0 < row["longest_wait_seconds"] <= row["longest_generation_seconds"]
        assert row["median_generation_seconds"] <= row["longest_generation_seconds"]
        assert 0 <= row["longest_wait_generation"] < 25
        assert 0 <= row["longest_wait_cells_changed"] <= 12
        assert row["commits"] >= 1


def test_disk_counts_every_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").write_bytes(b"123")
    assert disk_bytes(tmp_path) == 8
