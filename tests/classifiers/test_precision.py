"""Arithmetic that screens: what is timed, what is chosen, what is recorded, and what folding keeps."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support import small
from torch import Tensor, nn

from evo_fool.classifiers import scoring
from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.precision import candidates, choose_precision, time_precisions
from evo_fool.classifiers.preflight import preflight
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.screening import screening_network
from evo_fool.encodings.numeric.lookup import look_up
from evo_fool.errors import ClassifierError
from evo_fool.evaluation import assembly
from evo_fool.session import evolve, resume

CPU = torch.device("cpu")


class Normed(nn.Module):
    """A convolution, a batch norm that has seen data, and logits; ``untraceable``: the shape decides what runs."""

    def __init__(self, channels: int = 3, untraceable: bool = False) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.convolution, self.norm = nn.Conv2d(channels, 8, 3), nn.BatchNorm2d(8)
        self.norm(torch.randn(64, 8, 5, 5) * 3 + 1)
        self.last = nn.Linear(8, 4)
        self.untraceable = untraceable

    def forward(self, images: Tensor) -> Tensor:
        if self.untraceable and images.mean() > 1e9:
            return images
        logits: Tensor = self.last(self.norm(self.convolution(images)).relu().mean(dim=(2, 3)))
        return logits


class Float32Only(Normed):
    def forward(self, images: Tensor) -> Tensor:
        if images.dtype != torch.float32:
            raise TypeError("float32 only")
        return super().forward(images)


def judge(network: nn.Module, channels: int = 3, **contract: Any) -> Classifier:
    return Classifier(network, classes=list("abcd"), size=(9, 11), channels=channels, name="normed", **contract)


def images(n: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (n, channels, 9, 11), dtype=np.uint8)


@pytest.mark.parametrize(
    ("times", "chosen"),
    [
        ({}, "float32"),
        ({"bfloat16": 1.0}, "float32"),  # float32 itself failed: the preflight will say why
        ({"float32": 8.6, "bfloat16": 11.8}, "float32"),
        ({"float32": 10.0, "bfloat16": 8.8, "folded": 9.0}, "float32"),
        ({"float32": 11.5, "bfloat16": 10.0}, "bfloat16"),
        ({"float32": 14.4, "bfloat16": 10.0, "folded": 9.6}, "folded"),
    ],
)
def test_another_arithmetic_has_to_be_faster_by_a_margin(times: dict[str, float], chosen: str) -> None:
    assert choose_precision(times) == chosen


def test_what_is_timed_depends_on_the_network_and_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    for has in (True, False):
        monkeypatch.setattr("evo_fool.classifiers.precision._cpu_has_bfloat16", lambda has=has: has)
        half = ["bfloat16"] * has
        assert candidates(judge(Normed()), CPU) == ["float32", *half, "folded"]
        assert candidates(judge(nn.Sequential(nn.Conv2d(3, 4, 9), nn.Flatten())), CPU) == ["float32", *half]


def test_every_precision_that_works_is_timed_and_no_other() -> None:
    tried = ("float32", "bfloat16", "folded")
    found = time_precisions(judge(Normed()), 2, CPU, tried)
    assert tuple(found) == tried
    assert all(0 < spent < 10_000 for spent in found.values())
    assert set(time_precisions(judge(Float32Only(untraceable=True)), 2, CPU, tried)) == {"float32"}


def test_folding_keeps_the_function_and_the_original() -> None:
    classifier = judge(Normed())
    before = classifier.fingerprint()
    folded = screening_network(classifier, "folded")
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert any(isinstance(module, nn.BatchNorm2d) for module in classifier.network.modules())
    assert classifier.fingerprint() == before
    given = torch.randn(5, 3, 9, 11)
    with torch.inference_mode():
        torch.testing.assert_close(folded(given), classifier.network(given), rtol=1e-4, atol=1e-5)


def test_what_cannot_be_folded_is_refused_with_a_remedy() -> None:
    scorer = Scorer(judge(Normed(untraceable=True)), batch=4, view="auto", device=CPU, precision="folded")
    with pytest.raises(ClassifierError, match=r"normed.*trace.*scoring\.precision=float32"):
        preflight(scorer)
    assert scorer.score(images(3)).shape == (3, 4), "what only scores needs no other network"


def test_a_folded_network_screens_and_float32_confirms() -> None:
    scorer = Scorer(judge(Normed()), batch=4, view="auto", device=CPU, precision="folded")
    plain = Scorer(judge(Normed()), batch=4, view="auto", device=CPU)
    assert scorer.screens
    np.testing.assert_array_equal(scorer.score(images(6)), plain.score(images(6)))
    np.testing.assert_allclose(scorer.screen(images(6)), plain.score(images(6)), atol=1e-3)


def test_only_screening_compiles_and_it_compiles_the_folded_network(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[nn.Module] = []

    def compile(network: nn.Module) -> nn.Module:
        given.append(network)
        return network

    monkeypatch.setattr(torch, "compile", compile)
    scorer = Scorer(judge(Normed()), batch=4, view="auto", device=CPU, precision="compiled")
    exact = scorer.score(images(6))
    assert given == []
    np.testing.assert_allclose(scorer.screen(images(6)), exact, atol=1e-3)
    np.testing.assert_allclose(scorer.screen(images(2)), exact[:2], atol=1e-3)
    (network,) = given
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def test_the_choice_is_recorded_and_a_resumed_run_takes_it(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "measures_precision", lambda config, classifier: True)
    monkeypatch.setattr(assembly, "time_precisions", lambda *_: {"float32": 3.0, "bfloat16": 1.0})
    run = evolve(small(generations=2), out=out)
    assert run.experiment.scoring.precision == "bfloat16"
    assert run.environment["precision_ms"] == {"float32": 3.0, "bfloat16": 1.0}

    def again(*_: object) -> dict[str, float]:
        raise AssertionError("measured again")

    monkeypatch.setattr(assembly, "time_precisions", again)
    assert resume(run.path, generations=3).experiment.scoring.precision == "bfloat16"
    named = evolve(small(generations=1, scoring={"precision": "float32"}), out=out)
    assert "precision_ms" not in named.environment


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([1, 3, 4]),
    st.sampled_from(["float32", "bfloat16", "float16"]),
    st.sampled_from([{}, {"scale": 255.0}, {"mean": 0.45, "std": 0.225}, {"mean": 0.1307}, {"std": 0.3}]),
    st.integers(1, 7),
)
def test_inputs_through_a_table_are_those_of_torch(
    channels: int, precision: str, contract: dict[str, Any], n: int
) -> None:
    classifier = judge(Normed(channels), channels, **contract)
    through, by_torch = (
        Scorer(classifier, batch=3, view="auto", device=CPU, precision=precision, look_up=given)
        for given in (look_up, None)
    )
    for network in (classifier.network, through.network):
        other = by_torch.network if network is through.network else network
        for found, expected in zip(
            through.inputs(images(n, channels), network), by_torch.inputs(images(n, channels), other), strict=True
        ):
            assert (found.dtype, found.shape, found.stride()) == (expected.dtype, expected.shape, expected.stride())
            assert torch.equal(found, expected)


def test_the_table_is_used_where_views_leave_images_as_they_are() -> None:
    calls = []

    def counted(planes: np.ndarray, table: np.ndarray, threads: int) -> np.ndarray:
        calls.append(len(planes))
        return look_up(planes, table, threads)

    scorer = Scorer(judge(Normed()), batch=4, view="auto", device=CPU, look_up=counted)
    plain = Scorer(judge(Normed()), batch=4, view="auto", device=CPU)
    np.testing.assert_array_equal(scorer.score(images(6)), plain.score(images(6)))
    assert calls == [4, 2]
    large = np.random.default_rng(1).integers(0, 256, (3, 3, 18, 22), dtype=np.uint8)
    np.testing.assert_array_equal(scorer.score(large), plain.score(large))
    assert calls == [4, 2]


@pytest.mark.parametrize("view", ["auto", "ten-crop"])
@pytest.mark.parametrize(("rows", "classes"), [(7, 3), (40, 1000), (5, 10_000)])
def test_log_odds_by_blocks_of_rows_are_the_same(
    rows: int, classes: int, view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(1)
    last = nn.Linear(6, classes)
    last.weight.data.mul_(9)
    network = nn.Sequential(nn.Conv2d(3, 2, 9), nn.Flatten(), last)
    classifier = Classifier(network, classes=range(classes), size=(9, 11), channels=3, name="wide")
    scorer = Scorer(classifier, batch=1000, view=view, device=CPU)
    given = np.random.default_rng(1).integers(0, 256, (rows, 3, 10, 12), dtype=np.uint8)
    monkeypatch.setattr(scoring, "_IN_CACHE", 10**9)
    whole = scorer.score(given)
    for elements in (10_000, 2**15):
        monkeypatch.setattr(scoring, "_IN_CACHE", elements)
        np.testing.assert_array_equal(scorer.score(given), whole)
    monkeypatch.setattr(scoring, "_IN_CACHE", 1)  # rows so short that vectors do not fill: the last bit may differ
    np.testing.assert_allclose(scorer.score(given), whole, rtol=1e-13)
