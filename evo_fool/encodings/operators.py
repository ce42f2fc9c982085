"""Variation of real genes in [0,1]: polynomial mutation (clipped, bounded), simulated binary crossover, and steps of
many pixels at once.

Deb's operators, over whole batches. Paper.md section 3 has the settings of Nguyen et al. Every row has a stream of its
own (SplitMix64 from its seed) and every gene has numbered draws in it, so a row's result depends on nothing else.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evo_fool.encodings.numeric.jit import inner, kernel
from evo_fool.encodings.numeric.splitmix import GOLDEN, bits53, uniform
from evo_fool.encodings.numeric.threads import run_chunks
from evo_fool.encodings.numeric.vector_math import vector_exp, vector_log
from evo_fool.randomness import Stream

_GENES_PER_THREAD = 40_000
_BLOCK = 512


@inner
def polynomial_delta(u: float, power: float) -> float:
    """The unbounded polynomial step of a uniform ``u``; ``power`` = 1 / (eta + 1)."""
    if u < 0.5:
        return (2.0 * u) ** power - 1.0
    return 1.0 - (2.0 * (1.0 - u)) ** power


@inner
def _bounded_delta(x: float, u: float, eta: float, power: float) -> float:
    if u < 0.5:
        return (2.0 * u + (1.0 - 2.0 * u) * (1.0 - x) ** (eta + 1.0)) ** power - 1.0
    return 1.0 - (2.0 * (1.0 - u) + 2.0 * (u - 0.5) * x ** (eta + 1.0)) ** power


@kernel
def _mutate_rows(genes, out, seeds, first, last, rate, eta, bounded):  # type: ignore[no-untyped-def]
    columns = genes.shape[1]
    # u < rate on 53-bit integers, so that the scan over genes stays in integer vectors
    threshold = np.uint64(np.int64(np.ceil(rate * 9007199254740992.0)))
    power = 1.0 / (eta + 1.0)
    hits = np.empty(_BLOCK, np.uint8)
    columns_hit = np.empty(_BLOCK, np.int64)
    step = np.empty(_BLOCK, np.float64)
    for row in range(first, last):
        seed = seeds[row]
        for start in range(0, columns, _BLOCK):
            stop = min(start + _BLOCK, columns)
            for i in range(stop - start):
                out[row, start + i] = genes[row, start + i]
                hits[i] = bits53(seed + np.uint64(start + i + 1) * GOLDEN) < threshold
            count = 0
            for i in range(stop - start):
                columns_hit[count] = start + i
                count += hits[i]
            if bounded:
                for k in range(count):
                    j = columns_hit[k]
                    u = uniform(seed + np.uint64(columns + j + 1) * GOLDEN)
                    step[k] = _bounded_delta(np.float64(genes[row, j]), u, eta, power)
            else:
                for k in range(count):
                    u = uniform(seed + np.uint64(columns + columns_hit[k] + 1) * GOLDEN)
                    tail = max(2.0 * min(u, 1.0 - u), 1e-300)
                    size = 1.0 - vector_exp(power * vector_log(tail))
                    step[k] = size if u >= 0.5 else -size
            for k in range(count):
                j = columns_hit[k]
                out[row, j] = np.float32(min(max(np.float64(genes[row, j]) + step[k], 0.0), 1.0))


def polynomial_mutation(
    genes: np.ndarray, seeds: np.ndarray, *, rate: float, eta: float, bounded: bool, threads: int = 1
) -> np.ndarray:
    """Polynomial mutation of genes in [0,1]; a new array.

    Gene ``j`` of a row with m genes mutates when draw ``j`` of the row's stream is below ``rate``, by a step from draw
    ``m + j``. Unbounded form, then clipped (the paper): δ = (2u)^(1/(η+1)) − 1 if u < ½, else 1 − (2(1−u))^(1/(η+1)).
    Bounded form (NSGA-II, DEAP's ``mutPolynomialBounded``): δ shrinks with the distance to the bound it moves towards.

    Args:
        genes: float32 ``(n, m)`` in [0,1].
        seeds: uint64 ``(n,)``, one a row.
        rate: probability that a gene mutates.
        eta: distribution index, > 0; larger steps are rarer.
        bounded: which of the two forms.
        threads: upper bound on threads; the result does not depend on it.
    """
    genes = np.ascontiguousarray(genes, np.float32)
    out = np.empty_like(genes)
    n, columns = genes.shape
    run_chunks(
        lambda first, last: _mutate_rows(genes, out, seeds, first, last, rate, eta, bounded),
        n,
        threads,
        _GENES_PER_THREAD // max(1, columns) + 1,
    )
    return out


@inner
def _spread(u: float, distance: float, eta: float) -> float:
    """SBX spread factor; ``distance`` = (distance of the nearer parent to its bound) / (distance of the parents)."""
    alpha = 2.0 - (1.0 + 2.0 * distance) ** -(eta + 1.0)
    if u <= 1.0 / alpha:
        return (u * alpha) ** (1.0 / (eta + 1.0))
    return (1.0 / (2.0 - u * alpha)) ** (1.0 / (eta + 1.0))


@kernel
def _cross_rows(a, b, out_a, out_b, seeds, first, last, eta, grey_bug):  # type: ignore[no-untyped-def]
    columns = a.shape[1]
    for row in range(first, last):
        seed = seeds[row]
        out_a[row] = a[row]
        out_b[row] = b[row]
        for j in range(columns):
            low = np.float64(min(a[row, j], b[row, j]))
            high = np.float64(max(a[row, j], b[row, j]))
            if low == high:
                if grey_bug:
                    out_a[row, j] = out_b[row, j] = np.float32(0.5)
                continue
            state = seed + np.uint64(3 * j + 1) * GOLDEN
            if uniform(state) > 0.5 and not grey_bug:
                continue
            u = uniform(state + GOLDEN)
            gap = high - low
            child_1 = 0.5 * (low + high - _spread(u, low / gap, eta) * gap)
            child_2 = 0.5 * (low + high + _spread(u, (1.0 - high) / gap, eta) * gap)
            child_1 = min(max(child_1, 0.0), 1.0)
            child_2 = min(max(child_2, 0.0), 1.0)
            if uniform(state + GOLDEN + GOLDEN) <= 0.5:
                child_1, child_2 = child_2, child_1
            out_a[row, j] = np.float32(child_1)
            out_b[row, j] = np.float32(child_2)


def simulated_binary_crossover(
    first: np.ndarray,
    second: np.ndarray,
    seeds: np.ndarray,
    *,
    eta: float,
    grey_bug: bool = False,
    threads: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Bounded simulated binary crossover on [0,1], row ``i`` with row ``i``; two new arrays.

    Each gene on which the parents differ is recombined with probability one half (draw 3j of the pair's stream), as in
    NSGA-II and DEAP's ``cxSimulatedBinaryBounded``: one uniform (draw 3j+1) gives both children, which then swap with
    probability one half (draw 3j+2).
    Genes on which the parents agree stay as they are.

    Args:
        first, second: float32 ``(n, m)`` in [0,1].
        seeds: uint64 ``(n,)``, one a pair.
        eta: distribution index, > 0; larger values give children nearer to the parents.
        grey_bug: as the released code: every gene is recombined, and genes on which the parents agree become 0.5.
        threads: upper bound on threads; the result does not depend on it.
    """
    first, second = np.ascontiguousarray(first, np.float32), np.ascontiguousarray(second, np.float32)
    out_first, out_second = np.empty_like(first), np.empty_like(second)
    n, columns = first.shape
    run_chunks(
        lambda low, high: _cross_rows(first, second, out_first, out_second, seeds, low, high, eta, grey_bug),
        n,
        threads,
        _GENES_PER_THREAD // max(1, columns) + 1,
    )
    return out_first, out_second


def block_steps(images: np.ndarray, rng: Stream, spread: float) -> np.ndarray:
    """Each image with one rectangle made brighter or darker, a channel at a time; a new array.

    Sides are uniform from one pixel to half of the image's, places uniform; each channel moves by a normal step of
    standard deviation ``spread``, clipped to [0,1].

    Args:
        images: genes float32 ``(n, channels, height, width)`` in [0,1].
        rng: of the generation.
        spread: above 0.
    """
    out = images.copy()
    n, channels, *sides = images.shape
    lengths = [rng.integers(1, max(1, side // 2) + 1, n) for side in sides]
    tops, lefts = (rng.integers(0, side - length + 1) for side, length in zip(sides, lengths, strict=True))
    steps = rng.normal(0.0, spread, (n, channels, 1, 1)).astype(np.float32)
    for image, step, top, left, height, width in zip(out, steps, tops, lefts, *lengths, strict=True):
        block = image[:, top : top + height, left : left + width]
        np.clip(block + step, 0.0, 1.0, out=block)
    return out


def wave_steps(images: np.ndarray, rng: Stream, spread: float, highest: int = 8) -> np.ndarray:
    """Each image with one plane wave of low frequency added to one of its channels; a new array.

    Whole numbers of periods from 0 to ``highest`` in height and from ``-highest`` to ``highest`` in width, a phase, and
    a normal amplitude of standard deviation ``spread``; clipped to [0,1].

    Args:
        images: genes float32 ``(n, channels, height, width)`` in [0,1].
        rng: of the generation.
        spread: above 0.
        highest: of the frequencies.
    """
    out = images.copy()
    n, channels, height, width = images.shape
    whole: list[Any] = [
        rng.integers(0, channels, n),
        rng.integers(0, highest + 1, n),
        rng.integers(-highest, highest + 1, n),
    ]
    real: list[Any] = [rng.random(n), rng.normal(0.0, spread, n)]
    for i, image in enumerate(out):
        (channel, fy, fx), (phase, amplitude) = (column[i] for column in whole), (column[i] for column in real)
        rows = np.exp(2j * np.pi * (fy * np.arange(height) / height + phase))
        columns = np.exp(2j * np.pi * fx * np.arange(width) / width)
        wave = amplitude * np.outer(rows, columns).real
        image[channel] = np.clip(image[channel] + wave, 0.0, 1.0)
    return out


def uphill_steps(
    values: np.ndarray,
    slopes: np.ndarray,
    rng: Stream,
    *,
    lengths: tuple[float, float],
    bounds: tuple[float, float],
) -> np.ndarray:
    """Each row moved along its slopes, float64 ``(n, m)``; one without a direction stays: all 0, or not finite.

    Args:
        values: ``(n, m)``.
        slopes: float64 ``(n, m)``.
        rng: of the generation.
        lengths: the shortest and the longest step, Euclidean; each row's is uniform between them by its logarithm.
        bounds: values are clipped to these.
    """
    shortest, longest = lengths
    length = shortest * (longest / shortest) ** rng.random(len(values))
    largest = np.abs(slopes).max(axis=1, initial=0.0)
    known = np.isfinite(largest) & (largest > 0)
    # Divided by the largest first: a long chain of sines may have slopes whose squares overflow.
    units = np.where(known[:, None], slopes, 0.0) / np.where(known, largest, 1.0)[:, None]
    norms = np.sqrt(np.square(units).sum(axis=1))
    units *= (length / np.where(known, norms, 1.0))[:, None]
    return np.clip(values + units, *bounds)
