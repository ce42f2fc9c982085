"""Detectors by plain formulas, their files, and classifiers that let an image count only as far as a detector does."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy.spatial.distance import mahalanobis
from support import small
from torch import nn

from evo_fool.classifiers import guarded as module
from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.detectors import Detector, look
from evo_fool.classifiers.digit_vaes import DigitVaes
from evo_fool.classifiers.guarded import Calibration, Guarded, guarded_classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.sources.extras import import_extra
from evo_fool.classifiers.spec import DETECTORS, ClassifierSpec, Detecting
from evo_fool.classifiers.weights_io import sha256
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.gradient.step import require_gradient
from evo_fool.scenes.photographs import Photographs
from evo_fool.sections import ClassifierConfig
from evo_fool.session import evolve, resume
from evo_fool.testing import ClassifierContract
from evo_fool.training.detector import fit_detector, natural_images, train_detector, two_halves

if not (find_spec("pytorch_ood") and find_spec("sklearn")):
    pytest.skip("needs the extra ood", allow_module_level=True)

CPU = torch.device("cpu")
OF_LOGITS: tuple[Detecting, ...] = ("msp", "maxlogit", "energy", "entropy")


def network(seed: int = 1, side: int = 6) -> Classifier:
    """Eight features and three classes."""
    torch.manual_seed(seed)
    layers = nn.Sequential(nn.Flatten(), nn.Linear(side**2, 8), nn.ReLU(), nn.Linear(8, 3))
    return Classifier(layers, classes=list("abc"), size=side, channels=1, mean=0.4, std=0.2, name="tiny")


def scorer_of(classifier: Classifier) -> Scorer:
    return Scorer(classifier, batch=16, view="auto", device=CPU)


def photographs(n: int, seed: int = 0, side: int = 6) -> Photographs:
    """Grey ramps of three directions with a little noise, in turn."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(40, 215, side)
    three = np.stack([np.tile(ramp, (side, 1)), np.tile(ramp[::-1, None], side), np.full((side, side), 90.0)])
    labels = np.arange(n) % 3
    images = (three[labels] + rng.normal(0, 12, (n, side, side))).clip(0, 255).astype(np.uint8)
    return Photographs(images[:, None], labels.astype(np.int64), tuple(map(str, range(n))))


SEEN, OTHERS = photographs(90), photographs(60, 1)
ODD = np.random.default_rng(2).integers(0, 256, (12, 1, 6, 6), dtype=np.uint8)


def seen_by(classifier: Classifier, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits and features, float64."""
    head = classifier.network[-1]  # type: ignore[index]
    found = look(classifier, torch.from_numpy(images) / 255, head)
    assert found.features is not None
    return found.logits.double().numpy(), found.features.double().numpy()


def plain(kind: str, classifier: Classifier, tensors: dict[str, torch.Tensor], images: np.ndarray) -> np.ndarray:
    """How odd images are, by the papers' formulas and one image at a time."""
    logits, features = seen_by(classifier, images)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    match kind:
        case "msp":
            top = p.max(axis=1)
            return -np.log(top / (1 - top))
        case "maxlogit":
            return -logits.max(axis=1)
        case "energy":
            return -np.log(np.exp(logits).sum(axis=1))
        case "entropy":
            return np.log(-(p * np.log(p)).sum(axis=1))
        case "odin":
            scores = []
            for image in images:
                x = (torch.from_numpy(image[None]) / 255).requires_grad_()
                answer = classifier.logits(x) / 1000
                nn.functional.cross_entropy(answer, answer.argmax(1)).backward()
                assert x.grad is not None
                moved = classifier.logits((x - 0.0014 * x.grad.sign()).detach()) / 1000
                scores.append(-torch.logit(moved.softmax(1).max().double()).item())
            return np.array(scores)
        case "mahalanobis":
            means, precision = tensors["mu"].double().numpy(), tensors["precision"].double().numpy()
            return np.array([min(mahalanobis(z, mean, precision) ** 2 / 2 for mean in means) for z in features])
        case "knn":
            unit = features / np.linalg.norm(features, axis=1, keepdims=True)
            bank = tensors["bank"].double().numpy()
            bank /= np.maximum(np.linalg.norm(bank, axis=1, keepdims=True), 1e-12)
            return np.array([np.sort(np.linalg.norm(bank - z, axis=1))[90 // 25 - 1] for z in unit])
        case _:
            head = classifier.network[-1]  # type: ignore[index]
            w, b = head.weight.double().numpy(), head.bias.double().numpy()
            centred = features + np.linalg.pinv(w) @ b
            residual = np.linalg.norm(centred @ tensors["subspace"].double().numpy(), axis=1)
            return float(tensors["alpha"]) * residual - np.log(np.exp(logits).sum(axis=1))


@pytest.mark.parametrize("kind", [kind for kind in DETECTORS if kind != "vae"])
def test_scores_are_those_of_the_plain_formula(kind: Detecting) -> None:
    classifier = network()
    detector = fit_detector(kind, scorer_of(classifier), SEEN)
    images = np.concatenate([OTHERS.images[:6], ODD])
    found = detector.scores(scorer_of(classifier), images).numpy()
    assert found.dtype == np.float64
    expected = plain(kind, classifier, detector.tensors, images)
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-4 if kind == "odin" else 2e-5)


def test_what_is_fitted_is_what_the_papers_say() -> None:
    scorer = scorer_of(network())
    _, features = seen_by(scorer.classifier, SEEN.images)
    means = fit_detector("mahalanobis", scorer, SEEN).tensors["mu"].numpy()
    assert SEEN.labels is not None
    np.testing.assert_allclose(means, [features[SEEN.labels == c].mean(axis=0) for c in range(3)], rtol=1e-4, atol=1e-5)
    few = SEEN.pick(np.arange(25))  # eight of each class: one mean for all
    assert len(fit_detector("mahalanobis", scorer, few).tensors["mu"]) == 1
    np.testing.assert_allclose(fit_detector("knn", scorer, SEEN).tensors["bank"].numpy(), features, rtol=1e-5)
    vim = fit_detector("vim", scorer, SEEN).tensors
    head = scorer.classifier.network[-1]  # type: ignore[index]
    centred = features + np.linalg.pinv(head.weight.double().numpy()) @ head.bias.double().numpy()
    variances = np.linalg.eigvalsh(centred.T @ centred)
    kept = np.square(centred @ vim["subspace"].double().numpy()).sum()
    np.testing.assert_allclose(kept, variances[:4].sum(), rtol=1e-3)  # the half with the least variance


def test_pytorch_oods_entropy_is_the_same_detector_where_it_is_not_cut_off() -> None:
    entropy = import_extra("pytorch_ood.detector", "ood").Entropy
    scorer = scorer_of(network())
    logits = torch.from_numpy(seen_by(scorer.classifier, ODD)[0])
    found = fit_detector("entropy", scorer, SEEN).scores(scorer, ODD)
    np.testing.assert_allclose(found.exp().numpy(), entropy.score(logits).numpy(), rtol=1e-4)


def test_the_generative_detector_is_the_likelihood_under_the_likeliest_digit(tmp_path: Path) -> None:
    vaes = DigitVaes(16, 4, torch.Generator().manual_seed(3))
    state = {f"vaes.{name}": tensor for name, tensor in vaes.state_dict().items()}
    save_file(state | {"scale": torch.tensor(1.0)}, tmp_path / "vaes.safetensors")
    lenet = scorer_of(load_classifier(ClassifierConfig(), CPU))
    images = np.random.default_rng(0).integers(0, 256, (5, 1, 28, 28), dtype=np.uint8)
    photos = Photographs(images, None, tuple("abcde"))
    detector = fit_detector("vae", lenet, photos, tmp_path / "vaes.safetensors")
    with torch.inference_mode():
        expected = -vaes((torch.from_numpy(images) / 255).flatten(1)).amax(1)
    np.testing.assert_allclose(detector.scores(lenet, images).numpy(), expected.numpy(), rtol=1e-5)
    with pytest.raises(ConfigError, match="train vae"):
        fit_detector("vae", lenet, photos)
    with pytest.raises(ConfigError, match="28x28"):
        fit_detector("vae", scorer_of(network()), SEEN, tmp_path / "vaes.safetensors")


def written(folder: Path, kind: Detecting = "energy", classifier: Classifier | None = None) -> Path:
    out = folder / f"{kind}.safetensors"
    train_detector(kind, scorer_of(classifier or network()), SEEN, OTHERS, out)
    return out


@pytest.mark.parametrize("kind", [kind for kind in DETECTORS if kind != "vae"])
def test_a_file_gives_the_same_bytes_back(kind: Detecting, tmp_path: Path) -> None:
    scorer = scorer_of(network())
    fitted = fit_detector(kind, scorer, SEEN).scores(scorer, ODD)
    loaded = guarded_classifier(str(written(tmp_path, kind)), network())
    assert loaded.detector.scores(scorer_of(loaded), ODD).numpy().tobytes() == fitted.numpy().tobytes()
    first = loaded.fingerprint()
    assert guarded_classifier(str(written(tmp_path, kind)), network()).fingerprint() == first


@pytest.mark.parametrize("kind", [*OF_LOGITS, "mahalanobis", "knn", "odin", "vim"])
def test_log_odds_are_the_smaller_of_both(kind: Detecting, tmp_path: Path) -> None:
    inner, found = network(), guarded_classifier(str(written(tmp_path, kind)), network())
    images = np.concatenate([OTHERS.images, ODD])
    detector = found.calibration.log_odds(found.detector.scores(scorer_of(found), images)).numpy()
    expected = np.minimum(scorer_of(inner).score(images), detector[:, None])
    np.testing.assert_allclose(scorer_of(found).score(images), expected, rtol=1e-6, atol=1e-6)
    natural = detector[: len(OTHERS)]
    assert (natural >= 0).mean() == 0.95
    np.testing.assert_allclose(np.sort(natural)[::-1][29], np.log(99), rtol=1e-6)  # torch's median is the lower one


def test_every_view_is_guarded(tmp_path: Path) -> None:
    found = guarded_classifier(str(written(tmp_path)), network())
    large = np.random.default_rng(3).integers(0, 256, (4, 1, 9, 9), dtype=np.uint8)
    crops = Scorer(found, batch=16, view="ten-crop", device=CPU).score(large)
    bare = Scorer(network(), batch=16, view="ten-crop", device=CPU).score(large)
    assert crops.shape == (4, 3) and np.isfinite(crops).all() and (crops <= bare + 1e-9).all() and (crops < bare).any()


class TestContract(ClassifierContract):
    differentiable = False

    @pytest.fixture
    def classifier(self, tmp_path: Path) -> Classifier:
        return guarded_classifier(str(written(tmp_path)), network())


def test_gradients_and_other_arithmetic_are_refused(tmp_path: Path) -> None:
    found = guarded_classifier(str(written(tmp_path)), network())
    with pytest.raises(ClassifierError, match="no gradient"):
        require_gradient(found)
    with pytest.raises(ConfigError, match="precision"):
        Scorer(found, batch=16, view="auto", device=CPU, precision="bfloat16")


@pytest.mark.parametrize("kind", ["mahalanobis", "knn", "vim", "odin"])
def test_what_torch_cannot_see_into_has_no_such_detector(kind: Detecting) -> None:
    blind = Classifier(
        lambda images: images.reshape(len(images), -1)[:, :3].astype(float),
        classes=list("abc"),
        size=6,
        channels=1,
        name="f",
    )
    with pytest.raises(ConfigError, match=kind):
        fit_detector(kind, scorer_of(blind), SEEN)
    assert len(fit_detector("energy", scorer_of(blind), SEEN).scores(scorer_of(blind), ODD)) == 12


def test_specs_name_the_file_and_the_network(tmp_path: Path) -> None:
    spec = ClassifierSpec.parse("guarded:some/e.safetensors:torchvision:alexnet", "w.pt")
    assert (spec.kind, spec.target, spec.weights, str(spec)) == (
        "guarded",
        "some/e.safetensors",
        "w.pt",
        "guarded:some/e.safetensors:torchvision:alexnet",
    )
    moved = spec.absolute()
    assert moved.target == str(Path("some/e.safetensors").absolute()) and moved.weights == str(Path("w.pt").absolute())
    assert ClassifierSpec.of(moved.config()) == moved
    assert ClassifierSpec.parse("guarded:e.safetensors:nets.py:build").hazard == "is code"
    assert ClassifierSpec.parse_with_weights("guarded:e.safetensors:lenet-mnist@a.pt").weights == "a.pt"
    for bad in ("guarded:energy:lenet-mnist", "guarded:.safetensors:", "guarded:e.safetensors:ensemble:mean:a+b"):
        with pytest.raises(ConfigError, match="guarded"):
            ClassifierSpec.parse(bad)
    with pytest.raises(ConfigError, match="guarded classifier cannot be a member"):
        ClassifierSpec.parse("ensemble:mean:lenet-mnist+guarded:e.safetensors:lenet-mnist")


def forged(path: Path, record: dict[str, Any] | None = None, **tensors: torch.Tensor | None) -> None:
    """Other tensors or records, with the right SHA-256."""
    kept = {name: tensor for name, tensor in (load_file(path) | tensors).items() if tensor is not None}
    save_file(kept, path)
    told = json.loads(path.with_suffix(".json").read_text()) | {"sha256": sha256(path)} | (record or {})
    path.with_suffix(".json").write_text(json.dumps(told))


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a changed byte": (flipped, "SHA-256"),
    "no record": (lambda p: p.with_suffix(".json").unlink(), "no such file"),
    "no tensors": (lambda p: p.unlink(), "no such file"),
    "a pickle": (lambda p: p.write_bytes(pickle.dumps({"natural": [1.0]})), "safetensors"),
    "a record that is a list": (lambda p: p.with_suffix(".json").write_text("[1]"), "record"),
    "a deep record": (lambda p: p.with_suffix(".json").write_text("[" * 100_000), "record"),
    "an unknown detector": (lambda p: forged(p, {"kind": "eval"}), "record"),
    "another detector": (lambda p: forged(p, {"kind": "vim"}), "vim"),
    "another network": (lambda p: forged(p, {"classifier": "0" * 64}), "another network"),
    "not a number": (lambda p: forged(p, natural=torch.full((40,), torch.nan, dtype=torch.float64)), "held-out"),
    "few images": (lambda p: forged(p, natural=torch.arange(5, dtype=torch.float64)), "held-out"),
    "no images": (lambda p: forged(p, natural=None, other=torch.zeros(1)), "other"),
    "one score": (lambda p: forged(p, natural=torch.zeros(40, dtype=torch.float64)), "same score"),
    "other features": (lambda p: forged(p, bank=torch.zeros(90, 5)), "bank"),
    "no features": (lambda p: forged(p, bank=torch.zeros(0, 8)), "bank"),
    "infinite features": (lambda p: forged(p, bank=torch.full((90, 8), torch.inf)), "bank"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_files_are_refused_in_one_line(what: str, tmp_path: Path) -> None:
    path = written(tmp_path, "knn")
    spoil, word = HOSTILE[what]
    spoil(path)
    with pytest.raises(ConfigError, match=word) as caught:
        guarded_classifier(str(path), network())
    assert "\n" not in str(caught.value)


def test_large_files_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "knn")
    monkeypatch.setattr(module, "_MOST_BYTES", 100)
    with pytest.raises(ConfigError, match="more than 100 bytes"):
        guarded_classifier(str(path), network())


def test_natural_images_are_chosen_by_place(tmp_path: Path) -> None:
    scorer = scorer_of(network())
    np.savez(tmp_path / "p.npz", images=SEEN.images, labels=SEEN.labels)
    fit, others = two_halves(scorer, tmp_path / "p.npz", (0, 30), (60, 90))
    assert len(fit) == len(others) == 30 and set(fit.labels.tolist()) == {0} and set(others.labels.tolist()) == {2}  # type: ignore[union-attr]
    halves = two_halves(scorer, tmp_path / "p.npz", None, None)
    assert [len(half) for half in halves] == [45, 45]
    bad: list[tuple[tuple[Any, Any], str]] = [(((0, 50), (40, 90)), "overlap"), (((0, 50), None), "both")]
    for ranges, word in bad:
        with pytest.raises(ConfigError, match=word):
            two_halves(scorer, tmp_path / "p.npz", *ranges)
    with pytest.raises(ConfigError, match="choose fewer"):
        natural_images(scorer, tmp_path / "p.npz", (0, 100))


def test_a_run_refuses_another_detector(tmp_path: Path, out: Path) -> None:
    lenet = load_classifier(ClassifierConfig(), CPU)
    rng = np.random.default_rng(0)
    digits = Photographs(rng.integers(0, 256, (60, 1, 28, 28), dtype=np.uint8), None, tuple(map(str, range(60))))
    path = tmp_path / "e.safetensors"
    train_detector("energy", scorer_of(lenet), digits, digits.pick(np.arange(30)), path)
    classifier = {"spec": f"guarded:{path}:lenet-mnist"}
    with evolve(small(generations=2, classifier=classifier), out=out) as run:
        assert isinstance(load_classifier(run.experiment.classifier, CPU), Guarded)
        place = run.path
    with resume(place, generations=3) as again:
        assert again.generation == 3
    train_detector("energy", scorer_of(lenet), digits, digits.pick(np.arange(30, 60)), path)
    with pytest.raises(ConfigError, match="other weights"):
        resume(place, generations=4)


def test_a_detector_watches_one_network(tmp_path: Path) -> None:
    found = guarded_classifier(str(written(tmp_path)), network())
    with pytest.raises(ConfigError, match="several"):
        Detector("energy", found, {})


def test_thresholds_let_their_share_pass() -> None:
    rng = np.random.default_rng(0)
    calibration = Calibration(torch.from_numpy(rng.normal(size=200)))
    for share in (0.95, 0.99):
        assert (calibration.natural <= calibration.threshold(share)).double().mean() == share
