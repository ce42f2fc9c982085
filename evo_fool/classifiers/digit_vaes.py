"""A generative classifier of digits: one variational autoencoder a digit, and Bayes' rule (the paper's discussion,
section 4, expects such models to be harder to fool; after ABS: Schott, Rauber, Bethge & Brendel, 2018).

The ten autoencoders are one network of batched matrices, trained and evaluated together. The score of an image under
digit y is a lower bound of its log-likelihood up to a constant, as in ABS,

    l_y = log p(x | z) - |z|^2 / 2   at   z = the encoder's mean,

with grey values as Bernoulli probabilities; ABS searches the best z by gradient ascent, here the encoder gives it in
one pass. The posterior p(y | x), with equal priors, is a softmax of ``scale * l_y``. On its own it is certain of almost
anything: far from every digit, one digit is still a hundred nats less unlikely than the others. ABS therefore adds a
constant to every exp(scale * l_y); here it is exp(scale * floor), so an image less likely than ``floor`` under every
digit gets even probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.lenet import DIGITS, SIZE
from evo_fool.classifiers.scoring import softplus

PIXELS = SIZE * SIZE
HIDDEN = 256
LATENT = 12
NO_FLOOR = -math.inf

_LEAK = 0.01
"""How far, in logits, an image below the floor still rises as it approaches it. Without the leak a search would stall
on a plateau and the classifier would only look robust; it is too small to change a confidence."""


class DigitVaes(nn.Module):
    """Ten autoencoders in one module: images ``(n, 784)`` in [0, 1] to ``l_y``, float32 ``(n, 10)``, up to a constant.

    Each has one hidden layer of rectified units on either side of its latent variables.

    Args:
        hidden: units of each hidden layer.
        latent: latent variables.
        generator: where the initial weights come from: Glorot's uniform, biases zero. Without one all are zero, to be
            loaded.
    """

    def __init__(self, hidden: int = HIDDEN, latent: int = LATENT, generator: torch.Generator | None = None) -> None:
        super().__init__()
        n = len(DIGITS)
        self.latent = latent
        for name, inputs, outputs in (
            ("encoder", PIXELS, hidden),
            ("posterior", hidden, 2 * latent),
            ("decoder", latent, hidden),
            ("pixels", hidden, PIXELS),
        ):
            weight = torch.zeros(n, inputs, outputs)
            if generator is not None:
                bound = math.sqrt(6 / (inputs + outputs))
                weight.uniform_(-bound, bound, generator=generator)
            self.register_parameter(f"{name}_weight", nn.Parameter(weight))
            self.register_parameter(f"{name}_bias", nn.Parameter(torch.zeros(n, 1, outputs)))

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance, each ``(10, n, latent)``, of z for images ``(10, n, 784)``: a batch for each digit."""
        answer = self._layer("posterior", self._layer("encoder", images).relu_())
        return answer[..., : self.latent], answer[..., self.latent :].clamp(-8.0, 4.0)

    def decode(self, z: Tensor) -> Tensor:
        """Log-odds of every pixel, ``(10, n, 784)``, for z ``(10, n, latent)``."""
        return self._layer("pixels", self._layer("decoder", z).relu_())

    def evidence(self, images: Tensor, noise: Tensor) -> Tensor:
        """The evidence lower bound in nats, ``(10, n)``, from one sample per image; training raises it.

        Args:
            images: ``(10, n, 784)``, a batch for each digit.
            noise: standard normal, ``(10, n, latent)``.
        """
        mean, log_variance = self.encode(images)
        z = mean + noise * (log_variance / 2).exp()
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1) / 2
        return _log_likelihood(images, self.decode(z)) - divergence

    def forward(self, images: Tensor) -> Tensor:
        expanded = images.expand(len(DIGITS), *images.shape)
        mean, _ = self.encode(expanded)
        return (_log_likelihood(expanded, self.decode(mean)) - mean.square().sum(-1) / 2).T

    def _layer(self, name: str, inputs: Tensor) -> Tensor:
        return torch.baddbmm(self.get_parameter(f"{name}_bias"), inputs, self.get_parameter(f"{name}_weight"))


def _log_likelihood(images: Tensor, log_odds: Tensor) -> Tensor:
    """log p(x | z) in nats, summed over pixels: grey values count as probabilities of white."""
    return -F.binary_cross_entropy_with_logits(log_odds, images, reduction="none").sum(-1)


class DigitPosterior(nn.Module):
    """Images ``(n, 1, 28, 28)`` in [0, 1] to logits of the digits, float64 ``(n, 10)``.

    Args:
        vaes: the autoencoders, which score an image under each digit.
        scale: weight of a nat; 1 would be Bayes' rule if the bounds were exact.
        floor: in nats; :data:`NO_FLOOR` for none.
    """

    scale: Tensor
    floor: Tensor

    def __init__(self, vaes: DigitVaes, scale: float = 1.0, floor: float = NO_FLOOR) -> None:
        super().__init__()
        self.vaes = vaes
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float64))
        self.register_buffer("floor", torch.tensor(floor, dtype=torch.float64))

    def forward(self, images: Tensor) -> Tensor:
        return posterior_logits(self.vaes(images.flatten(1)), self.scale, self.floor)


def posterior_logits(likelihoods: Tensor, scale: Tensor | float, floor: Tensor | float) -> Tensor:
    """Logits, float64, of log-likelihoods ``(n, classes)``: log(1 + exp(scale * (l - floor))) with a small leak.

    >>> l = torch.tensor([[-80.0, -100.0, -300.0]])
    >>> posterior_logits(l, 0.1, NO_FLOOR).softmax(1).numpy().round(3).tolist()
    [[0.881, 0.119, 0.0]]
    >>> posterior_logits(l - 500, 0.1, -100.0).softmax(1).numpy().round(3).tolist()
    [[0.333, 0.333, 0.333]]
    """
    floor = torch.as_tensor(floor, dtype=torch.float64)
    if torch.isneginf(floor):
        return likelihoods.double() * scale
    above = (likelihoods.double() - floor) * scale
    return softplus(above) + _LEAK / (1 + softplus(-above))


def vae_sizes(state: Mapping[str, Tensor]) -> tuple[int, int]:
    """The hidden and latent sizes of the autoencoders with these weights; the defaults for weights of anything else."""
    decoder = state.get("vaes.decoder_weight")
    if decoder is None or decoder.ndim != 3:
        return HIDDEN, LATENT
    return decoder.shape[2], decoder.shape[1]


def vae_classifier(network: DigitPosterior) -> Classifier:
    """A classifier of 28x28 grey images, one class per digit."""
    return Classifier(network, classes=DIGITS, size=SIZE, channels=1, name="vae-mnist")
