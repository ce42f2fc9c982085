"""The generative classifier: its likelihood by hand, its floor, its calibration, its training, and what it is worth."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from evo_fool.classifiers.digit_vaes import NO_FLOOR, DigitPosterior, DigitVaes, posterior_logits, vae_classifier
from evo_fool.classifiers.mnist_data import Digits, load_mnist
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.probability import probability
from evo_fool.training.calibration import best_scale, calibration_error, split
from evo_fool.training.vae import calibrated, fit_vaes, pixels, train_vaes

CPU = torch.device("cpu")


def bars(n: int, seed: int) -> Digits:
    """Each digit a bright bar of its own row over faint noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 10
    images = rng.integers(0, 60, (n, 28, 28), dtype=np.uint8)
    images[np.arange(n), labels * 2 + 4, 4:24] = 255
    return Digits(torch.from_numpy(images), torch.from_numpy(labels))


@pytest.fixture(scope="module")
def learned() -> tuple[DigitVaes, float]:
    return fit_vaes(bars(1000, 0), seed=3, epochs=30, report=lambda line: None, hidden=16, latent=2)


def test_likelihood_is_that_of_the_pixels_and_the_prior() -> None:
    """Without an encoder or a decoder to speak of, l is a sum over pixels that can be written down."""
    vaes = DigitVaes(hidden=3, latent=2)
    with torch.no_grad():
        vaes.posterior_bias[:, :, 0] = 2.0  # the mean of the first latent variable
        vaes.pixels_bias[:] = math.log(0.8 / 0.2)
    images = torch.full((1, 784), 0.25)
    expected = 784 * (0.25 * math.log(0.8) + 0.75 * math.log(0.2)) - 2.0**2 / 2
    np.testing.assert_allclose(vaes(images).detach().numpy(), np.full((1, 10), expected), rtol=1e-5)


def test_evidence_is_likelihood_less_divergence() -> None:
    vaes = DigitVaes(hidden=3, latent=2)
    with torch.no_grad():
        vaes.posterior_bias[:, :, 0] = 2.0
        vaes.posterior_bias[:, :, 2] = math.log(0.25)  # the variance of the same
        vaes.pixels_bias[:] = math.log(0.8 / 0.2)
    images = torch.full((10, 1, 784), 0.25)
    divergence = (4 + 0.25 - 1 - math.log(0.25)) / 2
    expected = 784 * (0.25 * math.log(0.8) + 0.75 * math.log(0.2)) - divergence
    found = vaes.evidence(images, torch.randn(10, 1, 2, generator=torch.Generator().manual_seed(0)))
    np.testing.assert_allclose(found.detach().numpy(), np.full((10, 1), expected), rtol=1e-5)


def test_digits_do_not_learn_from_each_other(learned: tuple[DigitVaes, float]) -> None:
    """Each autoencoder gives its own digits a higher likelihood than all others do."""
    vaes, loss = learned
    fresh = bars(200, 9)
    found = vaes(pixels(fresh.images).flatten(1))
    assert torch.equal(found.argmax(1), fresh.labels)
    assert math.isfinite(loss)


def test_logits_without_a_floor_are_scaled_likelihoods() -> None:
    likelihoods = torch.tensor([[-100.0, -90.0, -400.0]])
    assert posterior_logits(likelihoods, 0.5, NO_FLOOR).tolist() == [[-50.0, -45.0, -200.0]]


def test_the_floor_is_abs_constant() -> None:
    """p = (exp(s l) + exp(s f)) / sum of the same, as ABS has it, up to the leak."""
    likelihoods, scale, floor = torch.tensor([[-100.0, -90.0, -140.0]]), 0.2, -105.0
    found = posterior_logits(likelihoods, scale, floor).softmax(1).numpy()
    terms = np.exp(scale * (likelihoods.double().numpy() - floor)) + 1
    np.testing.assert_allclose(found, terms / terms.sum(), atol=5e-3)


def test_below_the_floor_nothing_is_believed_but_a_search_still_sees_uphill() -> None:
    likelihoods = torch.tensor([[-900.0, -5000.0, -5000.0], [-899.0, -5000.0, -5000.0], [-200.0, -5000.0, -5000.0]])
    logits = posterior_logits(likelihoods, 0.3, -110.0)
    assert (logits.softmax(1) - 1 / 3).abs().max() < 0.005
    first = logits[:, 0] - logits[:, 1]
    assert first[0] < first[1] < first[2]


def test_temperature_is_recovered() -> None:
    """Labels drawn from the softmax of 3 times the logits are best explained by the scale 3."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(40_000, 5, generator=generator)
    labels = torch.multinomial((3 * logits).softmax(1), 1, generator=generator).flatten()
    scale = best_scale(lambda s: s * logits, labels)
    assert scale == pytest.approx(3, rel=0.03)
    assert calibration_error((scale * logits).softmax(1), labels) < 0.01
    assert calibration_error((9 * logits).softmax(1), labels) > 0.05


def test_split_keeps_every_image_once() -> None:
    digits = bars(100, 0)
    seen, held_out = split(digits)
    assert (len(seen.labels), len(held_out.labels)) == (90, 10)
    assert torch.equal(torch.cat([seen.images, held_out.images]), digits.images)


def test_calibrated_is_unsure_of_noise_with_a_floor_only(learned: tuple[DigitVaes, float]) -> None:
    held_out = bars(300, 5)
    noise = np.random.default_rng(0).integers(0, 256, (50, 1, 28, 28), dtype=np.uint8)
    confidence = {}
    for floor in (True, False):
        classifier = vae_classifier(calibrated(learned[0], held_out, floor=floor))
        scorer = Scorer(classifier, batch=64, view="auto", device=CPU)
        confidence[floor] = probability(scorer.score(noise)).max(axis=1).mean()
        known = probability(scorer.score(held_out.images.unsqueeze(1).numpy()))
        assert (known.argmax(1) == held_out.labels.numpy()).all()
    assert confidence[True] < 0.12 < confidence[False]


def test_training_repeats_itself_and_its_file_loads(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    from evo_fool.classifiers.zoo import load_classifier
    from evo_fool.sections import ClassifierConfig

    first, _ = fit_vaes(bars(300, 0), seed=1, epochs=2, report=lambda line: None, hidden=8, latent=2)
    again, _ = fit_vaes(bars(300, 0), seed=1, epochs=2, report=lambda line: None, hidden=8, latent=2)
    network = DigitPosterior(first, 0.2, -100.0)
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), again.state_dict().values(), strict=True))
    save_file(network.state_dict(), tmp_path / "v.safetensors")
    config = ClassifierConfig(spec="vae-mnist", weights=str(tmp_path / "v.safetensors"))
    assert load_classifier(config, CPU).fingerprint() == vae_classifier(network).fingerprint()
    with pytest.raises(ConfigError, match="evo-fool train vae"):
        load_classifier(ClassifierConfig(spec="vae-mnist"), CPU)


def test_a_digit_without_images_is_named() -> None:
    digits = bars(100, 0)
    some = digits.labels != 7
    with pytest.raises(ConfigError, match="hold no 7"):
        fit_vaes(Digits(digits.images[some], digits.labels[some]), seed=0, epochs=1, report=lambda line: None)


@pytest.mark.alone  # a minute of computing
@pytest.mark.timeout(1200)
def test_real_digits_are_told_apart(mnist_dir: Path, tmp_path: Path) -> None:
    """At least 98 % of MNIST's test images, with a little more than half of the usual training."""
    result = train_vaes(mnist_dir, out=tmp_path / "v.safetensors", epochs=25)
    record = json.loads((tmp_path / "v.json").read_text())
    assert result.test_error <= 0.02 and record["test_error"] == result.test_error
    assert record["command"].startswith("evo-fool train vae --data DIR") and record["floor"] < -50
    assert record["test_calibration_error"] < 0.03
    assert len(load_mnist(mnist_dir)[1].labels) == record["test_images"]
