"""CPPN genomes as flat programs: the nodes that reach an output, in topological order, with their incoming links.

Slots number the values of a genome at a pixel: 0..3 are the inputs x, y, d, bias, 4 + t is the t-th node of the
program. A node without incoming links is the activation of 0.

A node changes along the axes along which its sources do: one that only x and the bias reach is the same in every row of
an image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evo_fool.encodings.cppn.genome import INPUTS, MAX_KEY
from evo_fool.encodings.numeric.jit import kernel

X, Y = 1, 2
"""Axes along which a value changes, as bits: X from column to column, Y from row to row."""

INPUT_AXES = (X, Y, X | Y, 0)
"""Those of the inputs x, y, d and bias."""


@dataclass(frozen=True)
class Program:
    """Programs of n genomes, one after the other (compressed rows).

    Attributes:
        node_start: int32 (n + 1,), nodes of genome i are node_start[i] : node_start[i + 1].
        act: uint8 (nodes,), activation codes.
        level: int32 (nodes,), 0 for nodes fed by inputs only, else 1 + the highest level that feeds the node.
        axes: uint8 (nodes,), the axes along which the node's value changes: X, Y, both, or 0 for a constant.
        link_start: int32 (nodes + 1,), links into node t are link_start[t] : link_start[t + 1].
        source: int32 (links,), slots.
        weight: float64 (links,).
        output: int32 (n, outputs), slots of the outputs.
    """

    node_start: np.ndarray
    act: np.ndarray
    level: np.ndarray
    axes: np.ndarray
    link_start: np.ndarray
    source: np.ndarray
    weight: np.ndarray
    output: np.ndarray


@kernel
def compile_rows(weight, src, dst, key, nodes, links, act, first, last, outputs):  # type: ignore[no-untyped-def]
    """The arrays of :class:`Program` for rows ``first:last``, in its order (the flat ones may be longer than used)."""
    max_nodes, max_links = key.shape[1], weight.shape[1]
    total_nodes, total_links = 0, 0
    for row in range(first, last):
        total_nodes += nodes[row]
        total_links += links[row]
    node_start = np.empty(last - first + 1, np.int32)
    p_act, p_level = np.empty(total_nodes, np.uint8), np.empty(total_nodes, np.int32)
    p_axes = np.empty(total_nodes, np.uint8)
    link_start = np.empty(total_nodes + 1, np.int32)
    p_source, p_weight = np.empty(total_links, np.int32), np.empty(total_links, np.float64)
    output = np.empty((last - first, outputs), np.int32)
    index = np.empty(MAX_KEY + 1, np.int32)
    begin = np.empty(max_nodes + 1, np.int32)
    fill = np.empty(max_nodes, np.int32)
    target = np.empty(max_links, np.int32)
    incoming = np.empty(max_links, np.int32)
    slot, stack = np.empty(max_nodes, np.int32), np.empty(max_nodes, np.int32)
    t, e = 0, 0
    node_start[0] = 0
    link_start[0] = 0
    for row in range(first, last):
        n, m = nodes[row], links[row]
        # links by target node, keeping their order in the genome
        for i in range(n):
            index[key[row, i]] = i
            fill[i] = 0
            slot[i] = -1
        for j in range(m):
            target[j] = index[dst[row, j]]
            fill[target[j]] += 1
        begin[0] = 0
        for i in range(n):
            begin[i + 1] = begin[i] + fill[i]
            fill[i] = begin[i]
        for j in range(m):
            incoming[fill[target[j]]] = j
            fill[target[j]] += 1
        # depth first from each output against the links; a node is emitted after all that feed it
        base = t
        for i in range(n):
            fill[i] = begin[i]
        for out in range(outputs):
            if slot[out] < 0:
                stack[0] = out
                depth = 1
                while depth > 0:
                    i = stack[depth - 1]
                    descend = -1
                    while fill[i] < begin[i + 1]:
                        s = src[row, incoming[fill[i]]]
                        if s >= 0 and slot[index[s]] < 0:
                            descend = index[s]
                            break
                        fill[i] += 1
                    if descend >= 0:
                        stack[depth] = descend
                        depth += 1
                        continue
                    depth -= 1
                    level, axes = 0, 0
                    for q in range(begin[i], begin[i + 1]):
                        j = incoming[q]
                        s = src[row, j]
                        p_weight[e] = weight[row, j]
                        if s < 0:
                            p_source[e] = -1 - s
                            axes |= INPUT_AXES[-1 - s]
                        else:
                            p_source[e] = slot[index[s]]
                            feeding = base + p_source[e] - INPUTS
                            level = max(level, p_level[feeding] + 1)
                            axes |= p_axes[feeding]
                        e += 1
                    p_act[t], p_level[t], p_axes[t] = act[row, i], level, axes
                    slot[i] = INPUTS + t - base
                    t += 1
                    link_start[t] = e
            output[row - first, out] = slot[out]
        node_start[row - first + 1] = t
    return node_start, p_act, p_level, p_axes, link_start, p_source, p_weight, output


def fields(genomes: np.ndarray) -> tuple[np.ndarray, ...]:
    """The field arrays of a batch, in the order in which every kernel takes them."""
    names = ("weight", "src", "dst", "key", "nodes", "links", "act")
    return tuple(genomes[name] for name in names)


def compile_programs(genomes: np.ndarray, outputs: int) -> Program:
    """The programs of a batch of packed genomes."""
    node_start, act, level, axes, link_start, source, weight, output = compile_rows(
        *fields(genomes), 0, len(genomes), outputs
    )
    nodes = node_start[-1]
    links = link_start[nodes]
    return Program(
        node_start=node_start,
        act=act[:nodes],
        level=level[:nodes],
        axes=axes[:nodes],
        link_start=link_start[: nodes + 1],
        source=source[:links],
        weight=weight[:links],
        output=output,
    )
