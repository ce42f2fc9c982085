"""`evo-fool study universal`: rates known beforehand, noise of exactly the asked size, held-out photographs."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from support import small, write_photographs
from torch import nn

from evo_fool.classifiers.base import Classifier
from evo_fool.errors import ConfigError
from evo_fool.runs import Run
from evo_fool.runs.scenes import scene_of
from evo_fool.scenes.photographs import Photographs
from evo_fool.session import evolve
from evo_fool.studies import study_of
from evo_fool.studies.context import Context
from evo_fool.studies.run_groups import compared, group_labels, over_runs, rows_over_runs
from evo_fool.studies.universal import Options
from evo_fool.studies.universal.measure import changed_images, effect
from evo_fool.studies.universal.perturbations import (
    UniversalPerturbation,
    noise_beside,
    perturbations_of,
    read_published,
)
from evo_fool.studies.universal.published import across, own
from evo_fool.studies.universal.study import Material, Universal

from .conftest import StandIn

SIDE = 16
SIGNS = np.where(np.random.default_rng(0).random((1, SIDE, SIDE)) < 0.5, -1, 1).astype(np.float32)


def linear(name: str = "linear") -> Classifier:
    """Class "plus" where the image, less 128, agrees with the signs."""
    layer = nn.Linear(SIDE * SIDE, 2, bias=False)
    weights = torch.from_numpy(SIGNS).flatten()
    layer.weight = nn.Parameter(torch.stack([weights, -weights]))
    network = nn.Sequential(nn.Flatten(), layer)
    return Classifier(
        network, classes=("plus", "minus"), size=SIDE, channels=1, scale=255, mean=128, std=100, name=name
    )


PHOTOGRAPHS = Photographs(
    np.stack([128 + (2 + n % 3) * SIGNS for n in range(20)]).astype(np.uint8),
    np.zeros(20, dtype=np.int64),
    tuple(map(str, range(20))),
)


def published(name: str, values: np.ndarray) -> UniversalPerturbation:
    return UniversalPerturbation(name, "published", values.astype(np.float32), float(np.abs(values).max()))


class Planted(Universal):
    """Of perturbations and networks that the test hands in."""

    def __init__(self, made: Sequence[UniversalPerturbation], networks: Sequence[Classifier], **options: Any) -> None:
        super().__init__(Options(**options))
        self.made, self.networks = made, networks

    def load(self, context: Context) -> Material:
        noise = noise_beside(self.made, 1)
        controls = {one.name: [c.name for c in beside] for one, beside in zip(self.made, noise, strict=True)}
        distinct = {control.name: control for beside in noise for control in beside}
        networks = {network.name: context.scorer(network) for network in self.networks}
        return Material(PHOTOGRAPHS, networks, [*self.made, *distinct.values()], controls)


def run_on(photos: Path, out: Path, **scene: Any) -> Run:
    settings = {"kind": "perturbation", "photos": str(photos), "epsilon": 60, "cells": "other"} | scene
    return evolve(small("pixels", generations=2, scene=settings), out=out)


def test_signs_against_a_linear_network_flip_every_answer_and_zeros_none() -> None:
    made = [published("against", -10 * SIGNS), published("nothing", 0 * SIGNS)]
    study = Planted(made, [linear()], epsilons=(1, 3, 5))
    data = study.measure(Context(None))
    against, nothing = data["effects"][:2]
    assert (against["fooled"], against["accuracy"], against["dominant"]) == (1, 0, [["minus", 1]])
    assert against["moves"] == [["plus", "minus", 20]]
    assert (against["graph"], nothing["graph"]) == ([["minus", 20, 1, ["plus"]]], [])
    assert np.allclose(against["curve"], [0, 7 / 20, 1])  # 2, 3 and 4 grey values of agreement; equal is no change
    assert (nothing["fooled"], nothing["accuracy"], nothing["curve"], nothing["moves"]) == (0, 1, [0, 0, 0], [])
    signs, gauss = (
        next(e for e in data["effects"] if e["perturbation"] == name) for name in data["perturbations"][0]["controls"]
    )
    assert max(signs["fooled"], gauss["fooled"]) < 1
    why = study.conclude(data)[1]
    assert "against fools linear on 100.0 % (83.9 to 100.0)" in why
    assert "Of 2 pairs of perturbation and network, 1 lie above noise of equal L∞" in why
    row = study.rows(data)[0]
    assert row.what == "against (published) on linear"
    assert row.control == f"{100 * signs['fooled']:.1f} %, {100 * gauss['fooled']:.1f} %"
    assert "most often minus (100.0 %); accuracy 100.0 %, then 0.0 %" in row.note
    assert study.pictures(Context(None), data)[0].png.startswith(b"\x89PNG")


def test_identical_networks_are_fooled_alike() -> None:
    made = [published("some", -3 * SIGNS)]
    data = Planted(made, [linear("one"), linear("two")]).measure(Context(None))
    one, two = ([e | {"network": ""} for e in data["effects"] if e["network"] == name] for name in ("one", "two"))
    assert one == two


def test_effect_has_wilsons_interval() -> None:
    clean = np.zeros(250, dtype=np.int64)
    found = np.repeat([1, 0], [200, 50])
    told = effect(clean, found, None, ("a", "b"))
    assert told["fooled"] == 0.8
    # (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n) with z = 1.96
    assert told["low"] == pytest.approx(0.7461, abs=1e-4)
    assert told["high"] == pytest.approx(0.8449, abs=1e-4)
    assert told["accuracy"] is None


def test_noise_has_exactly_the_sizes_asked() -> None:
    rng = np.random.default_rng(2)
    made = [
        published("clipped", rng.normal(0, 10, (3, 9, 9)).clip(-10, 10)),
        published("full", np.full((3, 9, 9), 10)),
        published("small", np.full((3, 9, 9), 4)),
    ]
    first, second, third = noise_beside(made, seed=5)
    assert [one.name for one in first] == [one.name for one in second]
    signs, gauss = first
    assert set(np.unique(signs.values)) == {-10, 10}
    assert gauss.l2 == pytest.approx(max(made[0].l2, made[1].l2), rel=1e-6)
    assert np.abs(third[0].values).max() == 4
    flat = [published(str(n), np.eye(9)[None] * np.r_[n, [0] * 8]) for n in (50, 50.2)]
    names = [control.name for controls in noise_beside(flat, seed=5) for control in controls]
    assert len(set(names)) == 4
    assert third[1].l2 == pytest.approx(made[2].l2, rel=1e-6)
    again = noise_beside(made, seed=5)[0]
    assert all(np.array_equal(a.values, b.values) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(noise_beside(made, seed=6)[0][0].values, signs.values)


def test_a_published_array_is_transposed_and_others_are_refused(tmp_path: Path) -> None:
    def saved(array: Any, **options: Any) -> Path:
        np.save(tmp_path / "some.npy", array, **options)
        return tmp_path / "some.npy"

    values = np.random.default_rng(1).uniform(-10, 10, (5, 7, 3)).astype(np.float32)
    read = read_published(saved(values), (3, 5, 7))
    assert read.name == "some"
    assert np.array_equal(read.values, values.transpose(2, 0, 1))
    for wrong, message in (
        (values[:4], r"holds float32 \(4, 7, 3\); the networks need floating point \(5, 7, 3\)"),
        (values.astype(np.int8), "holds int8"),
        (values * 100, "its largest value is"),
        (values * np.nan, "its largest value is nan"),
    ):
        with pytest.raises(ConfigError, match=message) as refused:
            read_published(saved(wrong), (3, 5, 7))
        assert "\n" not in str(refused.value)
    with pytest.raises(ConfigError, match=r"not a \.npy file of plain numbers"):
        read_published(saved(np.array([{}]), allow_pickle=True), (3, 5, 7))
    for damaged in (b"PK\x03\x04", b"\x93NUMPY\x01\x00\x04\x00(((("):
        (tmp_path / "some.npy").write_bytes(damaged)
        with pytest.raises(ConfigError, match=r"not a \.npy file of plain numbers"):
            read_published(tmp_path / "some.npy", (3, 5, 7))
    os.mkfifo(tmp_path / "pipe.npy")
    with pytest.raises(ConfigError, match="no regular file"):
        read_published(tmp_path / "pipe.npy", (3, 5, 7))
    with pytest.raises(ConfigError, match="No such file"):
        read_published(tmp_path / "none.npy", (3, 5, 7))


@pytest.mark.parametrize("scene", [{}, {"norm": "l2", "epsilon": 900}, {"amplitude": "sign"}])
def test_a_runs_perturbation_makes_the_inputs_of_its_scene(tmp_path: Path, scene: dict[str, Any]) -> None:
    run = run_on(write_photographs(tmp_path, 5), tmp_path, **scene)
    (one,) = perturbations_of(run, (), (1, 28, 28))
    ours = changed_images(scene_of(run).originals(), one.values)
    assert np.array_equal(ours, scene_of(run).shown(run.image("other")))
    assert (one.kind, one.photographs) == ("evolved", 5)


def test_photographs_that_a_run_was_made_on_are_left_out(tmp_path: Path) -> None:
    photos = write_photographs(tmp_path, 12)
    run = run_on(photos, tmp_path, between=(0, 8), count=4)
    context = Context(None)
    material = Universal(Options(runs=(str(run.path),))).load(context)
    assert len(material.photographs) == 8
    used = {image.tobytes() for image in scene_of(run).originals()}  # type: ignore[attr-defined]
    assert not used & {image.tobytes() for image in material.photographs.images}
    assert not context.remarks
    data = Universal(Options(runs=(str(run.path),), between="6,12")).measure(context)
    assert data["photographs"] == 6
    assert [entry["own"] for entry in data["effects"]] == [True, False, False]
    assert context.remarks == [f"{run.path.name} was made on 1 of these 6 photographs"]


OTHER_PREPARATION = """
import torch
from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.preparation import Preparation

def build():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
    larger = Preparation(40)
    return Classifier(network, classes=list("0123456789"), size=28, channels=1, name="other", preparation=larger)
"""


def test_photographs_of_a_run_are_recognised_though_the_tested_network_prepares_them_otherwise(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for i in range(8):
        photograph = rng.integers(0, 256, (40, 40), dtype=np.uint8)
        (tmp_path / "photos" / str(i)).mkdir(parents=True)
        Image.fromarray(photograph).save(tmp_path / "photos" / str(i) / "photograph.png")
    (tmp_path / "other.py").write_text(OTHER_PREPARATION)
    run = run_on(tmp_path / "photos", tmp_path, between=(2, 5))
    context = Context(None)
    options = {"runs": (str(run.path),), "classifiers": (f"{tmp_path / 'other.py'}:build",)}
    material = Universal(Options(**options)).load(context)
    assert material.photographs.names == tuple(f"{i}/photograph.png" for i in (0, 1, 5, 6, 7))
    assert not context.remarks
    Universal(Options(**options, between="4,8")).load(context)
    assert context.remarks == [f"{run.path.name} was made on 1 of these 4 photographs"]


def grouped(rates: dict[str, list[float]]) -> list[dict[str, Any]]:
    """Groups of runs of some settings, with these fooling rates."""
    named = [(f"{setting} {i}", setting, rate) for setting, each in rates.items() for i, rate in enumerate(each)]
    made = [{"name": name, "setting": setting, "photographs": 16} for name, setting, _ in named]
    return over_runs(made, [{"name": name, "network": "net", "fooled": rate} for name, _, rate in named])


def test_groups_of_runs_have_a_mean_a_range_and_an_exact_test() -> None:
    groups = grouped({"evolved": [0.7, 0.8, 0.9], "drifted": [0.6, 0.65, 0.61], "two": [0.1, 0.2]})
    evolved, drifted, _ = groups
    assert (evolved["mean"], evolved["low"], evolved["high"]) == (pytest.approx(0.8), 0.7, 0.9)
    (pair,) = compared(groups)  # of two runs nothing can be said
    assert (pair["first"], pair["second"]) == (evolved, drifted)
    assert pair["p"] == pair["least"] == pytest.approx(2 / 20), "of 20 ways to part six runs two are as extreme"
    (tied,) = compared(grouped({"one": [0.5, 0.6, 0.7, 0.8], "other": [0.8, 0.7, 0.6, 0.5]}))
    assert tied["p"] == 1 and tied["least"] == pytest.approx(2 / 70)
    row = rows_over_runs(groups)[-1]
    assert (row.what, row.ours) == ("evolved less drifted, on net", "+18.0 points")
    assert "over 3 and 3 runs: p = 0.1, at least 0.1" in row.note


def test_runs_of_other_seeds_are_one_group_and_other_settings_another(tmp_path: Path) -> None:
    photos = write_photographs(tmp_path, 12)
    scene = {"kind": "perturbation", "photos": str(photos), "cells": "other", "between": (0, 8)}

    def run(seed: int = 1, count: int = 4, **changes: Any) -> Run:
        settings = {"generations": 1, "seed": seed, "scene": scene | {"count": count}} | changes
        return evolve(small("pixels", **settings), out=tmp_path)

    random = {"kind": "random", "mutations": (0, 3)}
    runs = [run(1), run(2, name="another name"), run(3, count=2), run(search=random), run(search={"kind": "random"})]
    labels = group_labels(runs)
    assert labels[0] == labels[1] == labels[2] == "small, search.kind map_elites"
    assert labels[3] == "small, search.kind random, search.mutations [0, 3]"
    assert labels[4] == "small, search.kind random, search.mutations 0"
    study = Universal(Options(runs=tuple(str(each.path) for each in runs), photos=str(photos), between="8,12"))
    data = study.measure(Context(None))
    by_count = next(table for table in study.tables(data) if "photographs used" in table.title)
    assert [line[:4] for line in by_count.lines] == [(labels[0], "lenet-mnist", 2, 1), (labels[0], "lenet-mnist", 4, 2)]
    row = next(row for row in study.rows(data) if row.what == f"{labels[0]}, 2 runs, on lenet-mnist")
    rates = [e["fooled"] for e in data["effects"] if e["perturbation"].endswith(tuple(r.meta["id"] for r in runs[:2]))]
    assert str(row.ours).startswith(f"{50 * sum(rates):.1f} % (")


def test_the_papers_figures_stand_beside_like_perturbations() -> None:
    assert (own(), across()) == ("77.8 to 93.7 %", "39.2 to 74.0 %")
    assert across("VGG-16") == "55.8 to 73.1 %"
    study = Planted([published("vgg_16", -10 * SIGNS), published("mine", 4 * SIGNS)], [linear()])
    rows = study.rows(study.measure(Context(None)))
    assert [row.paper for row in rows[:3]] == ["55.8 to 73.1 %", None, None]


def test_the_reports_page_makes_its_runs_once_and_skips_without_photographs(stand_in: StandIn, tmp_path: Path) -> None:
    photos = tmp_path / "data" / "imagenet" / "photos"
    section = study_of("universal").section(stand_in)
    assert section.verdict == "new" and "on 2 held-out photographs" in section.why
    gradient, signs, gauss = section.rows
    assert gradient.what.endswith("(gradient) on stand-in (its own)") and gradient.paper == own()
    assert signs.what.startswith("random signs, L∞ 10") and gauss.what.startswith("Gaussian noise")
    assert section.pictures[0].borrowed and section.commands and section.seeds == (1,)
    runs = sorted((stand_in.folder / "runs").glob("*universal-gradient*"))
    assert len(runs) == 1
    assert study_of("universal").section(stand_in).rows == section.rows
    assert sorted((stand_in.folder / "runs").glob("*universal-gradient*")) == runs, "found, not made again"
    shutil.rmtree(photos)
    skipped = study_of("universal").section(StandIn(stand_in.folder, tmp_path / "data", stand_in.network))
    assert skipped.verdict == "skipped" and "--data" in skipped.why


def test_what_cannot_be_tested_is_refused_in_one_line(tmp_path: Path) -> None:
    photos = write_photographs(tmp_path, 6)
    run = str(run_on(photos, tmp_path).path)
    alone = str(evolve(small("pixels", generations=1), out=tmp_path).path)
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "no perturbation to test"),
        ({"published": ("x.npy",)}, "no network to fool"),
        ({"runs": (run,)}, "its 6 photographs are all used"),
        ({"runs": (alone,)}, "its scene is alone"),
        ({"runs": (run,), "between": "5"}, "--between 5: give FIRST,END"),
        ({"runs": (run,), "between": "5,5"}, "give FIRST,END"),
        ({"runs": (run, run), "between": "0,5"}, "given twice"),
    ]
    for options, message in cases:
        with pytest.raises(ConfigError, match=message) as refused:
            Universal(Options(**options)).load(Context(None))
        assert "\n" not in str(refused.value)
    photos.unlink()
    others = write_photographs(tmp_path / "others", 9)
    with pytest.raises(ConfigError, match="made on are not found"):
        Universal(Options(runs=(run,), photos=str(others))).load(Context(None))
    context = Context(None)
    Universal(Options(runs=(run,), photos=str(others), between="0,9")).load(context)
    assert context.remarks[0].startswith("not checked whether")
