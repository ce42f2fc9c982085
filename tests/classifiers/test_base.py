"""The boundary of a classifier: what it takes, what it refuses, and what identifies it."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ClassifierError, ConfigError, EvoFoolError

GOOD: dict[str, Any] = {"classes": ["a", "b"], "size": 4, "channels": 1, "name": "tiny"}


def flat(size: int = 4, channels: int = 1, classes: int = 2) -> nn.Module:
    network = nn.Sequential(nn.Flatten(), nn.Linear(channels * size * size, classes))
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        nn.init.uniform_(parameter, -1, 1, generator=generator)
    return network


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"classes": ["a", "a"]}, "more than once"),
        ({"classes": ["a", ""]}, "non-empty"),
        ({"classes": ["a"]}, "at least two"),
        ({"classes": []}, "at least two"),
        ({"classes": "ab"}, "list"),
        ({"classes": [1.5, 2]}, "names"),
        ({"classes": [True, False]}, "names"),
        ({"classes": ["half of \ud83d", "b"]}, "half a surrogate"),
        ({"output": "odds"}, "output"),
        ({"size": 0}, "size"),
        ({"size": 4.0}, "size"),
        ({"size": (4,)}, "size"),
        ({"size": (4, 0)}, "size"),
        ({"channels": 0}, "channels"),
        ({"std": 0.0}, "std"),
        ({"std": [1.0, 1.0]}, "std"),
        ({"mean": math.nan}, "mean"),
        ({"scale": 0.0}, "scale"),
    ],
)
def test_bad_definitions_are_refused(change: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word) as caught:
        Classifier(flat(), **(GOOD | change))
    assert "\n" not in str(caught.value)
    assert "tiny" in str(caught.value)


@pytest.mark.parametrize(
    "change", [{"name": "x\ud800"}, {"classes": ["a", "x\ud800"]}, {"aliases": [["ant"], ["x\ud800"]]}]
)
def test_half_a_surrogate_pair_is_no_name(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"the name 'x\\ud800' has half a surrogate pair") as caught:
        Classifier(flat(), **(GOOD | change))
    assert str(caught.value).isprintable()


def test_network_must_be_a_module_or_a_function() -> None:
    with pytest.raises(ConfigError, match=r"network is int; it must be a torch.nn.Module or a function"):
        Classifier(3, **GOOD)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("images", "word"),
    [
        (torch.zeros(1, 1, 4, 5), "shape"),
        (torch.zeros(1, 3, 4, 4), "shape"),
        (torch.zeros(1, 4, 4), "shape"),
        (torch.zeros(1, 1, 4, 4, dtype=torch.uint8), "divide"),
        (torch.full((1, 1, 4, 4), 255.0), r"\[0, 1\]"),
        (torch.full((1, 1, 4, 4), -1e-6), r"\[0, 1\]"),
        (torch.full((1, 1, 4, 4), math.nan), r"\[0, 1\]"),
    ],
)
def test_bad_images_are_refused(images: torch.Tensor, word: str) -> None:
    with pytest.raises(EvoFoolError, match=word) as caught:
        Classifier(flat(), **GOOD)(images)
    assert isinstance(caught.value, ValueError)


def test_bounds_of_the_range_are_in_it() -> None:
    classifier = Classifier(flat(), **GOOD)
    assert classifier(torch.stack([torch.zeros(1, 4, 4), torch.ones(1, 4, 4)])).shape == (2, 2)
    assert classifier(torch.zeros(0, 1, 4, 4)).shape == (0, 2)


def test_normalisation_happens_inside_channel_by_channel() -> None:
    network = flat(channels=3)
    classifier = Classifier(
        network, classes=["a", "b"], size=4, channels=3, mean=(10, 20, 30), std=(2, 4, 8), name="n", scale=255
    )
    images = torch.rand(5, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    expected = network(
        torch.stack([(images[:, c] * 255 - m) / s for c, (m, s) in enumerate([(10, 2), (20, 4), (30, 8)])], 1)
    )
    torch.testing.assert_close(classifier(images), expected)


def test_fingerprint_follows_what_decides_a_score() -> None:
    def make(**change: Any) -> Classifier:
        conv = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.LazyLinear(2))
        conv(torch.zeros(1, 3, 4, 4))
        for parameter in conv.parameters():
            nn.init.constant_(parameter, 0.5)
        return Classifier(conv, **(GOOD | {"channels": 3} | change))

    first = make().fingerprint()
    assert len(first) == 64
    assert make(name="renamed").fingerprint() == first
    changed = make()
    changed.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    assert changed.fingerprint() == first
    next(changed.parameters())[0, 0, 0, 0] = 0.25
    others = [changed, make(mean=0.5), make(std=2.0), make(scale=255.0), make(classes=["b", "a"])]
    others.append(make(output="probabilities"))
    assert len({first, *(c.fingerprint() for c in others)}) == 7


def test_classes_may_be_numbered() -> None:
    assert Classifier(flat(), **(GOOD | {"classes": [0, np.int64(1)]})).classes == ("0", "1")


@pytest.mark.parametrize(
    "wrap", [lambda x: (x,), lambda x: [x], lambda x: {"logits": x, "loss": None}, lambda x: SimpleNamespace(logits=x)]
)
def test_wrapped_logits_are_unwrapped(wrap: Callable[[torch.Tensor], Any]) -> None:
    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = flat()

        def forward(self, images: torch.Tensor) -> Any:
            return wrap(self.inner(images))

    images = torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(Classifier(Wrapped(), **GOOD)(images), Classifier(flat(), **GOOD)(images))


def test_probabilities_score_as_the_logits_that_they_come_from() -> None:
    images = np.random.default_rng(0).integers(0, 256, (9, 1, 4, 4), dtype=np.uint8)
    ends_in_softmax = Classifier(nn.Sequential(flat(), nn.Softmax(dim=1)), output="probabilities", **GOOD)
    scores = [
        Scorer(classifier, batch=9, view="auto", device=torch.device("cpu")).score(images)
        for classifier in (ends_in_softmax, Classifier(flat(), **GOOD))
    ]
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-4, atol=1e-5)


def test_probabilities_of_zero_are_scores_too() -> None:
    class Sure(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.tensor([[1.0, 0.0]]).expand(len(images), 2)

    log_odds = Scorer(
        Classifier(Sure(), output="probabilities", **GOOD), batch=1, view="auto", device=torch.device("cpu")
    )
    assert log_odds.score(np.zeros((1, 1, 4, 4), np.uint8)).tolist() == [pytest.approx([103.28, -103.28], abs=0.01)]


def test_a_network_that_leaves_the_program_or_the_directory_does_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Leaves(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            os.chdir("/")
            sys.exit(0)

    monkeypatch.chdir(tmp_path)
    with pytest.raises(ClassifierError, match=r"tried to end the program in its forward pass \(SystemExit: 0\)"):
        Classifier(Leaves(), **GOOD)(torch.zeros(1, 1, 4, 4))
    assert Path.cwd() == tmp_path


def test_foolbox_missing_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "foolbox", None)
    with pytest.raises(ClassifierError, match="pip install foolbox"):
        Classifier(flat(), **GOOD).as_foolbox()


def test_foolbox_model_gives_the_same_logits() -> None:
    pytest.importorskip("foolbox", reason="foolbox is an optional extra")
    classifier = Classifier(flat(), mean=0.3, std=0.7, **GOOD)
    model = classifier.as_foolbox()
    images = torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    assert tuple(model.bounds) == (0, 1)
    torch.testing.assert_close(model(images), classifier(images))


def test_aliases_are_one_list_a_class() -> None:
    assert Classifier(flat(), **GOOD).aliases == ((), ())
    named = Classifier(flat(), **GOOD, aliases=[["n1", "x"], []])
    assert named.aliases == (("n1", "x"), ())
    assert named.fingerprint() == Classifier(flat(), **GOOD).fingerprint()
    for aliases in ([["n1"]], [["n1"], [" "]], [["n1"], [2]]):
        with pytest.raises(ConfigError, match="one list of non-empty names for each of 2 classes"):
            Classifier(flat(), **GOOD, aliases=aliases)
