"""Szegedy's smallest perturbation: against its closed form for a linear network, and on digits."""

import numpy as np
import pytest
import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.gradient.lbfgs import lbfgs


def test_a_linear_network_is_left_by_the_shortest_way(linear: Classifier, photographs: np.ndarray) -> None:
    """Two classes: the distance to the boundary is the difference of the logits over that of the weights."""
    weights = linear.network.layer.weight
    weights[2] = weights[1] - 0.01  # a third class that the second beats
    logits = torch.from_numpy(photographs.reshape(len(photographs), -1) / 255).float() @ weights.T
    rows = (logits.argmax(dim=1) == 0).nonzero().flatten()[:3].numpy()
    found = lbfgs(linear, photographs[rows], [1] * len(rows), searches=12)
    shortest = (logits[rows, 0] - logits[rows, 1]).numpy() / np.linalg.norm((weights[0] - weights[1]).numpy())
    lengths = found.distortion * 8
    assert found.success.all()
    assert (lengths > shortest - 1e-6).all()
    np.testing.assert_allclose(lengths, shortest, atol=0.03)  # rounding to bytes moves each value by up to 1/510


def test_digits_become_others(lenet: Classifier) -> None:
    """Bytes in, bytes out; the same for each number of photographs side by side but for rounding."""
    digits = np.zeros((3, 1, 28, 28), np.uint8)
    digits[0, 0, 4:24, 13:16] = 255  # a one
    digits[1, 0, 4:7, 8:20] = digits[1, 0, 7:24, 16:19] = 255  # a seven
    digits[2, 0, 6:22, 8:11] = digits[2, 0, 6:22, 17:20] = digits[2, 0, 6:9, 8:20] = digits[2, 0, 19:22, 8:20] = 255
    told: list[tuple[float, int]] = []
    settings = {"iterations": 25, "searches": 1}
    found = lbfgs(lenet, digits, [7, 2, 8], **settings, report=lambda *at: told.append(at))
    assert found.images.dtype == np.uint8 and found.success.all() and (found.log_odds > 0).all()
    assert (found.distortion < 0.2).all() and (found.distortion > 0).all()
    done = [share for share, _ in told]
    assert (done[0], done[-1]) == (0, 3) and done == sorted(done) and len(done) > 6
    again = lbfgs(lenet, digits, [7, 2, 8], **settings)
    np.testing.assert_array_equal(found.images, again.images)
    alone = lbfgs(lenet, digits, [7, 2, 8], **settings, batch=1)
    np.testing.assert_allclose(alone.distortion, found.distortion, rtol=0.2)


def test_the_box_holds(lenet: Classifier) -> None:
    """From black and white, most values could only leave the box."""
    extreme = np.stack([np.zeros((1, 28, 28)), np.full((1, 28, 28), 255)]).astype(np.uint8)
    found = lbfgs(lenet, extreme, [3, 5], iterations=25, searches=1)
    assert found.success.all()
    change = found.images.astype(int) - extreme
    assert (change[0] >= 0).all() and (change[1] <= 0).all()


def test_a_target_already_reached_costs_nothing(linear: Classifier, photographs: np.ndarray) -> None:
    own = linear(torch.from_numpy(photographs[:1] / 255).float()).argmax().item()
    found = lbfgs(linear, photographs[:1], [own], searches=3)
    assert found.success.all() and found.distortion[0] == 0


def test_what_is_not_finished_when_it_is_stopped_stays_as_it_was(lenet: Classifier) -> None:
    extreme = np.stack([np.zeros((1, 28, 28)), np.full((1, 28, 28), 255)]).astype(np.uint8).repeat(2, axis=0)
    done: list[float] = [0.0]
    settings = {"iterations": 20, "searches": 1, "batch": 2}
    whole = lbfgs(lenet, extreme, [3, 5, 3, 5], **settings)
    found = lbfgs(
        lenet,
        extreme,
        [3, 5, 3, 5],
        **settings,
        report=lambda share, _: done.append(share),
        stop=lambda: "ctrl-c" if done[-1] >= 2 else "",
    )
    assert whole.finished.all() and found.finished.tolist() == [True, True, False, False]
    np.testing.assert_array_equal(found.images[:2], whole.images[:2])
    np.testing.assert_array_equal(found.images[2:], extreme[2:])
    begun = lbfgs(lenet, extreme[:1], [3], stop=lambda: "ctrl-c" if len(done) % 2 else done.append(0.0) or "")
    assert not begun.finished.any() and begun.distortion[0] == 0


def test_bad_input(linear: Classifier, severed: Classifier, photographs: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="2 photographs for 1 targets"):
        lbfgs(linear, photographs[:2], [0])
    with pytest.raises(ConfigError, match="classes from 0 to 2"):
        lbfgs(linear, photographs[:1], [3])
    for c in (0.0, 1e10):
        with pytest.raises(ConfigError, match=r"above 0 and at most 1e\+09"):
            lbfgs(linear, photographs[:1], [0], c=c)
    with pytest.raises(ClassifierError, match="evolve instead"):
        lbfgs(severed, photographs[:1], [0])
