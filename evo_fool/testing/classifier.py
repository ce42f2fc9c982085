"""The contract of a :class:`~evo_fool.classifiers.base.Classifier`."""

from __future__ import annotations

import copy
import re

import numpy as np
import pytest
import torch
from torch import Tensor

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError

N = 5
"""Images in a batch."""


class ClassifierContract:
    """Override the fixture ``classifier``. Where no gradient reaches the images, set ``differentiable = False``."""

    differentiable = True

    @pytest.fixture
    def classifier(self) -> Classifier:
        """The classifier under test."""
        raise NotImplementedError("override the fixture 'classifier'")

    def test_classes_have_distinct_names(self, classifier: Classifier) -> None:
        assert len(set(classifier.classes)) == len(classifier.classes) >= 2
        assert all(isinstance(name, str) and name for name in classifier.classes)
        assert len(classifier.aliases) == len(classifier.classes)

    def test_logits_are_finite_and_one_a_class(self, classifier: Classifier) -> None:
        logits = classifier(noise(classifier))
        assert logits.shape == (N, len(classifier.classes))
        assert logits.is_floating_point()
        assert torch.isfinite(logits).all()

    def test_it_looks_at_the_images(self, classifier: Classifier) -> None:
        logits = classifier(noise(classifier))
        assert not torch.allclose(logits, logits[:1].expand_as(logits), atol=0.0, rtol=1e-6)

    def test_log_odds_are_finite_for_any_image(self, classifier: Classifier) -> None:
        images = torch.cat(
            [noise(classifier), torch.zeros_like(noise(classifier))[:1], torch.ones_like(noise(classifier))[:1]]
        )
        scorer = Scorer(classifier, batch=3, view="auto", device=torch.device("cpu"))
        log_odds = scorer.score((images.numpy() * 255).astype(np.uint8))
        assert log_odds.dtype == np.float64
        assert log_odds.shape == (N + 2, len(classifier.classes))
        assert np.isfinite(log_odds).all()

    def test_equal_images_have_equal_logits(self, classifier: Classifier) -> None:
        images = noise(classifier)
        before = images.clone()
        generators = _global_generators()
        first, again = classifier(images), classifier(images)
        assert torch.equal(first, again)
        assert torch.equal(images, before), "the images that were passed in have been modified"
        assert _global_generators() == generators, "a forward pass draws from a global random generator"

    def test_a_score_does_not_depend_on_its_neighbours(self, classifier: Classifier) -> None:
        images = noise(classifier)
        together = classifier(images)
        alone = torch.cat([classifier(images[i : i + 1]) for i in range(N)])
        assert torch.allclose(together, alone, rtol=1e-3, atol=1e-3 * float(together.abs().max()))

    def test_it_is_frozen_and_in_eval_mode_for_good(self, classifier: Classifier) -> None:
        expected = classifier(noise(classifier))
        classifier.train()
        assert not any(module.training for module in classifier.modules())
        assert not any(parameter.requires_grad for parameter in classifier.parameters())
        assert torch.equal(classifier(noise(classifier)), expected)

    def test_gradients_reach_the_images(self, classifier: Classifier) -> None:
        if not self.differentiable:
            pytest.skip("differentiable = False")
        images = noise(classifier).requires_grad_()
        (gradient,) = torch.autograd.grad(classifier(images)[:, 0].sum(), images)
        assert torch.isfinite(gradient).all()
        assert gradient.abs().max() > 0

    def test_other_inputs_are_refused(self, classifier: Classifier) -> None:
        images = noise(classifier)
        others = {
            "another size": images[..., :-1],
            "another number of channels": torch.cat([images, images[:, :1]], dim=1),
            "bytes": (images * 255).to(torch.uint8),
            "values above 1": images + 1,
            "no batch": images[0],
        }
        for what, other in others.items():
            with pytest.raises(ConfigError):
                classifier(other)
                pytest.fail(f"{what}: accepted")

    def test_the_fingerprint_follows_the_weights(self, classifier: Classifier) -> None:
        fingerprint = classifier.fingerprint()
        assert re.fullmatch("[0-9a-f]{64}", fingerprint)
        assert classifier.fingerprint() == fingerprint == copy.deepcopy(classifier).fingerprint()
        other = copy.deepcopy(classifier)
        weights = [tensor for tensor in other.parameters() if tensor.is_floating_point() and tensor.numel()]
        if not weights:
            pytest.skip("no weights to change")
        with torch.no_grad():
            weights[-1].view(-1)[0] += 1
        assert other.fingerprint() != fingerprint


def noise(classifier: Classifier) -> Tensor:
    """Images that no two of are alike, float32 ``(n, channels, height, width)`` in [0, 1], always the same."""
    shape = (N, classifier.channels, classifier.size, classifier.size)
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


def _global_generators() -> tuple[bytes, str, bytes]:
    _, keys, position, *_ = np.random.get_state()
    return torch.get_rng_state().numpy().tobytes(), str(position), np.asarray(keys).tobytes()
