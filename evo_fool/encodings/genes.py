"""Genes in [0,1]: as they are stored, little-endian float32, 4 bytes a gene, and a step uphill."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evo_fool.encodings.base import Genomes
from evo_fool.errors import GenomeError
from evo_fool.randomness import Stream

_LITTLE = np.dtype("<f4")

STEPS = (0.001, 0.01)
"""The lengths of steps uphill, the root of the mean square over genes: a quarter of a grey level to two and a half."""


def genes_to_bytes(genome: Any) -> bytes:
    """4 bytes a gene."""
    return np.ascontiguousarray(genome, _LITTLE).tobytes()


def genes_from_bytes(data: bytes, genes: int, kind: str, taken: str) -> Genomes:
    """One genome, float32 ``(1, genes)``.

    Args:
        data: what :func:`genes_to_bytes` returned.
        genes: how many there are.
        kind: of the encoding, for messages.
        taken: what takes so many bytes, for messages.

    Raises:
        GenomeError: another length than 4 bytes a gene, or a gene that is no number in [0,1].
    """
    if len(data) != 4 * genes:
        raise GenomeError(f"{kind} genome of {len(data)} bytes: {taken}")
    found = np.frombuffer(data, _LITTLE).astype(np.float32).reshape(1, -1)
    valid = (found >= 0) & (found <= 1)
    if not valid.all():
        where = int(np.argmin(valid))
        raise GenomeError(f"{kind} genome: gene {where} is {found[0, where]}, outside [0, 1]; the data is damaged")
    return found


def climbed(genes: Genomes, slopes: np.ndarray, rng: Stream) -> Genomes:
    """Genes in [0,1], float32 ``(n, m)``, moved up ``slopes`` by steps of :data:`STEPS`."""
    from evo_fool.encodings.operators import uphill_steps  # numba

    shortest, longest = (step * math.sqrt(genes.shape[1]) for step in STEPS)
    return uphill_steps(genes, slopes, rng, lengths=(shortest, longest), bounds=(0.0, 1.0)).astype(np.float32)
