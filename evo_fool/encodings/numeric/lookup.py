"""Bytes through a table, from planes to interleaved channels in one pass: how a classifier's inputs are written."""

from __future__ import annotations

import numpy as np

from evo_fool.encodings.numeric.jit import kernel
from evo_fool.encodings.numeric.threads import run_chunks

_VALUES_PER_THREAD = 200_000


@kernel
def _look_up_rows(planes, table, out, first, last):  # type: ignore[no-untyped-def]
    for row in range(first, last):
        for channel in range(planes.shape[1]):
            values, plane = table[channel], planes[row, channel]
            for i in range(len(plane)):
                out[row, i, channel] = values[plane[i]]


def look_up(planes: np.ndarray, table: np.ndarray, threads: int) -> np.ndarray:
    """``out[row, i, channel] = table[channel, planes[row, channel, i]]``.

    Args:
        planes: uint8 ``(n, channels, pixels)``.
        table: ``(channels, 256)`` of any dtype.
        threads: upper bound on threads; the result does not depend on it.

    Returns:
        ``(n, pixels, channels)`` of the table's dtype.
    """
    n, channels, pixels = planes.shape
    out = np.empty((n, pixels, channels), table.dtype)
    grain = _VALUES_PER_THREAD // max(1, channels * pixels) + 1
    run_chunks(lambda first, last: _look_up_rows(planes, table, out, first, last), n, threads, grain)
    return out
