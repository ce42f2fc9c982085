"""A private random state for DEAP's operators.

DEAP's selection and variation draw from Python's global ``random`` module. :func:`deap_random` seeds it from one
counter-based stream and restores its state afterwards: neither depends on the other.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

from evo_fool.randomness import Stream


@contextmanager
def deap_random(rng: Stream) -> Iterator[None]:
    """Run DEAP operators on numbers that depend on ``rng`` alone."""
    outside = random.getstate()
    lent = random.Random(int(rng.integers(2**63)))
    random.setstate(lent.getstate())
    try:
        yield
    finally:
        random.setstate(outside)
