"""Universal perturbations of a linear network, of which one direction fools every photograph."""

import sys

import numpy as np
import pytest
import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.gradient.ball import Ball
from evo_fool.gradient.step import Step, clean_predictions, require_gradient
from evo_fool.gradient.universal import margin, universal
from evo_fool.gradient.universal_deepfool import universal_deepfool


def perturbed(photographs: np.ndarray, picture: np.ndarray, ball: Ball) -> np.ndarray:
    """The composition by definition, in float64."""
    v = picture.astype(np.float64) / 127.5 - 1
    v *= ball.epsilon / (1.0 if ball.norm == "linf" else np.linalg.norm(v))
    return np.clip(np.rint(photographs + v), 0, 255).astype(np.uint8)


def answers(classifier: Classifier, images: np.ndarray) -> list[int]:
    return clean_predictions(classifier, images, 16).tolist()


@pytest.mark.parametrize("ball", [Ball("linf", 60), Ball("l2", 480)])
def test_every_photograph_of_one_class_is_fooled(linear: Classifier, photographs: np.ndarray, ball: Ball) -> None:
    photographs = photographs[np.array(answers(linear, photographs)) == 0]
    assert len(photographs) > 3
    last: Step = list(universal(linear, photographs, ball, passes=6, batch=4, augment=False))[-1]
    for picture in last.pictures:
        assert 0 not in answers(linear, perturbed(photographs, picture, ball))
    assert last.loss < 0


@pytest.mark.parametrize("ball", [Ball("linf", 60), Ball("l2", 480)])
def test_a_target_is_reached_from_every_photograph(linear: Classifier, photographs: np.ndarray, ball: Ball) -> None:
    last = list(universal(linear, photographs, ball, target=2, passes=6, augment=False))[-1]
    assert set(answers(linear, photographs)) != {2}
    assert set(answers(linear, perturbed(photographs, last.pictures[0], ball))) == {2}


def test_the_best_direction_is_found(linear: Classifier, photographs: np.ndarray) -> None:
    """Between two classes the best L∞ perturbation is the sign of the difference of their weights."""
    two = Classifier(linear.network, classes=["a", "b", "c"], size=8, channels=1, name="two")
    two.network.layer.weight[2] = -100.0 * two.network.layer.weight.abs().max()  # never an answer
    photographs = photographs[np.array(answers(two, photographs)) == 0]
    last = list(universal(two, photographs, Ball("linf", 5), passes=8, batch=8, augment=False))[-1]
    weights = two.network.layer.weight
    best = (weights[1] - weights[0]).sign().numpy() > 0
    np.testing.assert_array_equal(last.pictures[1].ravel() > 127, best)
    assert set(np.unique(last.pictures[1])) == {0, 255}


def test_the_seed_decides(linear: Classifier, photographs: np.ndarray) -> None:
    def first(seed: int) -> np.ndarray:
        return next(universal(linear, photographs, Ball("linf", 10), passes=5, batch=16, seed=seed)).pictures

    np.testing.assert_array_equal(first(1), first(1))
    assert (first(1) != first(2)).any()


def test_progress_is_told_from_the_start_to_the_end(linear: Classifier, photographs: np.ndarray) -> None:
    told: list[tuple[int, int]] = []
    list(universal(linear, photographs, Ball("linf", 10), passes=2, batch=16, report=lambda *at: told.append(at)))
    assert told == [(0, 80), (16, 80), (32, 80), (40, 80), (56, 80), (72, 80), (80, 80)]


def test_deepfool_of_one_photograph_is_the_distance_to_the_boundary(linear: Classifier) -> None:
    """For a linear network the smallest change has the length |w_a - w_b|⁻¹ (logit_a - logit_b)."""
    pytest.importorskip("foolbox", reason="foolbox is an optional extra")
    photo = np.random.default_rng(2).integers(60, 196, (1, 1, 8, 8), dtype=np.uint8)
    weights = linear.network.layer.weight
    logits = (weights @ torch.from_numpy(photo.ravel() / 255).float()).numpy()
    first = logits.argmax()
    gaps = [
        (logits[first] - logits[k]) / np.linalg.norm((weights[first] - weights[k]).numpy())
        for k in range(3)
        if k != first
    ]
    boundary = 255 * min(gaps)
    beyond = list(universal_deepfool(linear, photo, Ball("l2", 1.2 * boundary + 3), until=1.0, passes=1))[-1]
    short = list(universal_deepfool(linear, photo, Ball("l2", 0.9 * boundary), until=1.0, passes=1))[-1]
    assert (beyond.loss, short.loss) == (0.0, 1.0)


def test_deepfool_ends_once_enough_are_fooled(linear: Classifier, photographs: np.ndarray) -> None:
    pytest.importorskip("foolbox", reason="foolbox is an optional extra")
    photographs = photographs[np.array(answers(linear, photographs)) == 0]
    ball = Ball("linf", 60)
    steps = list(universal_deepfool(linear, photographs, ball, until=0.9, passes=10, batch=4))
    assert len(steps) < 10 and steps[-1].loss <= 0.1 < 1
    fooled = np.array(answers(linear, perturbed(photographs, steps[-1].pictures[0], ball))) != 0
    assert fooled.mean() >= 0.9


def test_margins() -> None:
    logits = torch.tensor([[3.0, 1.0, 0.0], [0.0, 2.0, 5.0]])
    assert margin(logits, torch.tensor([0, 1]), escape=True).tolist() == [2.0, -3.0]
    assert margin(logits, 2, escape=False).tolist() == [3.0, -3.0]


@pytest.mark.parametrize("norm, epsilon", [("linf", 0), ("linf", 256), ("l2", 0), ("l2", float("inf"))])
def test_bad_bounds(norm: str, epsilon: float) -> None:
    with pytest.raises(ConfigError, match="epsilon = "):
        Ball(norm, epsilon)  # type: ignore[arg-type]


def test_projection() -> None:
    far = torch.tensor([3.0, -4.0])
    assert Ball("linf", 3.5).project(far).tolist() == [3.0, -3.5]
    assert Ball("l2", 2.5).project(far).tolist() == [1.5, -2.0]
    assert Ball("l2", 10).project(far).tolist() == [3.0, -4.0]


def test_a_network_without_gradients(severed: Classifier, linear: Classifier, photographs: np.ndarray) -> None:
    require_gradient(linear)
    with pytest.raises(ClassifierError, match=r"'severed' has no gradient.* evolve instead"):
        require_gradient(severed)
    with pytest.raises(ClassifierError, match="evolve instead"):
        next(universal(severed, photographs, Ball("linf", 10)))


def test_foolbox_missing_is_one_line(
    linear: Classifier, photographs: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "foolbox", None)
    with pytest.raises(ClassifierError, match="pip install foolbox"):
        next(universal_deepfool(linear, photographs, Ball("linf", 10)))
