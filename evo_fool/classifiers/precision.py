"""The arithmetic and the sub-batch that suit a classifier on a device.

The sub-batch follows a fixed rule. The arithmetic is measured, because no rule holds on every processor: bfloat16 is
the fastest on some that have it and slower than float32 on others. A run records what was chosen, and resumes with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import numpy as np
import torch
from torch import nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.randomness import stream

LARGE = 64
"""Input size in pixels from which cheaper arithmetic pays for confirming its candidates in float32."""

MARGIN = 1.15
"""How many times as fast as float32 another arithmetic has to be. It only screens, and about a tenth of its images are
scored again; and a choice near a tie would not be the same in every start."""

_PASSES = 3
_PATIENCE = 10.0
"""Seconds after which no further pass is timed: of a network that is so slow, one pass tells enough."""

_CPU_PIXELS = 16 * 224 * 224
"""Pixels a sub-batch on a CPU: its activations then stay near the caches; larger ones run at half the speed."""


def choose_batch(batch: int | None, size: int, device: torch.device) -> int:
    """``batch``, or for None the number of views in one forward pass that suits ``device``."""
    if batch is not None:
        return batch
    return 1024 if device.type == "cuda" else max(1, min(256, _CPU_PIXELS // size**2))


def choose_precision(times: Mapping[str, float]) -> str:
    """What ``auto`` takes: the fastest of :func:`time_precisions` if it beats float32 by :data:`MARGIN`, else float32.

    >>> choose_precision({"float32": 14.4, "bfloat16": 15.4, "folded": 9.6})
    'folded'
    >>> choose_precision({"float32": 8.6, "bfloat16": 8.0})
    'float32'
    """
    if "float32" not in times:
        return "float32"
    fastest = min(times, key=times.__getitem__)
    return fastest if times["float32"] >= MARGIN * times[fastest] else "float32"


def candidates(classifier: Classifier, device: torch.device) -> list[str]:
    """The precisions that are worth timing: bfloat16 where ``device`` computes in it, folded where there are norms.

    ``compiled`` is none of them: compiling takes longer than most runs would gain.
    """
    native = torch.cuda.is_bf16_supported(False) if device.type == "cuda" else _cpu_has_bfloat16()
    norms = any(isinstance(module, nn.BatchNorm2d) for module in classifier.modules())
    return ["float32", *["bfloat16"] * native, *["folded"] * norms]


def time_precisions(
    classifier: Classifier, batch: int, device: torch.device, precisions: Iterable[str] | None = None
) -> dict[str, float]:
    """Milliseconds that a bare forward pass takes for each image, by precision: the fastest of three passes.

    The precisions take turns, so that a change in the machine's load meets all of them. One that fails is left out.

    Args:
        classifier: moved to ``device``.
        batch: views in one pass.
        device: where to compute.
        precisions: None: the :func:`candidates`.
    """
    images = stream(0, "precision").integers(0, 256, (batch, *classifier.shape), dtype=np.uint8)
    passes: dict[str, Callable[[], None]] = {}
    for precision in candidates(classifier, device) if precisions is None else precisions:
        try:
            scorer = Scorer(classifier, batch=batch, view="auto", device=device, precision=precision)
            passes[precision] = bare_pass(scorer, images)
            passes[precision]()  # allocates memory, chooses kernels, compiles
        except Exception:  # out of memory, an operation that the precision has not: it is no candidate
            passes.pop(precision, None)
    fastest = dict.fromkeys(passes, np.inf)
    began = time.perf_counter()
    for turn in range(_PASSES):
        if turn and time.perf_counter() - began > _PATIENCE:
            break
        for precision, run in passes.items():
            start = time.perf_counter()
            run()
            fastest[precision] = min(fastest[precision], 1000 * (time.perf_counter() - start) / batch)
    return {precision: round(float(spent), 3) for precision, spent in fastest.items()}


def bare_pass(scorer: Scorer, images: np.ndarray) -> Callable[[], None]:
    """A forward pass of the network that screens and nothing else, over inputs that are ready; waits for a GPU.

    Args:
        scorer: its layout, precision and sub-batches.
        images: uint8 ``(n, channels, height, width)``.
    """
    inputs = list(scorer.inputs(images, scorer.network))
    wait: Callable[[], object] = (
        partial(torch.cuda.synchronize, scorer.device) if scorer.device.type == "cuda" else lambda: None
    )

    def run() -> None:
        with torch.inference_mode():
            for chunk in inputs:
                scorer.classifier.ask(chunk, scorer.network)
            wait()

    return run


def _cpu_has_bfloat16() -> bool:
    return any(
        getattr(torch.cpu, name, lambda: False)() for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )
