"""The paper's four activation functions (CVPR 2015 and the released code), by code and by name.

neat-python's own ``sin``, ``sigmoid`` and ``gauss`` are scaled otherwise, hence names that do not collide with them.
These scalar functions are the specification; the renderers have vectorised forms.
"""

import math
from collections.abc import Callable

SINE, SIGMOID, GAUSSIAN, LINEAR = 0, 1, 2, 3


def sine(z: float) -> float:
    """sin z."""
    return math.sin(z)


def bipolar_sigmoid(z: float) -> float:
    """2 (1 / (1 + e^-z) - 1/2), in [-1, 1]."""
    return 2.0 * (1.0 / (1.0 + math.exp(-max(-700.0, min(700.0, z)))) - 0.5)


def gaussian(z: float) -> float:
    """e^(-z^2)."""
    return math.exp(-min(z * z, 700.0))


def clipped_linear(z: float) -> float:
    """clip(z, -3, 3) / 3."""
    return max(-3.0, min(3.0, z)) / 3.0


FUNCTIONS: tuple[Callable[[float], float], ...] = (sine, bipolar_sigmoid, gaussian, clipped_linear)
"""The functions, indexed by activation code."""

NAMES: tuple[str, ...] = tuple(function.__name__ for function in FUNCTIONS)
"""Their names as neat-python knows them, indexed by activation code."""
