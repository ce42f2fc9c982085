"""The encoding of docs/howto/add-an-encoding.md works wherever evo-fool's own do, without a change here."""

import importlib.util
import io
import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from strokes_package import install, write_package

from evo_fool.errors import ConfigError, CorruptRunError
from evo_fool.exchange.export import export
from evo_fool.experiment import Experiment
from evo_fool.gallery.app import Gallery
from evo_fool.gallery.data.run_registry import Library
from evo_fool.gallery.site import write_site
from evo_fool.pictures.genome_graph import draw_individual
from evo_fool.pictures.poster import write_poster
from evo_fool.pictures.sheet import draw_sheet
from evo_fool.runs import Run, digest, open_run, verify
from evo_fool.runs.experiment_diff import configuration_digest
from evo_fool.session import evolve, resume

ROOT = Path(__file__).parents[2]


@pytest.fixture
def strokes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package, found as if installed; its folder."""
    folder = write_package(tmp_path / "package")
    install(folder)
    monkeypatch.syspath_prepend(folder)
    yield folder
    sys.modules.pop("evo_fool_strokes", None)


def experiment(**changes: Any) -> Experiment:
    settings = {"name": "strokes", "batch": 8, "generations": 3, "encoding": {"kind": "strokes", "strokes": 5}}
    return Experiment.from_mapping(settings | changes)


@pytest.fixture
def run(strokes: Path, out: Path) -> Iterator[Run]:
    with evolve(experiment(), out=out) as run:
        yield run


def test_the_experiment_of_the_page(strokes: Path) -> None:
    read = Experiment.from_yaml(strokes / "strokes.yaml")
    assert read.encoding.model_dump() == {"kind": "strokes", "size": None, "strokes": 8, "rate": 0.1}
    assert Experiment.model_validate_json(read.model_dump_json()) == read
    assert read.with_overrides(["encoding.rate=0.5"]).encoding.model_dump()["rate"] == 0.5


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"kind": "strokes", "stroks": 3}, r"unknown key 'stroks'; did you mean 'strokes'\? in encoding"),
        ({"kind": "strokes", "strokes": 0}, r"encoding\.strokes = 0: should be greater than or equal to 1"),
        ({"kind": "strokse"}, r"encoding\.kind = 'strokse' is unknown; did you mean 'strokes'\?"),
    ],
)
def test_mistakes_are_named(strokes: Path, section: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        experiment(encoding=section)


def test_a_run_resumes_to_the_same_digest_and_verifies(run: Run, out: Path) -> None:
    with resume(run.path, generations=6) as extended, evolve(experiment(generations=6), out=out) as whole:
        assert digest(extended.store) == digest(whole.store)
        assert verify(extended).clean
        assert extended.genome(next(iter(extended))).shape == (5, 5)


def test_without_its_package_a_run_is_refused(run: Run, strokes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(strokes)])
    with pytest.raises(CorruptRunError, match="'strokes' is unknown"), open_run(run.path) as opened:
        _ = opened.encoding


def test_what_it_asks_decides_the_configuration(strokes: Path) -> None:
    def asked(**section: Any) -> str:
        wanted = experiment(encoding={"kind": "strokes", **section})
        return configuration_digest(wanted, "f", size=28, channels=1)

    assert asked() == asked(size=28, strokes=8)
    assert len({asked(), asked(strokes=9), asked(rate=0.2), asked(size=32)}) == 4


def test_export(run: Run, tmp_path: Path) -> None:
    files = export(run, tmp_path / "to", what=("png", "genomes", "npz"), size=64).files
    genomes = [json.loads(file.read_text()) for file in files if file.suffix == ".json"]
    assert len(genomes) == len(run) > 0
    assert genomes[0]["genome"]["strokes"] == run.genome(genomes[0]["class_index"]).tolist()


def test_gallery(run: Run, tmp_path: Path) -> None:
    id, name = run.elites[0].id, run.path.name
    with TestClient(Gallery(Library(run.path.parent)), base_url="http://localhost") as client:
        page = client.get(f"/runs/{name}/individuals/{id}")
        assert page.status_code == 200 and "5 strokes" in page.text and "graph.svg" not in page.text
        assert client.get(f"/runs/{name}?sort=complexity").status_code == 200
        assert client.get(f"/runs/{name}/images/{id}/256.png").headers["content-type"] == "image/png"
        assert client.get(f"/runs/{name}/individuals/{id}/genome.json").json()["genome"]["kind"] == "strokes"
        arrays = np.load(io.BytesIO(client.get(f"/runs/{name}/individuals/{id}/genome.npz").content))
    assert arrays["strokes"].shape == (5, 5) and arrays["image"].shape == (1, 28, 28)
    assert write_site(run, tmp_path / "site").index.is_file()


def test_pictures(run: Run, tmp_path: Path) -> None:
    elite = run.elites[0]
    assert draw_sheet(run, rerender=True).size > (100, 100)
    assert write_poster(run, elite.class_index, tmp_path / "a.png", size="200px").side == 200
    with pytest.raises(ConfigError, match="evolves strokes: only a CPPN has a graph"):
        draw_individual(run, elite.id)


@pytest.mark.alone
@pytest.mark.skipif(importlib.util.find_spec("hatchling") is None, reason="hatchling, which builds wheels, is missing")
def test_the_page_from_installed_wheels(tmp_path: Path) -> None:
    """In an environment that has both wheels and the libraries, but not this checkout."""
    package, place = write_package(tmp_path / "package"), tmp_path / "environment"
    for source in (ROOT, package):
        _python(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "wheels", cwd=source)
    venv.create(place, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(place)}))
    wheels = sorted((tmp_path / "wheels").glob("*.whl"))
    assert len(wheels) == 2
    _python(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", site, *wheels)
    # addsitedir would follow the checkout's editable install; a plain path does not.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = place / "bin" / "python"
    where = _python(python, "-c", "import evo_fool; print(evo_fool.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(place)
    run = ("-m", "evo_fool", "run", package / "strokes.yaml", "-S", "generations=2")
    _python(python, *run, cwd=tmp_path)
    assert "strokes" in _python(python, "-m", "evo_fool", "show", "latest", "--json", cwd=tmp_path)
    _python(python, "-m", "evo_fool", "verify", "latest", cwd=tmp_path)


def _python(python: str | Path, *arguments: str | Path, cwd: Path | None = None) -> str:
    """Run an interpreter that does not see this checkout by PYTHONPATH; its output."""
    kept = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry and Path(entry) != ROOT]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(kept)}
    done = subprocess.run([python, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout
