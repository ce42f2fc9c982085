"""The arithmetic and the sub-batch that suit a classifier on a device.

Fixed rules, so that a run can be repeated: timings could choose differently from one run to the next.
"""

from __future__ import annotations

import torch

_LARGE = 64
"""Input size in pixels from which half precision pays for confirming its candidates in float32."""

_CPU_PIXELS = 16 * 224 * 224
"""Pixels a sub-batch on a CPU: its activations then stay near the caches; larger ones run at half the speed."""


def choose_precision(precision: str, size: int, device: torch.device) -> str:
    """``precision``, or for ``auto`` bfloat16 where ``device`` computes in it and the input is large, else float32.

    Args:
        precision: auto, float32, bfloat16 or float16.
        size: height and width of the classifier's input, in pixels.
        device: where it computes.
    """
    if precision != "auto":
        return precision
    if size < _LARGE:
        return "float32"
    native = torch.cuda.is_bf16_supported(False) if device.type == "cuda" else _cpu_has_bfloat16()
    return "bfloat16" if native else "float32"


def choose_batch(batch: int | None, size: int, device: torch.device) -> int:
    """``batch``, or for None the number of views in one forward pass that suits ``device``."""
    if batch is not None:
        return batch
    return 1024 if device.type == "cuda" else max(1, min(256, _CPU_PIXELS // size**2))


def _cpu_has_bfloat16() -> bool:
    return any(
        getattr(torch.cpu, name, lambda: False)() for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )
