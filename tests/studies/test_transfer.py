"""Transfer: two identical networks agree on everything, a network that answers at random on a tenth of it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.lenet import LeNet, lenet_classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.errors import ConfigError
from evo_fool.experiment import ClassifierConfig
from evo_fool.runs import open_run
from evo_fool.studies.elites import ImageSet, elites_of, judge_of, noise_set
from evo_fool.studies.transfer import transfer


def _at_work(classifier: Classifier) -> Scorer:
    return Scorer(classifier, batch=64, view="auto", device=torch.device("cpu"))


@pytest.fixture(scope="module")
def lenet() -> Scorer:
    return _at_work(load_classifier(ClassifierConfig(), torch.device("cpu")))


def test_identical_networks_are_the_identity(lenet: Scorer, pixels_run: Path) -> None:
    """Each half of the elites is one network's; with two of the same, every cell of the matrix is the same."""
    with open_run(pixels_run) as run:
        elites = elites_of(run)
        expected = [elite.probability for elite in run.elites]
    matrix = transfer([elites.pick(range(5)), elites.pick(range(5, 10))], {"one": lenet, "same": lenet})
    np.testing.assert_array_equal(matrix.mean[:, 0], matrix.mean[:, 1])
    np.testing.assert_array_equal(matrix.agreement[:, 0], matrix.agreement[:, 1])
    np.testing.assert_allclose(matrix.mean[:, 0], [np.mean(expected[:5]), np.mean(expected[5:])], rtol=1e-6)
    for threshold, column in matrix.everywhere.items():
        np.testing.assert_array_equal(column, matrix.reaching[threshold][:, 0])


def test_each_keeps_its_own() -> None:
    """One-hot images and networks that read them directly, or shifted by one class: the matrix is a permutation."""

    class Reads(torch.nn.Module):
        def __init__(self, shift: int) -> None:
            super().__init__()
            self.shift = shift

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return 20 * images.flatten(1).roll(self.shift, dims=1)

    names = list("abcd")
    judges = {str(s): _at_work(Classifier(Reads(s), classes=names, size=2, channels=1, name="reads")) for s in (0, 1)}
    hot = np.eye(4, dtype=np.uint8).reshape(4, 1, 2, 2) * 255
    sets = [ImageSet(str(s), hot, (np.arange(4) + s) % 4, tuple(names)) for s in (0, 1)]
    matrix = transfer(sets, judges)
    np.testing.assert_array_equal(matrix.agreement, np.eye(2))
    np.testing.assert_array_equal(matrix.reaching[0.9999], np.eye(2))
    assert (matrix.everywhere[0.9] == 0).all()


def test_noise_agrees_by_chance_alone(lenet: Scorer) -> None:
    noise = noise_set(lenet.classifier.classes, (1, 28, 28), 200, seed=1)
    matrix = transfer([noise], {"lenet": lenet, "untrained": _at_work(lenet_classifier(LeNet()))})
    assert matrix.agreement[0, 0] == pytest.approx(0.1, abs=0.07)
    assert matrix.mean[0, 1] == pytest.approx(0.1)


def test_other_classes_are_refused(lenet: Scorer) -> None:
    noise = noise_set(["cat", "dog"], (1, 28, 28), 2, seed=1)
    with pytest.raises(ConfigError, match="same classes"):
        transfer([noise], {"lenet": lenet})


def test_another_classifier_is_remarked(pixels_run: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    other = tmp_path / "other.safetensors"
    save_file(LeNet(torch.Generator().manual_seed(2)).state_dict(), other)
    with open_run(pixels_run) as run:
        assert judge_of(run, device="cpu")[1] == ""
        assert "not by the network" in judge_of(run, weights=str(other), device="cpu")[1]


def test_elites_of_a_class(pixels_run: Path) -> None:
    with open_run(pixels_run) as run:
        chosen = elites_of(run, ["7", 2])
        np.testing.assert_array_equal(chosen.images[0], run.image(7))
        assert chosen.targets.tolist() == [7, 2]
        with pytest.raises(ConfigError, match="classes 0 to 9"):
            elites_of(run, [10])
