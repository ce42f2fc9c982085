"""Places for the nodes of an acyclic graph, layer by layer (Sugiyama, Tagawa & Toda, 1981).

Every node stands right of all that feed it. A link that skips layers passes each of them by a point of its own, so that
it runs between the nodes and not behind them; networkx has the layers, but no layout that routes such links.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

import networkx as nx
import numpy as np
from scipy.optimize import isotonic_regression

Point = tuple[float, float]

_ORDERINGS, _ALIGNMENTS = 12, 24


@dataclass(frozen=True, slots=True)
class Placement:
    """Where everything goes: x counts layers from 0, y goes down from 0.

    Attributes:
        nodes: the middle of each node.
        routes: for each link the points it passes, both ends included, in the order the links were given.
        layers: their number.
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
    graph = nx.DiGraph()
    graph.add_nodes_from(depth)
    chains = []
    for source, target in links:
        passed = range(depth[source] + 1, depth[target])
        points = range(fresh, fresh + len(passed))
        for layer, key in zip(passed, points, strict=True):
            layers[layer].append(key)
        chains.append([source, *points, target])
        nx.add_path(graph, chains[-1])
        fresh += len(passed)
    _order(layers, graph)
    down = _align(layers, graph, {key: node_height if key < beyond else link_height for key in graph})
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
    """The layer of each node: the length of the longest way to it from the left, and the rightmost for ``last``."""
    inner = [key for key in nodes if key not in last]
    graph = nx.DiGraph(links)
    fed = {target for _, target in links}
    graph.add_edges_from((a, b) for a in first for b in nodes)
    graph.add_edges_from((a, b) for a in inner for b in last)
    try:
        depth = {key: i for i, layer in enumerate(nx.topological_generations(graph)) for key in layer}
    except nx.NetworkXUnfeasible:
        raise ValueError("the links form a cycle") from None
    for key in inner:  # what nothing feeds stands beside what it feeds
        if key not in fed:
            depth[key] = min(depth[target] for target in graph.successors(key)) - 1
    return depth


def _sweeps(layers: list[list[int]], graph: nx.DiGraph, times: int) -> Iterator[tuple[int, int, dict[int, list[int]]]]:
    """Layers from left to right, then from right to left, and so on: each with the one before it on the way, and the
    neighbours there of its nodes."""
    for sweep in range(times):
        step = 1 if sweep % 2 == 0 else -1
        for column in range(1, len(layers)) if step == 1 else range(len(layers) - 2, -1, -1):
            near = graph.pred if step == 1 else graph.succ
            yield column, column - step, {key: list(near[key]) for key in layers[column]}


def _order(layers: list[list[int]], graph: nx.DiGraph) -> None:
    """Sort each inner layer by the mean place of its neighbours, forth and back, so that few links cross."""
    for column, beside, near in _sweeps(layers, graph, _ORDERINGS):
        if 0 < column < len(layers) - 1:
            layer = layers[column]
            own, rank = ({key: (i + 0.5) / len(keys) for i, key in enumerate(keys)} for keys in (layer, layers[beside]))
            layer.sort(key={key: fmean([rank[n] for n in near[key]] or [own[key]]) for key in layer}.__getitem__)


def _align(layers: list[list[int]], graph: nx.DiGraph, height: dict[int, float]) -> dict[int, float]:
    """The y of everything: as near to its neighbours' as the others of its layer let it, so that few links bend."""
    offsets = []
    for layer in layers:
        heights = np.array([height[key] for key in layer])
        offsets.append(np.cumsum(heights) - heights / 2 - heights[0] / 2)
    down = {
        key: y - offset[-1] / 2
        for layer, offset in zip(layers, offsets, strict=True)
        for key, y in zip(layer, offset.tolist(), strict=True)
    }
    for column, _, near in _sweeps(layers, graph, _ALIGNMENTS):
        layer, offset = layers[column], offsets[column]
        wishes = np.array([fmean([down[n] for n in near[key]] or [down[key]]) for key in layer])
        down |= dict(zip(layer, (isotonic_regression(wishes - offset).x + offset).tolist(), strict=True))
    return down
