"""Networks that are not fit to be judges, each refused in one line before a run begins; and odd ones that are fit."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.ensemble import Ensemble
from evo_fool.classifiers.preflight import IMAGES, preflight, sample_images
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.errors import ClassifierError
from evo_fool.sections import ClassifierConfig

CPU = torch.device("cpu")
Answer = Callable[["Odd", Tensor, Tensor], Any]


class Odd(nn.Module):
    """A linear network of 6x6 grey images whose logits ``answer`` gets, with the images, to do as it likes."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer
        self.calls = 0
        self.weight = nn.Parameter(torch.randn(3, 36, generator=torch.Generator().manual_seed(1)))
        self.register_buffer("seen", torch.zeros(()))
        self.norm = nn.BatchNorm1d(3)
        self.drop = nn.Dropout(0.5)

    def forward(self, images: Tensor) -> Any:
        self.calls += 1
        return self.answer(self, images, images.flatten(1) @ self.weight.T)


def judge(answer: Answer, classes: int = 3, **settings: Any) -> Scorer:
    made = Classifier(Odd(answer), classes=range(classes), size=6, channels=1, name="odd", **settings)
    return Scorer(made, batch=64, view="auto", device=CPU)


def _learns(net: Odd, images: Tensor, logits: Tensor) -> Tensor:
    net.get_buffer("seen").add_(1)
    return logits + net.get_buffer("seen") * torch.tensor([1.0, 0.0, 0.0])


def _normalises(net: Odd, images: Tensor, logits: Tensor) -> Any:
    return net.norm.train()(logits)


def _drops(net: Odd, images: Tensor, logits: Tensor) -> Any:
    return net.drop.train()(logits)


def _leaves(net: Odd, images: Tensor, logits: Tensor) -> Any:
    sys.exit(0)


class _OddError(BaseException):
    """Not an Exception."""


def _raises(net: Odd, images: Tensor, logits: Tensor) -> Any:
    raise _OddError("odd\nand more")


REFUSED: dict[str, tuple[Answer, str]] = {
    "answers NaN": (lambda n, x, y: y * float("nan"), "answered NaN or infinity"),
    "answers NaN later": (lambda n, x, y: y * float("nan") if n.calls > 5 else y, "answered NaN or infinity"),
    "overflows": (lambda n, x, y: y * 1e38 * 1e3, "answered NaN or infinity"),
    "too few classes": (lambda n, x, y: y[:, :2], "answered .16, 2.; .*check classes="),
    "fewer rows": (lambda n, x, y: y[: len(y) // 2], "answered .8, 3.; .*check size=6"),
    "fewer rows alone": (lambda n, x, y: y if len(y) > 1 else y[:0], "an image alone"),
    "one number an image": (lambda n, x, y: y[:, 0], "answered .16,.; "),
    "a map": (lambda n, x, y: y[:, :, None, None].expand(-1, -1, 2, 2), "answered .16, 3, 2, 2."),
    "another size": (lambda n, x, y: x.flatten(1) @ torch.zeros(9, 3), "check size=6 and channels=1"),
    "half weights": (lambda n, x, y: x.flatten(1) @ n.weight.half().T, "RuntimeError"),
    "complex": (lambda n, x, y: y.to(torch.complex64), "complex64"),
    "two answers": (lambda n, x, y: (y, y), "a tuple of 2"),
    "nothing": (lambda n, x, y: None, "NoneType"),
    "a list": (lambda n, x, y: y.tolist(), "a list of 16"),
    "an array": (lambda n, x, y: y.numpy(), "ndarray"),
    "probabilities": (lambda n, x, y: y.softmax(1), 'no class more than 58 % confidence; .*output="probabilities"'),
    "noise": (lambda n, x, y: y + torch.randn_like(y), "other scores the second time"),
    "noise of Python's": (lambda n, x, y: y * (1 + random.random()), "other scores the second time"),
    "noise on sure answers": (lambda n, x, y: y * 1e4 + 9 * torch.randn_like(y) * 10, "other scores the second time"),
    "dropout": (_drops, "other scores the second time.*dropout"),
    "another order": (lambda n, x, y: y[torch.randperm(len(y))], "other scores the second time"),
    "learns": (_learns, "learns in its forward pass .seen changes."),
    "counts": (lambda n, x, y: y * n.calls, "other scores the second time"),
    "batch statistics": (_normalises, "an image alone"),
    "neighbours": (lambda n, x, y: y - y.mean(0), "with the batch that an image is in"),
    "the next image": (lambda n, x, y: y.roll(1, 0), "with the batch that an image is in"),
    "size of the batch": (lambda n, x, y: y + len(y) * torch.tensor([1.0, 0, 0]), "with the batch that an image is in"),
    "ignores the image": (lambda n, x, y: y * 0, "ignores its input"),
    "leaves": (_leaves, "tried to end the program"),
    "raises no Exception": (_raises, "tried to end the program .*_OddError: odd"),
    "divides by zero": (lambda n, x, y: 1 / 0, "ZeroDivisionError"),
    "stops an iteration": (lambda n, x, y: next(iter(())), "StopIteration"),
}

FIT: dict[str, Answer] = {
    "plain": lambda n, x, y: y,
    "wrapped": lambda n, x, y: {"logits": y},
    "half": lambda n, x, y: y.half(),
    "bfloat16": lambda n, x, y: y.bfloat16(),
    "double": lambda n, x, y: y.double(),
    "integers": lambda n, x, y: (y * 9).long(),
    "log probabilities": lambda n, x, y: y.log_softmax(1),
    "a constant for all classes": lambda n, x, y: y + n.calls,
    "writes into its input": lambda n, x, y: y + x.zero_().sum(),
    "prints": lambda n, x, y: print("hello") or y,
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_fit_is_refused_in_one_line(what: str) -> None:
    answer, message = REFUSED[what]
    with pytest.raises(ClassifierError, match=message) as caught:
        preflight(judge(answer))
    assert "\n" not in str(caught.value) and "'odd'" in str(caught.value)


@pytest.mark.parametrize("what", FIT)
def test_what_is_odd_but_fit_passes(what: str) -> None:
    found = preflight(judge(FIT[what]))
    assert found.images == IMAGES and found.repeat_effect < 1e-5
    assert found.scores > 8 and found.batch_effect < 1e-4


def test_probabilities_pass_where_they_are_announced() -> None:
    preflight(judge(lambda n, x, y: y.softmax(1), output="probabilities"))
    for answer in (lambda n, x, y: y, lambda n, x, y: y.sigmoid()):
        with pytest.raises(ClassifierError, match="said to answer probabilities"):
            preflight(judge(answer, output="probabilities"))


def test_every_member_of_an_ensemble_is_asked() -> None:
    logits = judge(lambda n, x, y: y).classifier
    announced = judge(lambda n, x, y: (y * 1.1).softmax(1), output="probabilities").classifier
    hidden = judge(lambda n, x, y: y.softmax(1)).classifier
    preflight(Scorer(Ensemble([logits, announced], "mean"), batch=64, view="auto", device=CPU))
    with pytest.raises(ClassifierError, match="answers probabilities"):
        preflight(Scorer(Ensemble([logits, hidden], "mean"), batch=64, view="auto", device=CPU))


def test_many_classes_have_less_confidence_to_give() -> None:
    def ten(net: Odd, images: Tensor, logits: Tensor) -> Tensor:
        return images.flatten(1)[:, :10].softmax(1)

    with pytest.raises(ClassifierError, match="no class more than 23 % confidence"):
        preflight(judge(ten, classes=10))


def test_a_small_batch_is_kept_to() -> None:
    sizes: list[int] = []
    scorer = judge(lambda n, x, y: sizes.append(len(x)) or y)
    scorer.batch = 3
    preflight(scorer)
    assert max(sizes) == 3


def test_half_precision_is_tried_too() -> None:
    def mixed(net: Odd, images: Tensor, logits: Tensor) -> Tensor:
        return logits + images.flatten(1) @ torch.zeros(36, 3)

    made = judge(mixed).classifier
    with pytest.raises(ClassifierError, match=r"scoring\.precision=float32"):
        preflight(Scorer(made, batch=64, view="auto", device=CPU, precision="bfloat16"))


@pytest.mark.parametrize("size", [1, 3, 28])
def test_images_are_of_the_classifiers_shape_and_differ(size: int) -> None:
    made = Classifier(nn.Flatten(), classes=range(3 * size * size), size=size, channels=3, name="shape")
    images = sample_images(made.shape)
    assert images.shape == (IMAGES, 3, size, size)
    assert len(np.unique(images.reshape(IMAGES, -1), axis=0)) == IMAGES


def test_the_shipped_network_is_fit() -> None:
    classifier = load_classifier(ClassifierConfig(), CPU)
    assert preflight(Scorer(classifier, batch=256, view="auto", device=CPU)).scores == IMAGES
