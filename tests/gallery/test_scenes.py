"""The gallery of a run over photographs: its cells are shown as classes are."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient
from support import change, small, write_photographs

from evo_fool.errors import ConfigError
from evo_fool.gallery.app import Gallery
from evo_fool.gallery.data import scene_view, tasks
from evo_fool.gallery.data.run_registry import Library
from evo_fool.gallery.templating import render_page
from evo_fool.gallery.urls import Urls
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


def test_pictures_that_the_scene_cannot_use_are_refused(tmp_path: Path) -> None:
    scene = {"kind": "perturbation", "photos": str(write_photographs(tmp_path, 3))}
    with evolve(small("pixels", generations=1, scene=scene), out=tmp_path / "runs") as made:
        change(made.path, "UPDATE meta SET value = '[3, 28, 28]' WHERE key = 'image_shape'", reseal=True)
        with open_run(made.path) as run, pytest.raises(ConfigError, match="pictures have 3 channel"):
            tasks.trusted_scene(run)


def test_photographs_before_and_after(run: Path, client: TestClient) -> None:
    page = client.get(f"/runs/{run.name}/classes/3.json").json()
    with open_run(run) as opened:
        scene, picture = opened.scene, opened.image("3")
    twin = page["scene"].replace("scene?", "scene.json?")
    view = client.get(twin).json()
    assert (view["kind"], view["reason"], len(view["pairs"])) == ("perturbation", None, 4)
    assert view["facts"]["fooled"] and view["facts"]["photographs"] == "4"
    for when, images in (("before", scene.originals()), ("after", scene.shown(picture))):
        chances = probability(scene.scorer.score(images))
        for pair, p in zip(view["pairs"], chances, strict=True):
            assert pair[when]["class"] == p.argmax() and pair[when]["p"] == pytest.approx(p.max(), abs=1e-6)
            assert (pair[f"aim_{when}"]["name"], pair[f"aim_{when}"]["p"]) == ("3", pytest.approx(p[3], abs=1e-6))
    sheet = np.array(Image.open(BytesIO(client.get(view["sheet"]).content)))
    assert sheet.shape == (3 * 28, 10 * 28)
    assert (sheet[:28, : 4 * 28] == np.concatenate(scene.originals()[:, 0], axis=1)).all()
    assert (sheet[28:56, : 4 * 28] == np.concatenate(scene.shown(picture)[:, 0], axis=1)).all()
    amplified = (sheet[56:, :28].astype(float) - 127.5) / view["amplified"]
    assert np.abs(amplified).max() <= 60.5 and np.ptp(sheet[56:, :28]) > 200
    html = client.get(page["scene"], headers=HTML).text
    assert "<html" not in html and f'src="{view["sheet"]}"' in html and "amplified" in html
    assert client.get(f"/runs/{run.name}/classes/10.json").json()["scene"].endswith("?class=10")


def test_an_untargeted_picture_has_no_aim(run: Path, client: TestClient) -> None:
    page = client.get(f"/runs/{run.name}/classes/10.json").json()
    pairs = client.get(page["scene"].replace("scene?", "scene.json?")).json()["pairs"]
    assert {pair["aim_after"] for pair in pairs} == {None}


def test_patches_and_programs(tmp_path: Path) -> None:
    photos = str(write_photographs(tmp_path, 3))
    patch = {"kind": "patch", "photos": photos, "share": 0.4, "cells": "other"}
    program = {"kind": "program", "inner": 12, "count": 20, "held_out": 30}
    for scene in (patch, program):
        with evolve(small("pixels", generations=2, scene=scene), out=tmp_path / "runs") as made:
            view = scene_view.scene_view(made.path, made[0].id, 0)
            sheet = scene_view.scene_sheet(made.path, made[0].id)
        assert view["reason"] is None and view["amplified"] is None
        assert Image.open(BytesIO(sheet)).size == (280, 56)
        if scene is program:
            assert view["confusion"] is not None and np.sum(view["confusion"]["counts"]) == 30
            assert [pair["label"] for pair in view["pairs"]] == list("123456")
            assert [pair["aim_after"]["class"] for pair in view["pairs"] if pair["aim_after"]] == list(range(6))
            html = render_page({**view, "sheet": "/sheet"}, Urls()).decode()
            assert html.count('class="right"') == 10 and "by chance" in html
        else:
            assert view["confusion"] is None and len(view["pairs"]) == 3


def test_what_cannot_be_shown_says_why(tmp_path: Path) -> None:
    photos = write_photographs(tmp_path, 3)
    scene = {"kind": "perturbation", "photos": str(photos)}
    with evolve(small("pixels", generations=1, scene=scene), out=tmp_path / "runs") as made:
        photos.unlink()
        view = scene_view.scene_view(made.path, made[0].id, 0)
        assert "photographs.npz: No such file" in str(view["reason"]) and not view["pairs"]
        assert "photographs.npz: No such file" in render_page(view, Urls()).decode()
        write_photographs(tmp_path, 4)
        assert "other photographs" in str(scene_view.scene_view(made.path, made[0].id, 0)["reason"])


def test_pictures_that_stand_alone_have_no_scene(tmp_path: Path) -> None:
    with evolve(small("pixels", generations=1), out=tmp_path) as made:
        name, id = made.path.name, made[0].id
    with TestClient(Gallery(Library(tmp_path), interval=0.02, settled=0.0), base_url="http://localhost") as client:
        assert client.get(f"/runs/{name}/classes/0.json").json()["scene"] is None
        for address in ("scene", "scene.json", "scene.png"):
            assert client.get(f"/runs/{name}/individuals/{id}/{address}").status_code == 404
