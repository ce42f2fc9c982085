"""The set of allowed perturbations: an L∞ or l2 ball in units of byte values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from torch import Tensor

from evo_fool.errors import ConfigError

Norm = Literal["linf", "l2"]


@dataclass(frozen=True, slots=True)
class Ball:
    """Perturbations of at most ``epsilon``, of 255, in ``norm``.

    Attributes:
        norm: ``linf`` bounds each value, ``l2`` the Euclidean length over all values.
        epsilon: the bound.

    Raises:
        ConfigError: a bound that is not positive, or an L∞ bound of 256 and more.
    """

    norm: Norm
    epsilon: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.epsilon) and self.epsilon > 0) or (self.norm == "linf" and self.epsilon >= 256):
            most = "below 256" if self.norm == "linf" else "finite"
            raise ConfigError(f"epsilon = {self.epsilon:g}: give a bound above 0 and {most}, in byte values")

    def project(self, v: Tensor) -> Tensor:
        """The nearest perturbation inside the ball; ``v`` is one perturbation of any shape."""
        if self.norm == "linf":
            return v.clamp(-self.epsilon, self.epsilon)
        return v * (self.epsilon / v.norm().clamp(min=self.epsilon))

    def typical(self, size: int) -> float:
        """The largest value, L∞, or root mean square, l2, of a perturbation of ``size`` values on the ball's edge."""
        return self.epsilon if self.norm == "linf" else self.epsilon / math.sqrt(size)

    def direction(self, slope: Tensor) -> Tensor:
        """The direction of steepest ascent for values of typical size 1: the signs, or the slope at unit RMS."""
        if self.norm == "linf":
            return slope.sign()
        return slope / slope.square().mean().sqrt().clamp(min=1e-20)

    def picture(self, v: Tensor) -> np.ndarray:
        """The picture whose bytes 0..255 mean the values from -largest to +largest, uint8, the shape of ``v``.

        The largest is epsilon in L∞. In l2 it is that of ``v``: a scene rescales the picture to length epsilon.
        """
        largest = self.epsilon if self.norm == "linf" else max(float(v.abs().max()), 1e-20)
        picture: np.ndarray = ((v / largest + 1) * 127.5).round().clamp(0, 255).byte().cpu().numpy()
        return picture
