"""Whether one group of confidences, or of rates over runs, is higher than another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_FEW = 8
"""Values of a group up to which all partitions are gone through."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A two-sided Mann–Whitney U test.

    Attributes:
        u: the statistic of the first group: pairs in which it is higher, ties counting half.
        p: two-sided.
        effect: ``u`` as a share of all pairs, in [0, 1]; one half: neither is higher.
        first_median: of the first group.
        second_median: of the second group.
    """

    u: float
    p: float
    effect: float
    first_median: float
    second_median: float

    @property
    def first_larger(self) -> bool:
        """Whether the first group is the higher one."""
        return self.effect > 0.5

    @property
    def text(self) -> str:
        """The test for people."""
        return f"U = {self.u:,.0f}, " + ("p < 0.0001" if self.p < 1e-4 else f"p = {self.p:.4f}")


def mann_whitney(first: np.ndarray, second: np.ndarray) -> Comparison:
    """Compare two groups of at least one value each; by scipy. Exact for small groups, with ties too.

    >>> mann_whitney(np.array([19, 22, 16, 29, 24]), np.array([20, 11, 17, 12])).u
    17.0
    """
    from scipy.stats import PermutationMethod, mannwhitneyu

    small = max(len(first), len(second)) <= _FEW
    # As many as 16 values can be parted in, or more: scipy then goes over all of them.
    method = PermutationMethod(n_resamples=20_000) if small else "auto"
    u, p = mannwhitneyu(first, second, alternative="two-sided", method=method)
    pairs = len(first) * len(second)
    return Comparison(float(u), float(p), float(u) / pairs, float(np.median(first)), float(np.median(second)))
