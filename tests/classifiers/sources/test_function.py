"""Any function from bytes to scores evolves: as an object, as a spec, and as scikit-learn's predict_proba."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from evo_fool import Experiment, evolve, resume, verify
from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.preflight import preflight
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.cli.main import main
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.gradient.step import require_gradient
from evo_fool.probability import probability
from evo_fool.sections import ClassifierConfig
from evo_fool.testing import ClassifierContract

CPU = torch.device("cpu")
SMALL = Experiment.from_mapping({"batch": 10, "generations": 4, "encoding": {"kind": "pixels"}})


def quarters(images: np.ndarray) -> np.ndarray:
    """Logits of four classes: the brightness of each quarter of a 6x6 image."""
    assert images.dtype == np.uint8
    assert images.shape[1:] == (6, 6, 3)
    grey = images.astype(np.float64).mean(axis=3) / 20
    return np.stack([grey[:, y : y + 3, x : x + 3].mean(axis=(1, 2)) for y in (0, 3) for x in (0, 3)], axis=1)


def judge(function: Any = quarters, **options: Any) -> Classifier:
    return Classifier(function, **{"classes": list("abcd"), "size": 6, "channels": 3, "name": "f"} | options)


class TestFunction(ClassifierContract):
    differentiable = False

    @pytest.fixture
    def classifier(self) -> Classifier:
        return judge()


def test_it_is_given_the_bytes_that_are_stored() -> None:
    images = np.random.default_rng(0).integers(0, 256, (7, 3, 6, 6), dtype=np.uint8)
    seen: list[np.ndarray] = []
    made = judge(lambda given: (seen.append(given.copy()), quarters(given))[1])
    log_odds = Scorer(made, batch=5, view="auto", device=CPU).score(images)
    np.testing.assert_array_equal(np.concatenate(seen), images.transpose(0, 2, 3, 1))
    e = np.exp(quarters(images.transpose(0, 2, 3, 1)))
    np.testing.assert_allclose(probability(log_odds), e / e.sum(axis=1, keepdims=True), rtol=1e-12)


def test_it_evolves_verifies_and_resumes_as_an_object(tmp_path: Path) -> None:
    run = evolve(SMALL, classifier=judge(), out=tmp_path)
    assert verify(run, classifier=judge()).clean
    assert resume(run.path, classifier=judge(), generations=5).generation == 5
    with pytest.raises(ConfigError, match="has other weights"):
        resume(run.path, classifier=judge(lambda images: quarters(images) * 2), generations=6)


def test_a_bare_function_tells_by_its_attributes_what_it_takes(tmp_path: Path) -> None:
    def scores(images: np.ndarray) -> np.ndarray:
        return quarters(images)

    with pytest.raises(ConfigError, match="does not tell its size"):
        evolve(SMALL, classifier=scores, out=tmp_path)
    scores.size = (6, 6)  # type: ignore[attr-defined]
    run = evolve(SMALL, classifier=scores, out=tmp_path)
    assert (run.classes, run.experiment.classifier.spec) == (("0", "1", "2", "3"), "object:scores")


def test_a_fingerprint_of_its_own_takes_the_place_of_its_answers() -> None:
    def named(name: str) -> Any:
        def scores(images: np.ndarray) -> np.ndarray:
            return quarters(images)

        scores.fingerprint = name  # type: ignore[attr-defined]
        return scores

    first, second, again = (judge(named(name)).fingerprint() for name in ("one", "two", "one"))
    assert first == again != second


def test_it_has_no_gradients_and_no_other_arithmetic() -> None:
    with pytest.raises(ClassifierError, match="evolve instead"):
        require_gradient(judge())
    with pytest.raises(ConfigError, match="computes in its own arithmetic"):
        Scorer(judge(), batch=4, view="auto", device=CPU, precision="bfloat16")
    with pytest.raises(ConfigError, match="leave out scale, mean and std"):
        judge(mean=0.5)


def test_memory_running_out_halves_the_batch() -> None:
    def greedy(images: np.ndarray) -> np.ndarray:
        if len(images) > 3:
            raise MemoryError
        return quarters(images)

    scorer = Scorer(judge(greedy), batch=16, view="auto", device=CPU)
    assert scorer.score(np.zeros((16, 3, 6, 6), np.uint8)).shape == (16, 4)
    assert scorer.batch == 2


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda images: quarters(images)[:, :3], r"answered \(16, 3\); expected logits"),
        (lambda images: quarters(images)[:-1], r"answered \(15, 4\)"),
        (lambda images: quarters(images) * np.nan, "NaN or infinity"),
        (lambda images: [["much"] * 4] * len(images), "failed on images of shape"),
        (lambda images: 1 / 0, "ZeroDivisionError"),
        (lambda images: np.full((len(images), 4), 0.25), "one and the same score|answers probabilities"),
    ],
)
def test_what_is_no_classifier_is_refused(function: Any, message: str) -> None:
    with pytest.raises(ClassifierError, match=message):
        preflight(Scorer(judge(function), batch=16, view="auto", device=CPU))


DIGITS = """
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

data = load_digits()
model = LogisticRegression(max_iter=200).fit(data.images[:1000].reshape(-1, 64) / 16, data.target[:1000])


def scores(images):
    return model.predict_proba(images.reshape(len(images), 64) / 255)


scores.size, scores.channels, scores.output = 8, 1, "probabilities"
scores.classes = [f"digit {c}" for c in model.classes_]
"""


def test_scikit_learn_evolves_through_the_command_line(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    (workplace / "digits.py").write_text(DIGITS)
    spec = "callable:digits.py:scores"
    settings = ("-S", "batch=20", "--generations", "60", "--classifier", spec)
    assert main(["run", "mnist-pixels", *settings, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["targets"] == 10
    assert summary["median_confidence"] > 0.85
    assert main(["resume", "latest", "--generations", "61"]) == 2
    assert "the run's classifier is code; if you trust it, repeat it: --classifier" in capsys.readouterr().err
    assert main(["resume", "latest", "--generations", "61", "--classifier", spec]) == 0
    assert main(["verify", "latest", "--classifier", spec]) == 0
    (workplace / "digits.py").write_text(DIGITS.replace("max_iter=200", "max_iter=200, C=0.01"))
    assert main(["resume", "latest", "--generations", "62", "--classifier", spec]) == 2
    assert "has other weights" in capsys.readouterr().err


def test_a_module_and_a_description(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workplace / "mine.py").write_text("def scores(images):\n    return images.reshape(len(images), -1)[:, :3] * 0.1\n")
    monkeypatch.syspath_prepend(workplace)
    (workplace / "mine.yaml").write_text("size: [4, 6]\nchannels: 1\nclasses: [ant, bee, cat]\n")
    try:
        config = ClassifierConfig(spec="callable:mine:scores", description="mine.yaml")
        made = load_classifier(config, CPU)
        assert (made.shape, made.classes, made.opaque) == ((1, 4, 6), ("ant", "bee", "cat"), True)
        (workplace / "names.txt").write_text("one\n\ntwo\nthree\n")
        named = load_classifier(config.model_copy(update={"classes": "names.txt"}), CPU)
        assert named.classes == ("one", "two", "three")
        for text, message in {
            "sise: 4": "unknown key 'sise'; did you mean 'size'",
            "size: -4": "size = -4",
            "rate: 3": "unknown key 'rate'",
        }.items():
            (workplace / "mine.yaml").write_text(text)
            with pytest.raises(ConfigError, match=message):
                load_classifier(config, CPU)
    finally:
        sys.modules.pop("mine", None)
