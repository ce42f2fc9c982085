"""What becomes of freed memory: kept in the process where speed counts, handed back where size does.

glibc hands a freed block of some megabytes back at once, and the next allocation of that size page-faults it in again.
A convolutional network allocates such blocks for every layer of every forward pass: unless they are kept, a float32
pass over 224x224 images on a CPU takes up to twice as long, and sub-batches of another size than 16 fall behind.
"""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h
_LARGE = 1 << 30
_SMALL = 1 << 20  # less would send every image of 224x224 pixels back, and cost half as much time again


def keep_large_blocks() -> bool:
    """Tell malloc to keep up to 1 GiB of freed memory; False where the C library is not glibc."""
    return _set({_M_MMAP_THRESHOLD: _LARGE, _M_TRIM_THRESHOLD: _LARGE})


def stay_small() -> bool:
    """Tell malloc to hand freed memory back, and threads to share theirs; False where the C library is not glibc."""
    return _set({_M_MMAP_THRESHOLD: _SMALL, _M_TRIM_THRESHOLD: _SMALL, _M_ARENA_MAX: 1})


def _set(options: dict[int, int]) -> bool:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(option, value) for option, value in options.items())
