"""The gallery of a run over photographs: its cells are shown as classes are."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from support import small, write_photographs

from evo_fool.gallery.app import Gallery
from evo_fool.gallery.data import tasks
from evo_fool.gallery.data.run_registry import Library
from evo_fool.probability import probability
from evo_fool.runs import open_run
from evo_fool.session import evolve

HTML = {"accept": "text/html"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scene")
    scene = {"kind": "perturbation", "photos": str(write_photographs(folder, 4)), "epsilon": 60}
    with evolve(small("pixels", generations=5, scene=scene), out=folder / "runs") as made:
        return made.path


@pytest.fixture
def client(run: Path) -> Iterator[TestClient]:
    with TestClient(Gallery(Library(run.parent), interval=0.02, settled=0.0), base_url="http://localhost") as client:
        yield client


def test_pages_of_every_cell(run: Path, client: TestClient) -> None:
    tiles = client.get(f"/runs/{run.name}.json").json()["tiles"]
    assert [tile["name"] for tile in tiles] == [*map(str, range(10)), "anything else"]
    for page in (f"/runs/{run.name}", f"/runs/{run.name}/classes/10", f"/runs/{run.name}/plots", "/"):
        assert client.get(page, headers=HTML).status_code == 200
    assert client.get(f"/runs/{run.name}/classes/10.json").json()["name"] == "anything else"
    assert "anything else" in client.get(f"/runs/{run.name}/classes.csv").text


def test_top_five_are_cells_scored_over_the_photographs(run: Path) -> None:
    with open_run(run) as opened:
        elite = opened["other"]
        scores = probability(opened.scene.score(opened.image("other")[None])[0])
    found = tasks.top_five(run, elite.id)
    assert found["reason"] is None and found["top5"] is not None
    assert [guess["p"] for guess in found["top5"]] == pytest.approx(sorted(scores, reverse=True)[:5], abs=1e-6)


def test_without_its_photographs_the_top_five_say_why(tmp_path: Path) -> None:
    photos = write_photographs(tmp_path, 3)
    scene = {"kind": "perturbation", "photos": str(photos)}
    with evolve(small("pixels", generations=1, scene=scene), out=tmp_path / "runs") as made:
        photos.unlink()
        found = tasks.top_five(made.path, made[0].id)
    assert found["top5"] is None
    assert "photographs.npz: No such file" in str(found["reason"])
