"""Places for the nodes of an acyclic graph, layer by layer (Sugiyama, Tagawa & Toda, 1981).

Every node stands right of all that feed it. A link that skips layers passes each of them by a point of its own, so that
it runs between the nodes and not behind them. Layers are ordered to cross few links, then moved to bend few.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]
_Neighbours = dict[int, list[int]]

_ORDERINGS, _ALIGNMENTS = 12, 24


@dataclass(frozen=True, slots=True)
class Placement:
    """Where everything goes: x counts layers from 0, y goes down from 0.

    Attributes:
        nodes: the middle of each node.
        routes: for each link the points it passes, both ends included, in the order the links were given.
        layers: how many there are.
        height: the largest y.
    """

    nodes: dict[int, Point]
    routes: list[list[Point]]
    layers: int
    height: float


def place(
    nodes: Sequence[int],
    links: Sequence[tuple[int, int]],
    first: Sequence[int],
    last: Sequence[int],
    *,
    node_height: float,
    link_height: float,
) -> Placement:
    """Places for nodes and links.

    Args:
        nodes: all nodes but ``first``.
        links: pairs of source and target.
        first: the leftmost layer from top to bottom; nothing leads to these.
        last: the rightmost layer from top to bottom, at least one of ``nodes``; nothing leaves these.
        node_height: distance between two nodes of a layer.
        link_height: distance between two links that pass a layer.

    Raises:
        ValueError: the links form a cycle.

    >>> place([7, 0], [(-1, 7), (7, 0), (-1, 0)], [-1], [0], node_height=10, link_height=2).nodes
    {-1: (0, 3.0), 7: (1, 0.0), 0: (2, 3.0)}
    """
    depth = _depths(nodes, links, first, last)
    layers: list[list[int]] = [[] for _ in range(depth[last[0]] + 1)]
    for key in (*first, *last, *(key for key in nodes if key not in last)):
        layers[depth[key]].append(key)
    # The points by which links pass a layer are nodes too, with keys that no node has.
    fresh = beyond = max((*nodes, *first)) + 1
    chains = []
    for source, target in links:
        passed = range(depth[source] + 1, depth[target])
        for layer, key in zip(passed, range(fresh, fresh + len(passed)), strict=True):
            layers[layer].append(key)
        chains.append([source, *range(fresh, fresh + len(passed)), target])
        fresh += len(passed)
    left, right = _neighbours(chains)
    _order(layers, left, right)
    down = _align(layers, left, right, [node_height, link_height], beyond)
    top = min(down.values())
    where = {key: (column, down[key] - top) for column, layer in enumerate(layers) for key in layer}
    return Placement(
        {key: point for key, point in where.items() if key < beyond},
        [[where[key] for key in chain] for chain in chains],
        len(layers),
        max(down.values()) - top,
    )


def _depths(
    nodes: Sequence[int], links: Sequence[tuple[int, int]], first: Sequence[int], last: Sequence[int]
) -> dict[int, int]:
    """The layer of each node: the length of the longest way to it from the left."""
    waiting = dict.fromkeys(nodes, 0)
    targets: _Neighbours = {}
    for source, target in links:
        waiting[target] += 1
        targets.setdefault(source, []).append(target)
    sources = [key for key, count in waiting.items() if not count]
    depth = dict.fromkeys(first, 0) | dict.fromkeys(nodes, 1)
    ready = [*first, *sources]
    done = 0
    while ready:
        key = ready.pop()
        done += 1
        for target in targets.get(key, ()):
            depth[target] = max(depth[target], depth[key] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    if done < len(nodes) + len(first):
        raise ValueError("the links form a cycle")
    inner = [depth[key] for key in nodes if key not in last]
    depth |= dict.fromkeys(last, max(inner, default=0) + 1)
    for key in sources:  # what nothing feeds stands beside what it feeds
        if key not in last and key in targets:
            depth[key] = min(depth[target] for target in targets[key]) - 1
    return depth


def _neighbours(chains: Sequence[Sequence[int]]) -> tuple[_Neighbours, _Neighbours]:
    """The neighbours of each node in the layer to its left and to its right."""
    left: _Neighbours = {}
    right: _Neighbours = {}
    for chain in chains:
        for a, b in pairwise(chain):
            right.setdefault(a, []).append(b)
            left.setdefault(b, []).append(a)
    return left, right


def _sweeps(layers: int, times: int) -> Iterator[tuple[bool, range]]:
    """Layers from left to right, then from right to left, and so on; True: looking back at the left."""
    for sweep in range(times):
        yield (True, range(1, layers)) if sweep % 2 == 0 else (False, range(layers - 2, -1, -1))


def _order(layers: list[list[int]], left: _Neighbours, right: _Neighbours) -> None:
    """Sort each inner layer by the mean place of its neighbours, forth and back."""
    for backwards, columns in _sweeps(len(layers), _ORDERINGS):
        near = left if backwards else right
        for column in columns:
            if column in (0, len(layers) - 1):
                continue
            beside = layers[column - 1 if backwards else column + 1]
            rank = {key: (i + 0.5) / len(beside) for i, key in enumerate(beside)}
            own = {key: (i + 0.5) / len(layers[column]) for i, key in enumerate(layers[column])}
            wish = {key: _mean([rank[n] for n in near.get(key, ())], own[key]) for key in layers[column]}
            layers[column].sort(key=wish.__getitem__)


def _align(
    layers: list[list[int]], left: _Neighbours, right: _Neighbours, heights: Sequence[float], beyond: int
) -> dict[int, float]:
    """The y of everything: as near to its neighbours' as the others of its layer let it."""
    offsets = []
    for layer in layers:
        gaps = [heights[key >= beyond] for key in layer]
        offset, total = [], 0.0
        for i, gap in enumerate(gaps):
            total += (gaps[i - 1] + gap) / 2 if i else 0.0
            offset.append(total)
        offsets.append(offset)
    down = {
        key: y - offset[-1] / 2
        for layer, offset in zip(layers, offsets, strict=True)
        for key, y in zip(layer, offset, strict=True)
    }
    for backwards, columns in _sweeps(len(layers), _ALIGNMENTS):
        near = left if backwards else right
        for column in columns:
            layer, offset = layers[column], offsets[column]
            wishes = [_mean([down[n] for n in near.get(key, ())], down[key]) for key in layer]
            slack = _ascending([wish - y for wish, y in zip(wishes, offset, strict=True)])
            down |= {key: y + s for key, y, s in zip(layer, offset, slack, strict=True)}
    return down


def _ascending(values: Sequence[float]) -> list[float]:
    """The ascending sequence nearest to ``values`` in the mean square: neighbours out of order share their mean.

    >>> _ascending([1, 4, 2, 5])
    [1.0, 3.0, 3.0, 5.0]
    """
    blocks: list[tuple[float, int]] = []
    for value in values:
        total, count = float(value), 1
        while blocks and blocks[-1][0] / blocks[-1][1] >= total / count:
            before, many = blocks.pop()
            total, count = total + before, count + many
        blocks.append((total, count))
    return [total / count for total, count in blocks for _ in range(count)]


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
