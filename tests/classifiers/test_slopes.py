"""Slopes of log-odds beside differences of scores of neighbouring bytes: one way for all views, never saturated."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.ensemble import Ensemble
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ClassifierError

CPU = torch.device("cpu")


def normalised(output: str = "logits", seed: int = 0) -> Classifier:
    """A smooth network with an input scale, means and deviations of its own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = [nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 16, 5)]
    network = nn.Sequential(*layers, *([nn.Softmax(dim=1)] if output == "probabilities" else []))
    names = [str(i) for i in range(5)]
    mean, std = [0.4, 0.5, 0.6], [0.2, 0.3, 0.25]
    return Classifier(network, classes=names, size=6, channels=3, name="smooth", mean=mean, std=std, output=output)


CLASSIFIERS: dict[str, Callable[[], Classifier]] = {
    "normalised": normalised,
    "probabilities": lambda: normalised("probabilities"),
    "mean": lambda: Ensemble([normalised(), normalised(seed=1)], "mean"),
    "minimum": lambda: Ensemble([normalised(), normalised(seed=1)], "minimum"),
}


@pytest.mark.parametrize("view", ["auto", "resize", "centre", "ten-crop", "random-2"])
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_slopes_are_differences_of_scores(kind: str, view: str) -> None:
    rng = np.random.default_rng(1)
    size = 9 if view in ("resize", "centre", "ten-crop") else 6
    images = rng.integers(1, 255, (3, 3, size, size), dtype=np.uint8)
    classes = np.array([4, 0, 2])
    scorer = Scorer(CLASSIFIERS[kind](), batch=16, view=view, device=CPU)
    slopes = scorer.slopes(images, classes)
    assert (slopes.dtype, slopes.shape) == (np.float32, images.shape)
    for place in rng.integers(0, images[0].size, 8):
        c, y, x = np.unravel_index(place, images.shape[1:])
        above, below = images.copy(), images.copy()
        above[:, c, y, x] += 1
        below[:, c, y, x] -= 1
        rise = (scorer.score(above) - scorer.score(below))[np.arange(3), classes] * 255 / 2
        assert slopes[:, c, y, x] == pytest.approx(rise, rel=0.02, abs=2e-3)


def test_slopes_do_not_fade_where_probability_is_one(linear: Callable[..., Classifier]) -> None:
    """Of a linear network nearly the difference of two rows of weights, however sure it is."""
    classifier = linear(classes=2, gain=20.0)
    images = np.random.default_rng(3).integers(0, 256, (2, 3, 6, 6), dtype=np.uint8)
    scorer = Scorer(classifier, batch=4, view="auto", device=CPU)
    assert np.abs(scorer.score(images)).max() > 40
    weights = classifier.get_parameter("network.weight").detach().numpy()
    for cls in (0, 1):
        expected = np.repeat((weights[cls] - weights[1 - cls]).reshape(1, 3, 6, 6), 2, axis=0)
        np.testing.assert_allclose(scorer.slopes(images, np.full(2, cls)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("view", ["auto", "ten-crop"])
def test_sub_batches_and_too_little_memory_change_nothing(view: str) -> None:
    images = np.random.default_rng(2).integers(0, 256, (11, 3, 6, 6), dtype=np.uint8)
    classes = np.arange(11) % 5
    expected = Scorer(normalised(), batch=1024, view=view, device=CPU).slopes(images, classes)
    classifier = normalised()

    def small_only(module: nn.Module, given: tuple[Tensor, ...], answer: Tensor) -> None:
        if len(given[0]) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")

    classifier.network.register_forward_hook(small_only)
    scorer = Scorer(classifier, batch=1024, view=view, device=CPU)
    np.testing.assert_allclose(scorer.slopes(images, classes), expected, atol=1e-5)
    assert scorer.batch <= 3
    assert Scorer(normalised(), batch=4, view=view, device=CPU).slopes(images[:0], classes[:0]).shape == (0, 3, 6, 6)


class Odd(nn.Module):
    def __init__(self, answer: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, images: Tensor) -> Tensor:
        return self.answer(images.flatten(1)[:, :2])


def _broken(x: Tensor) -> Tensor:
    if x.requires_grad:
        raise ValueError("lost the way\nhome")
    return x


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (lambda x: x.detach(), "has no gradient"),
        (lambda x: torch.zeros(len(x), 2, requires_grad=True), "has no gradient"),
        (lambda x: torch.from_numpy(x.numpy()), "has no gradient"),
        (_broken, "ValueError: lost the way"),
    ],
    ids=["detached", "elsewhere", "numpy", "broken"],
)
def test_a_network_without_gradients_is_refused(answer: Callable[[Tensor], Tensor], problem: str) -> None:
    classifier = Classifier(Odd(answer), classes=["a", "b"], size=4, channels=1, name="odd")
    scorer = Scorer(classifier, batch=8, view="auto", device=CPU)
    with pytest.raises(ClassifierError, match=rf"'odd'.*{problem}.*evolve without it: -S search.gradient=0$") as caught:
        scorer.slopes(np.zeros((1, 1, 4, 4), np.uint8), np.zeros(1, np.int64))
    assert "\n" not in str(caught.value)
