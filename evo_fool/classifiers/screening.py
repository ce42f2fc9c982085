"""Networks that screen: copies in cheaper arithmetic, which choose the images that get a float32 score."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.foreign import first_line
from evo_fool.errors import ClassifierError

HALF = ("bfloat16", "float16")
"""Precisions whose inputs have that dtype too; all others take float32."""


def input_dtype(precision: str) -> torch.dtype:
    """The dtype of the inputs of a network in ``precision``."""
    dtype: torch.dtype = getattr(torch, precision) if precision in HALF else torch.float32
    return dtype


def screening_network(classifier: Classifier, precision: str) -> nn.Module:
    """The classifier's network in another arithmetic; the original stays as it is.

    Args:
        classifier: in eval mode, as all are.
        precision: ``bfloat16`` or ``float16``; ``folded``: float32, batch norms folded into the convolutions before
            them; ``compiled``: that, compiled by ``torch.compile`` when it is first asked, where it can be folded.

    Raises:
        ClassifierError: ``folded``, for a network whose operations torch.fx cannot trace.
    """
    if precision in HALF:
        return copy.deepcopy(classifier.network).to(input_dtype(precision))
    try:
        folded = fold_batch_norms(classifier.network)
    except Exception as error:  # tracing runs the network's own code with stand-ins for tensors
        if precision == "folded":
            raise ClassifierError(
                f"classifier {classifier.name!r} cannot be folded, torch.fx fails to trace it "
                f"({type(error).__name__}: {first_line(error)}); use scoring.precision=float32"
            ) from error
        folded = classifier.network
    if precision == "folded":
        return folded
    compiled: Any = torch.compile(folded)  # a module for a module, which torch's types do not say
    return compiled


def fold_batch_norms(network: nn.Module) -> nn.Module:
    """A copy in which each batch norm after a convolution is part of that convolution's weights (eval mode).

    w' = w γ / sqrt(σ² + ε), b' = (b - μ) γ / sqrt(σ² + ε) + β: the same function up to rounding (Jacob et al., CVPR
    2018, section 3.2), with fewer passes over memory.
    """
    from torch.fx.experimental.optimization import fuse

    return fuse(network)
