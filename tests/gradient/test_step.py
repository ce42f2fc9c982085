"""Differentiable log-probabilities, in both precisions."""

import numpy as np
import pytest
import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.errors import ConfigError
from evo_fool.gradient.methods import settings_of
from evo_fool.gradient.step import descend, log_probabilities


def test_gradients_in_bfloat16_are_those_of_float32_but_for_their_rounding(linear: Classifier) -> None:
    pixels = torch.from_numpy(np.random.default_rng(0).uniform(0, 255, (5, *linear.shape)).astype(np.float32))
    slopes = []
    for precision in ("float32", "bfloat16"):
        leaf = pixels.clone().requires_grad_(True)
        log_p = log_probabilities(linear, leaf, precision)
        assert log_p.dtype == torch.float32
        torch.testing.assert_close(log_p.exp().sum(dim=1), torch.ones(5))
        slopes.append(descend(linear, log_p[:, 0].sum(), leaf).flatten())
    assert (slopes[0] != slopes[1]).any()
    assert torch.cosine_similarity(*slopes, dim=0) > 0.99


def test_another_precision_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"search\.settings\.precision = 'half': must be one of float32, bfloat16"):
        settings_of("program", {"precision": "half"})
