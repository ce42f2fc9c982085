"""Runs of pictures found by gradient: read, verified and exported as others, and never evolved."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support import easy_digits

from evo_fool import Experiment
from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.runs.digest import digest
from evo_fool.runs.verify import verify
from evo_fool.sections import ClassifierConfig
from evo_fool.session import resume
from evo_fool.session.gradient_run import gradient_run, lbfgs_runs


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """Twelve bars of the ten digits, which LeNet calls what it likes."""
    images, labels = easy_digits(12, 1)
    np.savez(tmp_path / "digits.npz", images=images[:, None], labels=labels.astype(np.int64))
    return tmp_path / "digits.npz"


def experiment(method: str, scene: dict[str, Any], **settings: Any) -> Experiment:
    search = {"kind": "gradient", "method": method, "settings": settings}
    return Experiment.from_mapping({"name": method, "batch": 1, "scene": scene, "search": search})


def perturbation(digits: Path, **changes: Any) -> dict[str, Any]:
    return {"kind": "perturbation", "photos": str(digits), "epsilon": 60, "cells": "other"} | changes


SCENES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "universal": ({"kind": "perturbation", "epsilon": 60, "cells": "other"}, {"passes": 3, "augment": False}),
    "patch": ({"kind": "patch", "cells": ("3",), "share": 0.2, "places": 2}, {"steps": 20, "every": 8}),
    "program": ({"kind": "program", "inner": 12, "count": 20, "held_out": 20}, {"epochs": 5, "every": 2}),
}


@pytest.mark.parametrize("method", SCENES)
def test_a_run_verifies_and_repeats(method: str, digits: Path, tmp_path: Path) -> None:
    scene, settings = SCENES[method]
    scene = scene | ({} if method == "program" else {"photos": str(digits)})
    found = []
    for out in ("a", "b"):
        run, report = gradient_run(experiment(method, scene, **settings), out=tmp_path / out)
        with run:
            assert (run.status, run.generation) == ("finished", 2)
            assert run.experiment.search.kind == "gradient" and len(run) == 1
            assert run.experiment.search.settings.items() >= settings.items()
            assert verify(run).clean
            assert report
            found.append((digest(run.store), report))
            path = run.path
    assert found[0] == found[1]
    with pytest.raises(ConfigError, match="cannot be evolved"):
        resume(path, generations=9)


def test_the_reported_rate_is_that_of_the_stored_picture(digits: Path, tmp_path: Path) -> None:
    run, report = gradient_run(
        experiment("universal", perturbation(digits), passes=4, augment=False), out=tmp_path / "runs"
    )
    images = np.load(digits)["images"]
    with run:
        moved = run.image(0).astype(np.float64) / 127.5 - 1
    shown = np.clip(np.rint(images + 60 * moved), 0, 255)
    lenet = load_classifier(ClassifierConfig(), torch.device("cpu"))
    clean, found = (lenet(torch.from_numpy((x / 255).astype(np.float32))).argmax(dim=1) for x in (images, shown))
    assert report["fooling_rate"] == float((clean != found).float().mean()) >= 0.5


def test_stopping_keeps_what_was_found(digits: Path, tmp_path: Path) -> None:
    reasons = iter(["", "ctrl-c"])
    run, _ = gradient_run(
        experiment("universal", perturbation(digits), passes=9), out=tmp_path / "runs", stop=lambda: next(reasons)
    )
    with run:
        assert (run.status, run.generation, len(run)) == ("stopped", 1, 1)
        assert verify(run).clean


def test_deepfool_may_end_early_and_is_finished(digits: Path, tmp_path: Path) -> None:
    pytest.importorskip("foolbox", reason="foolbox is an optional extra")
    scene = perturbation(digits, epsilon=120)
    run, report = gradient_run(experiment("universal-deepfool", scene, until=0.5), out=tmp_path / "runs")
    with run:
        assert run.status == "finished" and run.generation < 9
        assert report["fooling_rate"] >= 0.5


def test_lbfgs_leaves_a_run_a_photograph(digits: Path, tmp_path: Path) -> None:
    scene = perturbation(digits, cells=("3", "8"), count=2)
    asked = experiment("lbfgs", scene, iterations=25, searches=1)
    done = list(lbfgs_runs(asked, out=tmp_path / "runs"))
    assert [each.photograph for each in done] == ["image 0", "image 9"]  # by class, then place
    for each in done:
        assert each.success.all() and (each.distortion < 0.3).all()
        with each.run as run:
            assert run.classes == ("3", "8") and run.experiment.scene.between is not None
            assert all(elite.log_odds > -2.2 for elite in run.elites)  # the likeliest of ten has a tenth
            assert verify(run).clean


def test_lbfgs_draws_targets_that_are_neither_label_nor_answer(digits: Path, tmp_path: Path) -> None:
    def pairs(**changes: Any) -> dict[int, str]:
        asked = experiment("lbfgs", perturbation(digits, cells=("random",), **changes), iterations=25, searches=1)
        found = {}
        for done in lbfgs_runs(asked, out=tmp_path / "runs"):
            with done.run as run:
                assert run.classes == run.experiment.scene.cells and len(run) == 1
                assert run.experiment.scene.between == (done.place, done.place + 1)
                assert done.success.all()
                clean = int(np.load(digits)["labels"][int(done.photograph.split()[1])])
                assert done.targets[0] not in (clean, int(lenet(images[done.photograph]).argmax()))
                assert run.classes == (str(done.targets[0]),)
                found[done.place] = run.classes[0]
        return found

    lenet = load_classifier(ClassifierConfig(), torch.device("cpu"))
    images = {f"image {i}": torch.from_numpy(x / 255)[None].float() for i, x in enumerate(np.load(digits)["images"])}
    drawn = pairs(count=4)
    assert len(drawn) == 4 and len(set(drawn.values())) > 1
    assert pairs(between=(11, 12)) == {11: drawn[11]}  # whatever the others are


def test_lbfgs_keeps_the_photographs_that_are_finished(digits: Path, tmp_path: Path) -> None:
    asked = experiment("lbfgs", perturbation(digits, cells=("3",)), iterations=25, searches=1)
    shares = [0.0]
    done = list(
        lbfgs_runs(
            asked,
            out=tmp_path / "runs",
            report=lambda share, _: shares.append(share),
            stop=lambda: "ctrl-c" if shares[-1] > 8 else "",
        )
    )
    assert 0 < len(done) < 12
    for each in done:
        with each.run as run:
            assert run.status == "finished" and verify(run).clean


class Severed(torch.nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)[:, :10].detach()


def test_bad_input_leaves_no_run(digits: Path, tmp_path: Path) -> None:
    out = tmp_path / "runs"

    def refused(words: str, method: str, scene: dict[str, Any], **settings: Any) -> None:
        with pytest.raises(ConfigError, match=words):
            gradient_run(experiment(method, scene, **settings), out=out)

    scene = perturbation(digits)
    refused("did you mean 'passes'", "universal", scene, pases=3)
    refused("passes = 0: must be a whole number", "universal", scene, passes=0)
    refused("augment = 1: must be true or false", "universal", scene, augment=1)
    refused("'sideways' is unknown", "sideways", scene)
    refused("needs scene.kind: patch", "patch", scene)
    refused("11 cells; universal optimises one", "universal", scene | {"cells": "all"})
    refused("amplitude: linear", "universal", scene | {"amplitude": "sign"})
    refused("DeepFool reaches no class", "universal-deepfool", scene | {"cells": ("3",)})
    refused("needs a class to reach", "patch", {"kind": "patch", "photos": str(digits), "cells": "other"})
    refused("one run a photograph", "lbfgs", scene)
    for words, method, changes in (
        ("name those to reach", "lbfgs", {}),
        ("needs search.method: lbfgs", "universal", {"cells": ("3",)}),
        ("amplitude: linear", "lbfgs", {"cells": ("3",), "amplitude": "sign"}),
        ("no such class", "lbfgs", {"cells": ("eleven",)}),
        ("names a class twice", "lbfgs", {"cells": ("3", "8", "3")}),
        (r"there are 12 photographs in .*; ask for fewer", "lbfgs", {"cells": ("3",), "count": 13}),
    ):
        with pytest.raises(ConfigError, match=words):
            next(lbfgs_runs(experiment(method, scene | changes), out=out))
    severed = Classifier(Severed(), classes=range(10), size=28, channels=1, name="severed")
    with pytest.raises(ClassifierError, match="evolve instead"):
        gradient_run(experiment("universal", scene), out=out, classifier=severed)
    with pytest.raises(ConfigError, match=r"needs search.kind: gradient"):
        gradient_run(Experiment(), out=out)
    assert not out.exists()
