"""A run's elites as arrays, MNIST's digits beside them, and the classifier that judges."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from support import change, easy_digits, small, write_mnist, write_photographs

from evo_fool.errors import ConfigError
from evo_fool.runs import open_run
from evo_fool.session import evolve
from evo_fool.studies.context import Context
from evo_fool.studies.elites import elites_of, judge_of
from evo_fool.studies.elites import test_digits as first_digits

THREE_CLASSES = """
import torch
from evo_fool.classifiers.base import Classifier

def build():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 3))
    return Classifier(network, classes=["ant", "bee", "cat"], size=28, channels=1, name="insects")
"""


@pytest.fixture
def gappy(cppn_run: Path, tmp_path: Path) -> Path:
    """A run in which no image holds class 4."""
    return change(Path(shutil.copytree(cppn_run, tmp_path / "gappy")), "DELETE FROM cells WHERE class = 4")


def test_pictures_of_a_scene_are_no_inputs_of_a_network(tmp_path: Path) -> None:
    scene = {"kind": "perturbation", "photos": str(write_photographs(tmp_path, 3)), "cells": "classes"}
    with evolve(small("pixels", generations=1, scene=scene), out=tmp_path) as run:
        for ask in (elites_of, judge_of):
            with pytest.raises(ConfigError, match="its scene is perturbation") as refused:
                ask(run)
            assert "\n" not in str(refused.value)


def test_elites_are_the_scored_images_of_occupied_cells(gappy: Path) -> None:
    with open_run(gappy) as run:
        elites = elites_of(run)
        assert elites.targets.tolist() == [0, 1, 2, 3, 5, 6, 7, 8, 9]
        for image, target in zip(elites.images, elites.targets.tolist(), strict=True):
            np.testing.assert_array_equal(image, run.image(target))
        assert elites.name == f"small {run.meta['id']}"
        assert elites_of(run, [1], name="mine").name == "mine"


def test_an_empty_cell_that_was_asked_for_is_refused_by_name(gappy: Path) -> None:
    with open_run(gappy) as run, pytest.raises(ConfigError) as caught:
        elites_of(run, ["3", "4"])
    assert str(caught.value) == f"{gappy}: no image holds 4 yet; evolve further"


def test_a_run_without_elites_is_refused(gappy: Path) -> None:
    with open_run(change(gappy, "DELETE FROM cells")) as run, pytest.raises(ConfigError) as caught:
        elites_of(run)
    assert str(caught.value) == f"{gappy}: no image holds any class yet; evolve further"


def test_a_judge_of_other_classes_is_refused(cppn_run: Path, tmp_path: Path) -> None:
    (tmp_path / "insects.py").write_text(THREE_CLASSES)
    with open_run(cppn_run) as run, pytest.raises(ConfigError) as caught:
        judge_of(run, classifier=f"{tmp_path / 'insects.py'}:build", device="cpu")
    assert str(caught.value) == (
        f"insects knows 3 classes that are not the 10 of {cppn_run.name}; "
        "name a classifier of the same classes with --classifier"
    )


def test_digits_are_the_first_of_the_test_half(tmp_path: Path) -> None:
    write_mnist(tmp_path / "mnist", train=10, test=30)
    mnist = Context(None, data=tmp_path).data.mnist()
    assert mnist is not None
    digits = first_digits(mnist, 12)
    images, labels = easy_digits(30, 1)
    np.testing.assert_array_equal(digits.images, images[:12, None])
    assert digits.targets.tolist() == labels[:12].tolist()
    assert digits.names == [str(label) for label in labels[:12]]
    assert len(first_digits(mnist, 1000)) == 30
