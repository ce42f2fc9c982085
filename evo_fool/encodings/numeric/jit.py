"""How kernels are compiled: ``kernel`` for those that Python calls, ``inner`` for those that kernels call.

Kernels release the GIL and are cached on disk. numba looks only at the file of the cached function when it decides
whether a cached kernel is stale, so a change in a function that was compiled into it would go unseen; here the stamp
covers every source file of this package.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit


def _digest_sources() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


_SOURCES = _digest_sources()


def kernel(function: Callable[..., Any]) -> Any:
    """Compile an entry point: no GIL, division as numpy does it, cached on disk where there is a writable place."""
    try:
        dispatcher = njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:  # neither the package's __pycache__ nor the user's cache directory can be written
        return inner(function)
    cache_file = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if cache_file is not None:
        cache_file._source_stamp = (*cache_file._source_stamp, _SOURCES)
    return dispatcher


def inner(function: Callable[..., Any]) -> Any:
    """Compile a function as part of the kernels that call it."""
    return njit(nogil=True, error_model="numpy")(function)
