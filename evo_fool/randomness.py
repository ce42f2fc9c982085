"""Counter-based randomness: a stream is a pure function of (seed, purpose, generation, …).

No state is kept or stored: a resumed run asks for the same streams as an uninterrupted one, and the number of workers
does not matter. The package has no global generator.
"""

import zlib

import numpy as np

Stream = np.random.Generator


def stream(seed: int, purpose: str, *counters: int) -> Stream:
    """The generator for one purpose at one moment.

    Args:
        seed: the experiment's seed, a non-negative integer of any size.
        purpose: what the numbers are for, e.g. ``"vary"``; distinct purposes give independent streams.
        counters: non-negative integers that distinguish moments, usually the generation.

    >>> bool(stream(1, "vary", 7).random() == stream(1, "vary", 7).random())
    True
    >>> bool(stream(1, "vary", 7).random() == stream(1, "vary", 8).random())
    False
    """
    key = (zlib.crc32(purpose.encode()), *counters)
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=key)))


def child_seeds(rng: Stream, n: int) -> np.ndarray:
    """``n`` independent 64-bit seeds, uint64 ``(n,)``: one private stream for each offspring of a batch."""
    return rng.integers(0, 2**64, size=n, dtype=np.uint64)
