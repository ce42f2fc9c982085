"""The packed CPPN genome: the row layout of a batch, and its bytes.

A batch is a structured array ``(n,)`` with room for N nodes and L links a row. Nodes are the outputs, keys 0..k-1 in
this order, then the hidden nodes in order of arrival; links are in order of arrival too. Inputs are the keys -1..-4:
x, y, d, bias. Unused places are zero, so equal genomes are equal bytes. Keys are neat-python's.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any

import numpy as np

from evo_fool.encodings.cppn.activations import FUNCTIONS
from evo_fool.errors import GenomeError

INPUTS = 4
INPUT_NAMES = ("x", "y", "d", "bias")
MAX_KEY = 32766
"""Largest node key. A new node's key is the largest in the genome plus one; past MAX_KEY, the smallest free one."""

HEADER = struct.Struct("<BBHH")
"""Format version, outputs, nodes, links."""
_VERSION = 1
_KEY, _WEIGHT = np.dtype("<i2"), np.dtype("<f8")


def genome_dtype(max_nodes: int, max_links: int) -> np.dtype:
    """The dtype of a row with room for ``max_nodes`` hidden and output nodes and ``max_links`` links.

    Fields: weight float64 (L,), src and dst int16 (L,) keys, key int16 (N,), act uint8 (N,) activation codes,
    nodes and links int16 counts. ``spare`` fills the row to a multiple of 8 bytes, as a field because numpy leaves
    the bytes between fields undefined when it copies.
    """
    spare = -(12 * max_links + 3 * max_nodes + 4) % 8
    return np.dtype(
        [
            ("weight", np.float64, (max_links,)),
            ("src", np.int16, (max_links,)),
            ("dst", np.int16, (max_links,)),
            ("key", np.int16, (max_nodes,)),
            ("nodes", np.int16),
            ("links", np.int16),
            ("act", np.uint8, (max_nodes,)),
            ("spare", np.uint8, (spare,)),
        ]
    )


def pack(
    keys: np.ndarray, acts: np.ndarray, sources: np.ndarray, targets: np.ndarray, weights: np.ndarray, dtype: np.dtype
) -> np.ndarray:
    """A batch of one from the parts of a genome, which must fit."""
    row = np.zeros(1, dtype)
    row["nodes"], row["links"] = len(keys), len(weights)
    row["key"][0, : len(keys)] = keys
    row["act"][0, : len(acts)] = acts
    row["src"][0, : len(sources)] = sources
    row["dst"][0, : len(targets)] = targets
    row["weight"][0, : len(weights)] = weights
    return row


def encode(row: Any, outputs: int) -> bytes:
    """Bytes of one row: header (version, outputs, nodes, links), then keys, activations, sources, targets, weights."""
    nodes, links = int(row["nodes"]), int(row["links"])
    return b"".join(
        (
            HEADER.pack(_VERSION, outputs, nodes, links),
            row["key"][:nodes].astype(_KEY).tobytes(),
            row["act"][:nodes].tobytes(),
            row["src"][:links].astype(_KEY).tobytes(),
            row["dst"][:links].astype(_KEY).tobytes(),
            row["weight"][:links].astype(_WEIGHT).tobytes(),
        )
    )


def decode(data: bytes, *, outputs: int, dtype: np.dtype, weight_range: float) -> np.ndarray:
    """The row in ``data`` as a batch of one.

    Raises:
        GenomeError: ``data`` is not what :func:`encode` writes for such an encoding. Safe on hostile bytes.
    """
    if len(data) < HEADER.size:
        raise GenomeError(f"CPPN genome of {len(data)} bytes: shorter than its header; the data is damaged")
    version, found_outputs, nodes, links = HEADER.unpack_from(data)
    if version != _VERSION:
        raise GenomeError(f"CPPN genome of format {version}: this program reads format {_VERSION}")
    if found_outputs != outputs:
        raise GenomeError(f"CPPN genome with {found_outputs} outputs: this encoding has {outputs}")
    expected = HEADER.size + 3 * nodes + 12 * links
    if len(data) != expected:
        raise GenomeError(f"CPPN genome of {len(data)} bytes: its header says {expected}; the data is damaged")
    sizes = (2 * nodes, nodes, 2 * links, 2 * links, 8 * links)
    ends = np.cumsum((HEADER.size, *sizes))
    parts = [data[start:end] for start, end in pairwise(ends.tolist())]
    keys, sources, targets = (np.frombuffer(parts[i], _KEY) for i in (0, 2, 3))
    acts, weights = np.frombuffer(parts[1], np.uint8), np.frombuffer(parts[4], _WEIGHT)
    check_parts(keys, acts, sources, targets, weights, outputs=outputs, dtype=dtype, weight_range=weight_range)
    return pack(keys, acts, sources, targets, weights, dtype)


def check_parts(
    keys: np.ndarray,
    acts: np.ndarray,
    sources: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    *,
    outputs: int,
    dtype: np.dtype,
    weight_range: float,
) -> None:
    """Check that the parts make a feed-forward CPPN that fits into a row.

    Raises:
        GenomeError: one line on the first thing that is wrong.
    """
    max_nodes, max_links = dtype["key"].shape[0], dtype["weight"].shape[0]
    nodes = [int(key) for key in keys]
    pairs = [(int(source), int(target)) for source, target in zip(sources, targets, strict=True)]
    if not outputs <= len(nodes) <= max_nodes or len(pairs) > max_links:
        raise GenomeError(
            f"CPPN genome of {len(nodes)} nodes and {len(pairs)} links: "
            f"expected {outputs} to {max_nodes} nodes and at most {max_links} links"
        )
    if nodes[:outputs] != list(range(outputs)) or len(set(nodes)) != len(nodes):
        raise GenomeError(f"CPPN genome: node keys must be 0..{outputs - 1} first, then distinct hidden keys")
    if any(not outputs <= key <= MAX_KEY for key in nodes[outputs:]):
        raise GenomeError(f"CPPN genome: hidden node keys must lie in {outputs}..{MAX_KEY}")
    if (acts >= len(FUNCTIONS)).any():
        raise GenomeError(f"CPPN genome: activation code {int(acts.max())}; known: 0..{len(FUNCTIONS) - 1}")
    if not (np.abs(weights) <= weight_range).all():
        raise GenomeError(f"CPPN genome: a weight is no number in [-{weight_range:g}, {weight_range:g}]")
    if len(set(pairs)) != len(pairs):
        raise GenomeError("CPPN genome: two links join the same pair of nodes")
    legal_sources = {-1 - i for i in range(INPUTS)} | set(nodes[outputs:])
    legal_targets = set(nodes)
    for source, target in pairs:
        if source not in legal_sources or target not in legal_targets:
            raise GenomeError(f"CPPN genome: a link from {source} to {target}, which are no such nodes")
    if _has_cycle(nodes, pairs):
        raise GenomeError("CPPN genome: the links form a cycle")


def _has_cycle(nodes: list[int], pairs: list[tuple[int, int]]) -> bool:
    """Whether a directed cycle exists (Kahn's algorithm)."""
    incoming = dict.fromkeys(nodes, 0)
    outgoing: dict[int, list[int]] = {key: [] for key in nodes}
    for source, target in pairs:
        if source >= 0:
            incoming[target] += 1
            outgoing[source].append(target)
    ready = [key for key, count in incoming.items() if count == 0]
    done = 0
    while ready:
        done += 1
        for target in outgoing[ready.pop()]:
            incoming[target] -= 1
            if incoming[target] == 0:
                ready.append(target)
    return done < len(nodes)
