"""Log-odds against slow, readable arithmetic; views against a hand-written crop; failures of networks and memory."""

from __future__ import annotations

import logging
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer, class_log_odds, mean_log_odds
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.probability import probability

CPU = torch.device("cpu")


def reference_log_odds(views: list[list[float]]) -> list[float]:
    """log(p / (1 - p)) of the mean softmax over views, in enough digits to form 1 - p without loss."""
    with mpmath.workdps(900):
        softmaxes = []
        for logits in views:
            powers = [mpmath.exp(mpmath.mpf(x)) for x in logits]
            softmaxes.append([p / mpmath.fsum(powers) for p in powers])
        means = [mpmath.fsum(column) / len(views) for column in zip(*softmaxes, strict=True)]
        return [float(mpmath.log(p) - mpmath.log(1 - p)) for p in means]


def numbered(n: int) -> np.ndarray:
    """Images for the ``fixed`` classifier: image i asks for row i."""
    images = np.zeros((n, 1, 4, 4), np.uint8)
    images[:, 0, 0, 0] = np.arange(n)
    return images


logit = st.floats(-200, 200, width=32) | st.floats(-5, 5, width=32) | st.sampled_from([-200.0, 0.0, 200.0])


@settings(max_examples=60, deadline=None)
@given(st.lists(logit, min_size=2, max_size=12))
def test_log_odds_match_the_reference(logits: list[float]) -> None:
    found = class_log_odds(torch.tensor([logits], dtype=torch.float64))[0].numpy()
    np.testing.assert_allclose(found, reference_log_odds([logits]), rtol=1e-12, atol=1e-13)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 5).flatmap(lambda k: st.lists(st.lists(logit, min_size=k, max_size=k), min_size=1, max_size=10)))
def test_log_odds_of_a_mean_over_views_match_the_reference(views: list[list[float]]) -> None:
    odds = class_log_odds(torch.tensor([views], dtype=torch.float64))
    found = mean_log_odds(odds)[0].numpy()
    np.testing.assert_allclose(found, reference_log_odds(views), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("gap", [40.0, 800.0, 1e4, 1e30])
def test_log_odds_stay_finite_and_strictly_ordered_where_probability_is_one(gap: float) -> None:
    odds = class_log_odds(torch.tensor([[gap, 0.0, -1.0], [gap * 1.001, 0.0, -1.0]], dtype=torch.float64)).numpy()
    assert np.isfinite(odds).all()
    assert odds[1, 0] > odds[0, 0]
    assert odds[1, 1] < odds[0, 1]
    assert (probability(odds[:, 0]) == 1.0).all()


def test_ties_share() -> None:
    odds = class_log_odds(torch.zeros(1, 4, dtype=torch.float64)).numpy()
    np.testing.assert_allclose(odds, np.log(1 / 3))


def test_scores_are_log_odds_of_the_softmax(fixed: Callable[[Tensor], Classifier]) -> None:
    logits = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 9.0]])
    log_odds = Scorer(fixed(logits), batch=8, view="auto", device=CPU).score(numbered(2))
    assert log_odds.dtype == np.float64 and log_odds.shape == (2, 3)
    np.testing.assert_allclose(probability(log_odds), logits.double().softmax(1).numpy(), rtol=1e-12)


def test_bytes_become_floats_as_totensor_makes_them(linear: Callable[..., Classifier]) -> None:
    seen: list[Tensor] = []
    classifier = linear(size=16, channels=1)
    classifier.network.register_forward_pre_hook(lambda module, args: seen.append(args[0].clone()))
    images = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    Scorer(classifier, batch=1, view="auto", device=CPU).score(images)
    expected = [float(np.float32(Fraction(i, 255))) for i in range(256)]
    assert seen[0].flatten().tolist() == expected


@pytest.mark.parametrize("batch", [1, 3, 7, 64])
@pytest.mark.parametrize("view", ["auto", "ten-crop"])
def test_batch_size_does_not_matter(linear: Callable[..., Classifier], batch: int, view: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (7, 3, 6, 6), dtype=np.uint8)
    whole = Scorer(linear(), batch=1000, view=view, device=CPU).score(images)
    np.testing.assert_allclose(Scorer(linear(), batch=batch, view=view, device=CPU).score(images), whole, atol=1e-4)


def test_read_only_strided_and_empty_batches_are_fine(linear: Callable[..., Classifier]) -> None:
    scorer = Scorer(linear(), batch=8, view="auto", device=CPU)
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 6, 6), dtype=np.uint8)
    expected = scorer.score(images)
    frozen = np.frombuffer(images.tobytes(), np.uint8).reshape(images.shape)
    np.testing.assert_array_equal(scorer.score(frozen), expected)
    np.testing.assert_allclose(scorer.score(images[::-1]), expected[::-1], atol=1e-5)
    np.testing.assert_allclose(
        scorer.score(np.moveaxis(np.ascontiguousarray(np.moveaxis(images, 1, 3)), 3, 1)), expected, atol=1e-5
    )
    assert scorer.score(images[:0]).shape == (0, 5)


def test_ten_crop_averages_softmax_over_the_ten_crops(linear: Callable[..., Classifier]) -> None:
    classifier = linear(size=6, channels=3, classes=4)
    images = np.random.default_rng(1).integers(0, 256, (3, 3, 9, 11), dtype=np.uint8)
    found = Scorer(classifier, batch=64, view="ten-crop", device=CPU).score(images)
    for image, odds in zip(images, found, strict=True):
        views = []
        for y, x in [(1, 2), (0, 0), (0, 5), (3, 0), (3, 5)]:
            crop = image[:, y : y + 6, x : x + 6]
            for shown in (crop, crop[:, :, ::-1]):
                views.append(classifier(torch.from_numpy(shown.copy()).float().div(255)[None])[0].double().tolist())
        np.testing.assert_allclose(odds, reference_log_odds(views), rtol=1e-4, atol=1e-4)


def test_ten_crop_does_not_saturate(linear: Callable[..., Classifier]) -> None:
    images = np.random.default_rng(1).integers(0, 256, (5, 3, 8, 8), dtype=np.uint8)
    log_odds = Scorer(linear(gain=60.0), batch=64, view="ten-crop", device=CPU).score(images)
    assert np.isfinite(log_odds).all()


def test_centre_and_resize(linear: Callable[..., Classifier]) -> None:
    images = np.random.default_rng(1).integers(0, 256, (2, 3, 9, 9), dtype=np.uint8)
    plain = Scorer(linear(), batch=9, view="auto", device=CPU)
    centre = Scorer(linear(), batch=9, view="centre", device=CPU).score(images)
    np.testing.assert_allclose(centre, plain.score(images[..., 1:7, 1:7].copy()), atol=1e-5)
    flat = np.full((1, 3, 13, 5), 77, np.uint8)  # a constant image stays constant at any size
    expected = plain.score(np.full((1, 3, 6, 6), 77, np.uint8))
    for view in ("auto", "resize"):
        found = Scorer(linear(), batch=9, view=view, device=CPU).score(flat)
        np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("view", ["centre", "ten-crop"])
def test_crops_of_a_smaller_image_are_refused(linear: Callable[..., Classifier], view: str) -> None:
    with pytest.raises(ConfigError, match="at least 6"):
        Scorer(linear(), batch=9, view=view, device=CPU).score(np.zeros((1, 3, 5, 9), np.uint8))


@pytest.mark.parametrize(
    ("images", "word"),
    [
        (np.zeros((1, 3, 6, 6), np.float32), "uint8"),
        (np.zeros((3, 6, 6), np.uint8), "uint8"),
        ([[1]], "uint8"),
        (np.zeros((1, 1, 6, 6), np.uint8), "channel"),
        (np.zeros((1, 3, 0, 6), np.uint8), "empty"),
    ],
)
def test_bad_images_are_refused(linear: Callable[..., Classifier], images: Any, word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        Scorer(linear(), batch=9, view="auto", device=CPU).score(images)


def test_bad_settings_are_refused(linear: Callable[..., Classifier]) -> None:
    with pytest.raises(ConfigError, match="batch"):
        Scorer(linear(), batch=0, view="auto", device=CPU)
    with pytest.raises(ConfigError, match="ten-crop"):
        Scorer(linear(), batch=1, view="tencrop", device=CPU)


@pytest.mark.parametrize("poison", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("batch", [1, 2, 64])
def test_nan_names_the_rows(fixed: Callable[[Tensor], Classifier], poison: float, batch: int) -> None:
    logits = torch.zeros(9, 3)
    logits[4, 1] = logits[5, 0] = poison
    with pytest.raises(ClassifierError, match=r"row [45]") as caught:
        Scorer(fixed(logits), batch=batch, view="auto", device=CPU).score(numbered(9))
    assert "'fixed'" in str(caught.value)
    if batch == 64:
        assert "row 4, 5" in str(caught.value) and "2 image(s)" in str(caught.value)


def _judge(network: nn.Module) -> Scorer:
    classifier = Classifier(network, classes=["a", "b", "c"], size=4, channels=1, name="odd")
    return Scorer(classifier, batch=8, view="auto", device=CPU)


class Answers(nn.Module):
    def __init__(self, answer: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, images: Tensor) -> Any:
        return self.answer(images)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (lambda x: torch.zeros(len(x), 4), r"\(2, 4\); .*; check classes="),
        (lambda x: torch.zeros(len(x)), r"\(2,\); .*; check size=4 and channels=1"),
        (lambda x: torch.zeros(len(x) // 2, 3), r"\(1, 3\); .*; check size=4 and channels=1"),
        (lambda x: (torch.zeros(len(x), 3), None), "a tuple of 2; .*; return the logits alone"),
        (lambda x: None, "NoneType; .*; return a tensor"),
        (lambda x: torch.zeros(len(x), 3, dtype=torch.complex64), "complex64; .*; answer real numbers"),
    ],
)
def test_wrong_answers(answer: Callable[[Tensor], Any], found: str) -> None:
    with pytest.raises(ClassifierError, match=found):
        _judge(Answers(answer)).score(numbered(2))


def test_a_network_that_raises_is_one_line() -> None:
    with pytest.raises(ClassifierError, match=r"failed on images of shape .* check size=4 and channels=1") as caught:
        _judge(nn.Sequential(nn.Flatten(), nn.Linear(7, 3))).score(numbered(2))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "problem",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes"),
        MemoryError(),
    ],
)
@pytest.mark.parametrize("view", ["auto", "ten-crop"])
def test_out_of_memory_halves_the_batch_and_goes_on(
    linear: Callable[..., Classifier], problem: Exception, view: str, caplog: pytest.LogCaptureFixture
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (13, 3, 6, 6), dtype=np.uint8)
    expected = Scorer(linear(), batch=1024, view=view, device=CPU).score(images)
    classifier = linear()
    sizes: list[int] = []

    def small_only(module: nn.Module, args: tuple[Tensor, ...]) -> None:
        sizes.append(len(args[0]))
        if len(args[0]) > 3:
            raise problem

    classifier.network.register_forward_pre_hook(small_only)
    scorer = Scorer(classifier, batch=1024, view=view, device=CPU)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_allclose(scorer.score(images), expected, atol=1e-4)
    assert scorer.batch <= 3
    assert "out of memory" in caplog.text
    sizes.clear()
    scorer.score(images)
    assert max(sizes) <= 3  # it has learnt


def test_out_of_memory_on_a_single_view_is_an_error(linear: Callable[..., Classifier]) -> None:
    classifier = linear()

    def never(module: nn.Module, args: tuple[Tensor, ...]) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    classifier.network.register_forward_pre_hook(never)
    with pytest.raises(ClassifierError, match="single view"):
        Scorer(classifier, batch=4, view="auto", device=CPU).score(np.zeros((4, 3, 6, 6), np.uint8))
