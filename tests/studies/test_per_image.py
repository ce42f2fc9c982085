"""`evo-fool study per-image`: shares known beforehand, noise of the size of each change, runs and refusals."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support import small, write_mnist, write_photographs
from torch import nn

from evo_fool.classifiers.base import Classifier
from evo_fool.errors import ConfigError
from evo_fool.experiment import Experiment
from evo_fool.scenes.photographs import Photographs
from evo_fool.session import evolve
from evo_fool.session.gradient_run import lbfgs_runs, random_targets
from evo_fool.studies.context import Context
from evo_fool.studies.per_image import Options
from evo_fool.studies.per_image.changed import Material, of_runs
from evo_fool.studies.per_image.digits import JUDGES, TABLE
from evo_fool.studies.per_image.measure import NOISE, Changed, noise_of_size
from evo_fool.studies.per_image.study import PerImage
from evo_fool.studies.study import Skipped

SIDE = 16
SIGNS = np.where(np.random.default_rng(0).random((1, SIDE, SIDE)) < 0.5, -1, 1)


def linear(name: str, signs: np.ndarray = SIGNS) -> Classifier:
    """Class "plus" where the image, less 128, agrees with the signs."""
    layer = nn.Linear(SIDE * SIDE, 2, bias=False)
    weights = torch.from_numpy(signs).flatten().float()
    layer.weight = nn.Parameter(torch.stack([weights, -weights]))
    network = nn.Sequential(nn.Flatten(), layer)
    return Classifier(
        network, classes=("plus", "minus"), size=SIDE, channels=1, scale=255, mean=128, std=100, name=name
    )


CLEAN = np.stack([128 + 2 * SIGNS] * 8).astype(np.uint8)


class Planted(PerImage):
    """Of changes and networks that the test hands in; the first network is the one that they were made for."""

    def __init__(self, images: np.ndarray, networks: Sequence[Classifier]) -> None:
        super().__init__(Options(runs=("planted",)))
        targets = np.ones(len(images), dtype=np.int64)
        self.made = [Changed("by hand", "lbfgs", networks[0].fingerprint(), CLEAN, images, targets)]
        self.networks = networks

    def load(self, context: Context) -> Material:
        return self.made, {network.name: context.scorer(network) for network in self.networks}


def test_shares_and_sizes_of_changes_known_beforehand() -> None:
    images = CLEAN - (4 * SIGNS).astype(np.int64) * np.array([1] * 6 + [0] * 2)[:, None, None, None]
    study = Planted(images.astype(np.uint8), [linear("own"), linear("opposite", -SIGNS)])
    data = study.measure(Context(None))
    (entry,) = data["photographs"]
    assert entry["pairs"] == 8 and entry["linf"] == [3, 4, 4]
    assert np.allclose(entry["distortion"][1:], 4 / 255)
    own, opposite = entry["on"]["own"], entry["on"]["opposite"]
    assert own["own"] and not opposite["own"]
    assert own["made"]["hit"][0] == own["made"]["changed"][0] == 0.75
    assert np.allclose(own["made"]["hit"][1:], [0.4093, 0.9285], atol=1e-3)  # Wilson's, 6 of 8
    assert (opposite["made"]["changed"][0], opposite["made"]["hit"][0]) == (0.75, 0.25)
    assert all(own[noise]["hit"][0] == 0 for noise in NOISE)
    rows = {row.what: row for row in study.rows(data)}
    row = rows["by hand (lbfgs), 8 photographs on own (its own): the answer is the target"]
    assert (row.ours, row.paper, row.control) == ("75.0 % (40.9 to 92.9)", "all", "0.0 %, 0.0 %")
    verdict, why = study.conclude(data)
    assert verdict == "new" and "the target is the answer in 75.0 % (40.9 to 92.9)" in why
    assert "Of opposite, for which it was not made, it changes the answer in 75.0 %" in why
    assert study.pictures(Context(None), data)[0].png.startswith(b"\x89PNG")


def test_noise_has_the_size_of_each_change_as_stored() -> None:
    rng = np.random.default_rng(1)
    clean = rng.integers(0, 256, (3, 3, 24, 24)).astype(np.uint8)
    clean[1] = 0  # half of the noise is clipped away
    changed = np.clip(clean + rng.normal(0, [[[[0.5]]], [[[20]]], [[[6]]]], clean.shape).round(), 0, 255).astype(
        np.uint8
    )
    noise = noise_of_size(clean, changed, 7)

    def change(images: np.ndarray) -> np.ndarray:
        return (images.astype(np.float64) - clean).reshape(3, -1)

    wanted = change(changed)
    gauss, signs = change(noise["Gaussian noise, equal l2"]), change(noise["random signs, equal L∞"])
    np.testing.assert_allclose(np.linalg.norm(gauss, axis=1), np.linalg.norm(wanted, axis=1), rtol=0.02)
    np.testing.assert_array_equal(np.abs(signs).max(axis=1), np.abs(wanted).max(axis=1))
    first = noise_of_size(clean[:1], changed[:1], 7)
    assert all(np.array_equal(first[name], noise[name][:1]) for name in NOISE)
    assert not np.array_equal(noise_of_size(clean, changed, 8)[NOISE[0]], noise[NOISE[0]])


def test_nothing_changed_is_nothing_added() -> None:
    noise = noise_of_size(CLEAN, CLEAN, 1)
    assert all(np.array_equal(noise[name], CLEAN) for name in NOISE)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_photographs(tmp_path, 12)


def test_runs_by_gradient_and_evolved_stand_side_by_side(photos: Path, tmp_path: Path) -> None:
    scene = {"kind": "perturbation", "photos": str(photos), "count": 3, "cells": ("random",)}
    search = {"kind": "gradient", "method": "lbfgs", "settings": {"iterations": 25, "searches": 1}}
    asked = Experiment.from_mapping({"name": "least", "batch": 1, "scene": scene, "search": search})
    paths, distortions = [], []
    for done in lbfgs_runs(asked, out=tmp_path / "runs"):
        with done.run as run:
            paths.append(str(run.path))
            distortions += done.distortion.tolist()
    place = {"between": (0, 1), "count": None, "epsilon": 30, "cells": ("3", "other")}
    evolved = evolve(small("pixels", generations=2, name="bred", scene=scene | place), out=tmp_path / "runs")
    study = PerImage(Options(runs=(*paths, str(evolved.path))))
    data = study.measure(Context(None))
    least, bred = data["photographs"]
    assert (least["name"], least["kind"], least["pairs"]) == ("least", "lbfgs", 3)
    assert (bred["name"], bred["kind"], bred["pairs"]) == ("bred", "evolved", 1)  # not the untargeted one
    (on,) = least["on"].values()
    assert on["own"] and on["made"]["hit"][0] == 1
    assert least["distortion"] == pytest.approx(np.quantile(distortions, (0.25, 0.5, 0.75)).tolist())
    assert bred["linf"][1] == 30
    photos.rename(tmp_path / "elsewhere.npz")
    with pytest.raises(ConfigError):
        of_runs(Context(None), Options(runs=(paths[0],)))
    moved = PerImage(Options(runs=tuple(paths), photos=str(tmp_path / "elsewhere.npz"))).measure(Context(None))
    assert moved["photographs"] == [least]


def test_what_is_no_change_of_one_photograph_is_refused(photos: Path, tmp_path: Path) -> None:
    scene = {"kind": "perturbation", "photos": str(photos), "count": 2, "cells": ("3",)}
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "its scene is alone"),
        ({"scene": scene}, "made on 2 photographs; those are for evo-fool study universal"),
        ({"scene": scene | {"count": 1, "cells": "other"}}, "holds no class to reach"),
    ]
    for changes, words in cases:
        run = evolve(small("pixels", generations=1, **changes), out=tmp_path / "runs")
        with pytest.raises(ConfigError, match=words):
            of_runs(Context(None), Options(runs=(str(run.path),)))


def test_the_page_without_data_is_skipped(small_reproduction: Context) -> None:
    with pytest.raises(Skipped, match="--data DIR"):
        PerImage().measure(small_reproduction)


def test_the_page_of_photographs(stand_in: Context) -> None:
    section = PerImage().section(stand_in)
    (entry,) = section.data["photographs"]
    assert (entry["name"], entry["pairs"], list(entry["on"])) == ("L-BFGS", 1, ["squeezenet1_1"])
    assert entry["on"]["squeezenet1_1"]["made"]["hit"][0] == 1
    assert section.verdict == "new" and section.why.startswith("L-BFGS, 1 photographs: median distortion")
    assert [(picture.name, picture.borrowed) for picture in section.pictures] == [("photographs-1", True)]
    assert stand_in.ledger.images > 10


def test_a_target_is_neither_label_nor_answer() -> None:
    minus = Photographs(CLEAN[:1], np.ones(1, dtype=np.int64), ("one",))
    with pytest.raises(ConfigError, match="photograph 4: own knows no class but its answer and the label"):
        random_targets(linear("own"), minus, 1, places=[4])
    plus = Photographs(CLEAN[:3], np.zeros(3, dtype=np.int64), ("one", "two", "three"))
    assert random_targets(linear("own"), plus, 1, places=[4, 5, 6]).tolist() == [1, 1, 1]


def test_the_page_of_digits(tmp_path: Path) -> None:
    write_mnist(tmp_path / "data", train=2000, test=40)
    context = Context(tmp_path / "report", "smoke", tmp_path / "data")
    section = PerImage().section(context)
    assert section.data == PerImage().section(context).data  # the second time from the cache
    digits = section.data["digits"]
    assert digits["digits"] == 10 and list(digits["networks"]) == list(TABLE)
    learned, errors = digits["networks"]["FC200-200-10"], digits["errors"]
    assert learned["error"] < 0.1 and learned["success"] == 1 and 0 < learned["distortion"] < 0.3
    assert errors["FC200-200-10"]["FC200-200-10"] == 1  # the target is not the label
    assert errors["FC200-200-10, Gaussian noise, equal l2"]["FC200-200-10"] < 0.5
    assert len(errors) == 3 + 3 * len(TABLE)
    assert "of 10 digits into the class asked for" in section.why
    rows = {row.what: row for row in section.rows}
    row = rows[f"MNIST, changed for FC10(1): error of {', '.join(JUDGES)}"]
    assert row.paper == "71.9 %, 48.1 %, 34.4 %" and row.control is not None
    assert context.ledger.images > 2000
    assert [picture.name for picture in section.pictures] == ["cross-errors"]
