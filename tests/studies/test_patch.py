"""`evo-fool study patch`: places as the scene draws them, success known beforehand, controls of the same size."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from support import small, write_photographs
from torch import nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError, EvoFoolError
from evo_fool.runs import Run
from evo_fool.runs.scenes import scene_of
from evo_fool.scenes.patch import Patch
from evo_fool.scenes.photographs import Photographs
from evo_fool.scenes.placement import compose_slowly
from evo_fool.session import evolve
from evo_fool.studies.context import Context
from evo_fool.studies.patch import Options
from evo_fool.studies.patch.measure import patched, placements, success
from evo_fool.studies.patch.patches import PlacedPatch, noise_picture, patch_of, read_published, surest
from evo_fool.studies.patch.study import Material, Patches

SIDE = 20


def brightness() -> Classifier:
    """Class "bright" where the mean of an image is above 100, of 255."""
    layer = nn.Linear(SIDE * SIDE, 2)
    layer.weight = nn.Parameter(torch.stack([torch.full((SIDE * SIDE,), -1.0), torch.full((SIDE * SIDE,), 1.0)]))
    layer.bias = nn.Parameter(torch.zeros(2))
    network = nn.Sequential(nn.Flatten(), layer)
    return Classifier(
        network, classes=("dark", "bright"), size=SIDE, channels=1, scale=255, mean=100, std=1000, name="brightness"
    )


def square(name: str, value: int, target: int = 1, side: int = 9, **more: Any) -> PlacedPatch:
    return PlacedPatch(name, "published", np.full((1, side, side), value, np.uint8), "square", target, **more)


class Planted(Patches):
    """Of patches that the test hands in, on photographs of grey 80."""

    def __init__(self, patches: list[PlacedPatch], **options: Any) -> None:
        super().__init__(Options(**options))
        self.patches = patches

    def load(self, context: Context) -> Material:
        images = np.full((30, 1, SIDE, SIDE), 80, np.uint8)
        photographs = Photographs(images, np.zeros(30, dtype=np.int64), tuple(map(str, range(30))))
        return Material(photographs, {"brightness": context.scorer(brightness())}, self.patches)


def test_success_is_as_the_area_says() -> None:
    natural = PlacedPatch("photograph", "natural", np.full((1, 9, 9), 120, np.uint8), "square", 1)
    study = Planted([square("white", 255), square("grey", 120), natural], shares=(0.05, 0.25), rotation=0)
    data = study.measure(Context(None))
    by_name = {(e["name"], e["share"]): e for e in data["effects"]}
    # White on grey 80 adds 175 of 255 times the share: a mean above 100 needs a share above .114.
    assert [by_name["white", share]["hit"] for share in (0.05, 0.25)] == [0, 1]
    assert [by_name["grey", share]["hit"] for share in (0.05, 0.25)] == [0, 0]
    assert [by_name["white", share]["fooled"] for share in (0.05, 0.25)] == [0, 1]
    assert by_name["white", 0.25]["hit_low"] == pytest.approx(0.8865, abs=1e-3)  # 30 of 30
    assert all(e["noise"] == by_name["white", e["share"]]["noise"] for e in data["effects"]), "one noise a form"
    rows = study.rows(data)
    assert rows[3].what == "white (published) at 25 % on brightness" and str(rows[3].ours).startswith("100.0 % (88.")
    assert rows[3].control == "noise 0.0 %, photograph 0.0 %"
    assert "bright, of 30; answers changed 100.0 %" in rows[3].note
    assert rows[5].control == "noise 0.0 %", "a photograph does not stand beside itself"
    why = study.conclude(data)[1]
    assert "natural at 25 % of the area 0.0 %, changed 0.0 %. Of 4 pairs of patch, share and network, 1 reach" in why
    assert study.pictures(Context(None), data)[0].png.startswith(b"\x89PNG")


def test_photographs_of_the_class_or_taken_for_it_do_not_count() -> None:
    clean, labels = np.array([0, 1, 0, 2, 2]), np.array([0, 0, 1, 2, 2])
    told = success(clean, np.array([1, 1, 1, 1, 0]), labels, 1)
    assert (told["tested"], told["hit"]) == (3, pytest.approx(2 / 3))
    assert success(clean, clean, None, 1)["tested"] == 4
    assert success(np.array([1]), np.array([1]), None, 1) == {"tested": 0, "hit": 0, "hit_low": 0, "hit_high": 0}


@pytest.mark.parametrize("form", ["disc", "square"])
def test_places_and_pixels_are_those_of_the_scene(tmp_path: Path, form: Any) -> None:
    photos = write_photographs(tmp_path, 5)
    scene = {"kind": "patch", "photos": str(photos), "share": 0.2, "form": form, "places": 1, "cells": ["3"]}
    with evolve(small("pixels", generations=1, scene=scene), out=tmp_path) as run:
        made = scene_of(run)
        patch = patch_of(run, None, made.scorer.classifier, "")
    assert isinstance(made, Patch)
    assert (patch.kind, patch.target, patch.photographs) == ("evolved", 3, 5)
    side = made.placements[0].side
    assert np.array_equal(patch.at(side), patch.picture)
    images = made.originals()
    assert np.array_equal(patched(images, patch.at(side), form, made.placements), made.shown(patch.picture))
    places = placements(5, form, 0.1, rotation=30, size=(28, 28), seed=4)
    assert places == placements(5, form, 0.1, rotation=30, size=(28, 28), seed=4)
    assert places != placements(5, form, 0.1, rotation=30, size=(28, 28), seed=5)
    reduced = patch.at(places[0].side)
    assert reduced.shape[1] < patch.picture.shape[1]
    slow = [compose_slowly(place, form, reduced, image) for place, image in zip(places, images, strict=True)]
    assert np.array_equal(patched(images, reduced, form, places), slow)


def test_a_larger_patch_is_reduced_by_means_and_noise_fills_every_pixel() -> None:
    stripes = PlacedPatch("stripes", "published", np.tile(np.array([0, 255], np.uint8), (1, 40, 20)), "square", 0)
    assert abs(stripes.at(10).astype(int) - 128).max() <= 20
    assert stripes.at(40.5) is stripes.picture
    noise = noise_picture("disc", 0.1, (3, 224, 224), 1)
    assert noise.shape == (3, 80, 80) and abs(noise.mean() - 127.5) < 2
    assert np.array_equal(noise, noise_picture("disc", 0.1, (3, 224, 224), 1))
    assert not np.array_equal(noise, noise_picture("disc", 0.1, (3, 224, 224), 2))


def test_the_surest_photograph_stands_beside_and_is_not_tested_on(tmp_path: Path) -> None:
    values = np.array([10, 110, 130, 120], np.uint8)
    images = np.broadcast_to(values[:, None, None, None], (4, 1, SIDE, SIDE))
    photographs = Photographs(images, np.array([0, 1, 1, 0]), tuple("abcd"))
    scorer = Scorer(brightness(), batch=4, view="auto", device=torch.device("cpu"))
    found = surest(scorer, photographs, 1)
    assert found is not None and found[0, 0, 0] == 130
    assert surest(scorer, photographs, 2) is None
    photos = write_photographs(tmp_path, 20)
    with run_on(photos, tmp_path, between=(0, 10)) as run:
        pass
    context = Context(None)
    material = Patches(Options(runs=(str(run.path),), between="10,20")).load(context)
    assert [one.kind for one in material.patches] == ["evolved", "natural"]
    assert material.patches[1].name == "photograph of 3, disc"
    tested = {image.tobytes() for image in material.photographs.images}
    assert material.patches[1].source not in tested and len(material.photographs) in (9, 10)
    assert not context.remarks


def run_on(photos: Path, out: Path, **scene: Any) -> Run:
    settings = {"kind": "patch", "photos": str(photos), "share": 0.2, "places": 1, "cells": ["3"]} | scene
    return evolve(small("pixels", generations=2, scene=settings), out=out)


def test_published_patches_go_by_the_number_of_their_class(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 7, 4), dtype=np.uint8)
    Image.fromarray(pixels[..., :3]).save(tmp_path / "1_bright.png")
    pixels[..., 3] = 255
    pixels[0, 0, 3] = 0
    Image.fromarray(pixels).save(tmp_path / "0_dark.png")
    disc, whole = read_published(tmp_path, brightness())
    assert (disc.name, disc.form, disc.target) == ("0_dark", "disc", 0)
    assert (whole.name, whole.form, whole.target, whole.picture.shape) == ("1_bright", "square", 1, (1, 7, 7))
    (tmp_path / "1_text.png").write_text("no image")
    Image.fromarray(pixels[:4, :, :3]).save(tmp_path / "1_wide.png")
    os.mkfifo(tmp_path / "1_pipe.png")
    (tmp_path / "empty").mkdir()
    for name, message in {
        "1_text.png": "not readable as an image",
        "1_wide.png": "7x4 pixels; a patch is square",
        "1_pipe.png": "there is no such file",
        "1_none.png": "there is no such file",
        "2_none.png": "begins with no class of brightness, 0 to 1",
        "banana.png": "begins with no class",
        "empty": "no PNG in it",
    }.items():
        with pytest.raises(ConfigError, match=message) as refused:
            list(read_published(tmp_path / name, brightness()))
        assert "\n" not in str(refused.value)


def test_what_cannot_be_tested_is_refused_in_one_line(tmp_path: Path) -> None:
    photos = write_photographs(tmp_path, 6)
    run, several = (str(run_on(photos, tmp_path, cells=cells).path) for cells in (["3"], ["3", "4"]))
    alone = str(evolve(small("pixels", generations=1), out=tmp_path).path)
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "no patch to test"),
        ({"published": ("1_x.png",)}, "no network to fool"),
        ({"runs": (alone,)}, "its scene is alone"),
        ({"runs": (several,)}, "2 classes have a patch; name one: --target"),
        ({"runs": (run,), "target": "5"}, "5"),
        ({"runs": (run,)}, "its 6 photographs are all used"),
        ({"runs": (run, run), "between": "0,5"}, "given twice"),
        ({"runs": (run,), "between": "0,5", "natural": str(tmp_path / "none.jpg")}, "none.jpg"),
    ]
    for options, message in cases:
        with pytest.raises(EvoFoolError, match=message) as refused:
            Patches(Options(**options)).load(Context(None))
        assert "\n" not in str(refused.value)
