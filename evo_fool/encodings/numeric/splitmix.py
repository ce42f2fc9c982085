"""SplitMix64: the private random stream of one child, alike in compiled kernels and in plain Python.

Draw ``i`` (from 0) of the stream with seed ``s`` is ``mix(s + (i + 1) * GOLDEN)``, so a kernel may take draws in order
or by number. A uniform number is the top 53 bits of a draw times 2**-53, in [0, 1).
Reference: Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
"""

import numpy as np

from evo_fool.encodings.numeric.jit import inner

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S11 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11)
_UNIT = 2.0**-53
_MASK = 2**64 - 1


@inner
def bits53(state: np.uint64) -> np.uint64:
    """The draw at counter state ``state`` (seed plus a multiple of GOLDEN, uint64) as an integer in [0, 2**53)."""
    z = state
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    return (z ^ (z >> _S31)) >> _S11


@inner
def uniform(state: np.uint64) -> float:
    """The draw at counter state ``state`` as a float64 in [0, 1)."""
    return float(np.int64(bits53(state))) * _UNIT


@inner
def below(state: np.uint64, n: int) -> int:
    """The draw at counter state ``state`` as an integer in [0, n)."""
    return int(uniform(state) * n)


class SplitMix64:
    """The same stream in plain Python, for readable references.

    >>> stream = SplitMix64(7)
    >>> 0.0 <= stream.random() < 1.0
    True
    """

    def __init__(self, seed: int) -> None:
        self._state = int(seed) & _MASK

    def random(self) -> float:
        """The next draw, a float in [0, 1)."""
        self._state = (self._state + int(GOLDEN)) & _MASK
        z = self._state
        z = ((z ^ (z >> 30)) * int(_MIX_1)) & _MASK
        z = ((z ^ (z >> 27)) * int(_MIX_2)) & _MASK
        return ((z ^ (z >> 31)) >> 11) * _UNIT

    def below(self, n: int) -> int:
        """The next draw, an integer in [0, n)."""
        return int(self.random() * n)
