"""Crossover of CPPNs by channel: two parents exchange some of their outputs, each with the nodes that feed it.

The paper's CPPNs have no crossover; this one is ours. A child takes, say, its brightness from one parent and its hue
and saturation from the other, so that a shape of one class meets the colours of another. What feeds no output is left
behind, which keeps genomes small. It needs three outputs. reference.py says the same on neat-python's genome.
"""
# The kernels' types are numba's to infer.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from evo_fool.encodings.cppn.genome import MAX_KEY
from evo_fool.encodings.numeric.jit import inner, kernel
from evo_fool.encodings.numeric.splitmix import GOLDEN, below
from evo_fool.encodings.rendering.program import fields

_WEIGHT, _SRC, _DST, _KEY, _NODES, _LINKS, _ACT = range(7)


@inner
def _reach(parent, row, mask, outputs, index, marks):
    """Mark the nodes of ``parent`` that are an output of ``mask`` or feed one; returns how many are hidden."""
    src, dst, key = parent[_SRC][row], parent[_DST][row], parent[_KEY][row]
    nodes, links = parent[_NODES][row], parent[_LINKS][row]
    for i in range(nodes):
        index[key[i]] = i
        marks[i] = i < outputs and (mask >> i) & 1
    hidden = 0
    changed = True
    while changed:
        changed = False
        for j in range(links - 1, -1, -1):
            if src[j] >= 0 and marks[index[dst[j]]] and not marks[index[src[j]]]:
                marks[index[src[j]]] = 1
                hidden += 1
                changed = True
    return hidden


@inner
def _count_links(parent, row, index, marks):
    count = 0
    for j in range(parent[_LINKS][row]):
        count += marks[index[parent[_DST][row][j]]]
    return count


@inner
def _append(parent, row, child, at, outputs, index, marks):
    """Append the marked nodes and the links into them; hidden nodes get the next keys of the child."""
    nodes, links = child[_NODES][at], child[_LINKS][at]
    renamed = np.empty(parent[_NODES][row], np.int16)
    for i in range(parent[_NODES][row]):
        if marks[i]:
            place = i if i < outputs else nodes
            renamed[i] = place
            child[_KEY][at, place] = place
            child[_ACT][at, place] = parent[_ACT][row, i]
            nodes += i >= outputs
    for j in range(parent[_LINKS][row]):
        target = index[parent[_DST][row, j]]
        if marks[target]:
            source = parent[_SRC][row, j]
            child[_SRC][at, links] = source if source < 0 else renamed[index[source]]
            child[_DST][at, links] = renamed[target]
            child[_WEIGHT][at, links] = parent[_WEIGHT][row, j]
            links += 1
    child[_NODES][at], child[_LINKS][at] = nodes, links


@kernel
def cross_rows(first, second, children, seeds, low, high, outputs):
    """Fill zeroed ``children``: ``first`` with some outputs of ``second``, or ``first`` alone where that is too big."""
    max_nodes, max_links = children[_KEY].shape[1], children[_WEIGHT].shape[1]
    index_1, index_2 = np.empty(MAX_KEY + 1, np.int16), np.empty(MAX_KEY + 1, np.int16)
    marks_1, marks_2 = np.empty(max_nodes, np.uint8), np.empty(max_nodes, np.uint8)
    everything = (1 << outputs) - 1
    for row in range(low, high):
        taken = 1 + below(seeds[row] + GOLDEN, everything - 1)
        nodes = outputs + _reach(first, row, everything - taken, outputs, index_1, marks_1)
        nodes += _reach(second, row, taken, outputs, index_2, marks_2)
        links = _count_links(first, row, index_1, marks_1) + _count_links(second, row, index_2, marks_2)
        children[_NODES][row], children[_LINKS][row] = outputs, 0
        if nodes > max_nodes or links > max_links:
            _reach(first, row, everything, outputs, index_1, marks_1)
            _append(first, row, children, row, outputs, index_1, marks_1)
        else:
            _append(first, row, children, row, outputs, index_1, marks_1)
            _append(second, row, children, row, outputs, index_2, marks_2)


def cross_channels(first: np.ndarray, second: np.ndarray, seeds: np.ndarray, outputs: int) -> np.ndarray:
    """Children of row ``i`` of ``first`` with row ``i`` of ``second``, one each, a new structured array ``(n,)``.

    Args:
        first: keeps one to ``outputs - 1`` of its outputs.
        second: gives the others; of the same dtype.
        seeds: uint64 ``(n,)``, one a pair; the first draw chooses which outputs change.
        outputs: at least 2.
    """
    children = np.zeros(len(first), first.dtype)
    first, second = np.ascontiguousarray(first), np.ascontiguousarray(second)
    cross_rows(fields(first), fields(second), fields(children), seeds, 0, len(children), outputs)
    return children
