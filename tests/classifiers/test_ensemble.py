"""An ensemble's score is the mean or the minimum of its members' own, and a run against one can be resumed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from support import small

from evo_fool.classifiers.ensemble import Ensemble
from evo_fool.classifiers.lenet import LeNet, lenet_classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.errors import ConfigError
from evo_fool.runs import verify
from evo_fool.sections import ClassifierConfig
from evo_fool.session import evolve, resume

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of a LeNet that was never trained."""
    path = tmp_path_factory.mktemp("weights") / "other.safetensors"
    save_file(LeNet(torch.Generator().manual_seed(5)).state_dict(), path)
    return path


def _ensemble(way: str, *configs: ClassifierConfig) -> ClassifierSpec:
    return ClassifierSpec("ensemble", way, ensembled=tuple(map(ClassifierSpec.of, configs)))


def _scores(classifier: object, images: np.ndarray, view: str = "auto") -> np.ndarray:
    return Scorer(classifier, batch=64, view=view, device=CPU).score(images)  # type: ignore[arg-type]


@pytest.mark.parametrize("view", ["auto", "ten-crop"])
@pytest.mark.parametrize("way", ["mean", "minimum"])
def test_scores_combine_the_members(way: str, view: str, other: Path) -> None:
    size = 32 if view == "ten-crop" else 28
    images = np.random.default_rng(0).integers(0, 256, (6, 1, size, size), dtype=np.uint8)
    configs = ClassifierConfig(), ClassifierConfig(weights=str(other))
    together = load_classifier(_ensemble(way, *configs).config(), CPU)
    found = _scores(together, images, view)
    if view == "auto":
        apart = np.stack([_scores(load_classifier(config, CPU), images) for config in configs])
        expected = apart.mean(axis=0) if way == "mean" else apart.min(axis=0)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert found.shape == (6, 10) and np.isfinite(found).all()


def test_two_of_the_same_are_that_one() -> None:
    images = np.random.default_rng(1).integers(0, 256, (5, 1, 28, 28), dtype=np.uint8)
    one = load_classifier(ClassifierConfig(), CPU)
    twice = load_classifier(ClassifierConfig(spec="ensemble:minimum:lenet-mnist+lenet-mnist"), CPU)
    np.testing.assert_allclose(_scores(twice, images), _scores(one, images), rtol=1e-6)
    floats = torch.from_numpy(images) / 255
    torch.testing.assert_close(twice(floats).softmax(dim=1), one(floats).softmax(dim=1))


def test_fingerprints_tell_ways_and_members_apart(other: Path) -> None:
    specs = [
        "ensemble:mean:lenet-mnist+lenet-mnist",
        "ensemble:minimum:lenet-mnist+lenet-mnist",
        f"ensemble:mean:lenet-mnist+lenet-mnist@{other}",
    ]
    assert len({load_classifier(ClassifierConfig(spec=spec), CPU).fingerprint() for spec in specs}) == 3


def test_a_run_against_an_ensemble(other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths become absolute, so that it is resumed and verified from anywhere."""
    monkeypatch.chdir(other.parent)
    spec = f"ensemble:minimum:lenet-mnist+lenet-mnist@{other.name}"
    with evolve(small(generations=4, classifier={"spec": spec}), out=tmp_path) as run:
        path = run.path
        assert str(other) in run.experiment.classifier.spec
    monkeypatch.chdir(tmp_path)
    with resume(path, generations=6) as run:
        assert run.generation == 6
        found = verify(run)
        assert not found.damage and not found.deviations


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("ensemble:lenet-mnist+lenet-mnist", "expected ensemble:mean"),
        ("ensemble:mean:lenet-mnist", "expected ensemble:mean"),
        ("ensemble:mean:lenet-mnist+", "expected ensemble:mean"),
        ("ensemble:mean:lenet-mnist+lenet-mnist@", "expected ensemble:mean"),
        ("ensemble:mean:lenet-mnist+lenet-mnst", "lenet-mnst"),
        ("ensemble:mean:lenet-mnist+lenet-mnist@missing.pt", "does not exist"),
    ],
)
def test_bad_specs(spec: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_classifier(ClassifierConfig(spec=spec), CPU)


def test_members_must_agree() -> None:
    ten, eleven = lenet_classifier(LeNet()), lenet_classifier(LeNet(outputs=11))
    with pytest.raises(ConfigError, match="different classes"):
        Ensemble([ten, eleven], "mean")
    with pytest.raises(ConfigError, match="at least two"):
        Ensemble([ten], "mean")
    with pytest.raises(ConfigError, match="mean or minimum"):
        Ensemble([ten, ten], "median")
    with pytest.raises(ConfigError, match=r"SPEC@w\.pt"):
        load_classifier(ClassifierConfig(spec="ensemble:mean:lenet-mnist+lenet-mnist", weights="w.pt"), CPU)
