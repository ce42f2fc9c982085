"""A batch that cannot fit is refused before there is a run, and what is counted is what is held."""

from pathlib import Path

import pytest
from support import small, write_photographs

from evo_fool.errors import ConfigError
from evo_fool.evaluation import memory_need
from evo_fool.evaluation.assembly import assemble
from evo_fool.evaluation.memory_need import MemoryNeed, available_memory
from evo_fool.experiment import Experiment
from evo_fool.session import evolve


def need(experiment: Experiment) -> MemoryNeed:
    return memory_need.memory_need(experiment, assemble(experiment))


def test_what_is_counted() -> None:
    found = need(small("pixels", batch=10, initial=20, scoring={"batch": 5}))
    assert found == MemoryNeed(images=20 * 28**2, genomes=2 * 20 * 4 * 28**2, views=4 * 5 * 28**2)
    assert found.total == sum((found.images, found.genomes, found.views))


def test_photographs_and_their_inputs_are_counted(tmp_path: Path) -> None:
    scene = {"kind": "perturbation", "photos": str(write_photographs(tmp_path, 7))}
    encoding = {"kind": "pixels", "size": 14}
    found = need(small("pixels", batch=10, scoring={"batch": 50}, scene=scene, encoding=encoding))
    assert found.scene == 7 * 28**2
    assert found.views == 4 * 50 * 28**2
    assert found.images == 10 * 14**2


def test_the_genetic_algorithm_holds_a_population_for_each_class() -> None:
    genetic = {"search": {"kind": "genetic"}, "batch": 10}
    one = need(small("pixels", search={"kind": "genetic", "target": 3}, batch=10)).genomes
    assert need(small("pixels", **genetic)).genomes == one / 2 * 11
    assert need(small("pixels", **genetic, generations=4)).genomes == one / 2 * 5


def test_a_batch_that_cannot_fit_is_one_line_before_there_is_a_run(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_need, "available_memory", lambda: 4_000_000_000)
    experiment = small("pixels", batch=200, scoring={"batch": 16}, encoding={"kind": "pixels", "size": 4096})
    with pytest.raises(ConfigError) as caught:
        evolve(experiment, out=out)
    assert str(caught.value) == (
        "batch = 200 images of 1x4096x4096 takes at least 31.3 GB (images 3.4, genomes 26.8, one scoring batch 1.1), "
        "and 4.0 GB are free here; lower batch, encoding.size or scoring.batch, as in -S batch=20"
    )
    assert not out.exists()


def test_what_fits_or_is_not_known_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = small("pixels")
    parts = assemble(experiment)
    total = need(experiment).total
    for available in (None, total):
        monkeypatch.setattr(memory_need, "available_memory", lambda available=available: available)
        memory_need.check_memory(experiment, parts)
    monkeypatch.setattr(memory_need, "available_memory", lambda: total - 1)
    with pytest.raises(ConfigError):
        memory_need.check_memory(experiment, parts)


def test_what_the_system_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meminfo, limit = tmp_path / "meminfo", tmp_path / "memory.max"
    monkeypatch.setattr(memory_need, "_MEMINFO", meminfo)
    monkeypatch.setattr(memory_need, "_LIMITS", (limit,))
    meminfo.write_text("MemTotal: 9000 kB\nMemAvailable: 5000 kB\nSwapFree: 1000 kB\nHugePages_Total: 0\n")
    assert available_memory() == 6000 * 1024
    limit.write_text("max\n")
    assert available_memory() == 6000 * 1024
    limit.write_text("1000000\n")
    assert available_memory() == 1_000_000
    limit.unlink()
    meminfo.unlink()  # as on macOS
    monkeypatch.setattr("os.sysconf", lambda name: {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}[name])
    assert available_memory() == 4_096_000

    def unknown(name: str) -> int:
        raise ValueError("unrecognized configuration name")

    monkeypatch.setattr("os.sysconf", unknown)
    assert available_memory() is None
