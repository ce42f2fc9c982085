"""Variation of a CPPN on neat-python's own genome: the readable form of kernels.py and crossover.py.

The mutation is docs/reference/paper.md section 4 (read in the released code), in this order. Draws come from the
child's SplitMix64 stream.
"""

from __future__ import annotations

from neat.genome import DefaultGenome

from evo_fool.encodings.cppn.activations import FUNCTIONS, NAMES
from evo_fool.encodings.cppn.genome import INPUTS, MAX_KEY
from evo_fool.encodings.cppn.neat import link_gene, node_gene
from evo_fool.encodings.numeric.splitmix import SplitMix64
from evo_fool.sections import CppnConfig


def start_reference(stream: SplitMix64, config: CppnConfig, outputs: int) -> DefaultGenome:
    """A starting genome: every input linked to every output, no hidden nodes."""
    genome = DefaultGenome(0)
    for key in range(outputs):
        genome.nodes[key] = node_gene(key, stream.below(len(FUNCTIONS)))
    for source in range(-1, -1 - INPUTS, -1):
        for target in range(outputs):
            genome.connections[source, target] = link_gene(source, target, _fresh_weight(stream, config))
    return genome


def mutate_reference(
    genome: DefaultGenome, stream: SplitMix64, config: CppnConfig, outputs: int, weights: float = 0.0
) -> None:
    """Mutate ``genome`` in place. ``weights``: how many are expected to change; 0: ``link_rate`` decides."""
    rate = weights / len(genome.connections) if weights and genome.connections else config.link_rate
    for link in genome.connections.values():
        if stream.random() < rate:
            link.weight = _polynomial(link.weight, stream.random(), config)
    for node in genome.nodes.values():
        if stream.random() < config.node_rate:
            node.activation = NAMES[stream.below(len(FUNCTIONS))]
    if stream.random() < config.add_link and len(genome.connections) < config.max_links:
        _add_link(genome, stream, config, outputs)
    if stream.random() < config.delete_link and genome.connections:
        del genome.connections[list(genome.connections)[stream.below(len(genome.connections))]]
    room = 0 < len(genome.connections) < config.max_links and len(genome.nodes) < config.max_nodes
    if stream.random() < config.split_link and room:
        _split_link(genome, stream, outputs)
    if stream.random() < config.delete_node and len(genome.nodes) > outputs:
        _delete_node(genome, stream, outputs)


def cross_reference(
    first: DefaultGenome, second: DefaultGenome, stream: SplitMix64, config: CppnConfig, outputs: int
) -> DefaultGenome:
    """``first`` with some outputs of ``second``, each with what feeds it; ``first`` alone where that is too large."""
    everything = set(range(outputs))
    number = 1 + stream.below(2**outputs - 2)
    taken = {key for key in everything if number >> key & 1}
    child = _union(outputs, (first, everything - taken), (second, taken))
    if len(child.nodes) > config.max_nodes or len(child.connections) > config.max_links:
        return _union(outputs, (first, everything))
    return child


def _union(outputs: int, *parts: tuple[DefaultGenome, set[int]]) -> DefaultGenome:
    """A genome of some outputs of each parent and of the nodes that feed these, hidden nodes numbered afresh."""
    child = DefaultGenome(0)
    activations = {key: genome.nodes[key].activation for genome, kept in parts for key in kept}
    for key in range(outputs):
        child.nodes[key] = node_gene(key, NAMES.index(activations[key]))
    for genome, kept in parts:
        alive = set(kept)
        for key in kept:
            alive |= {node for node in _ancestors(genome, key) if node >= 0}
        renamed = {key: key for key in kept} | {-1 - i: -1 - i for i in range(INPUTS)}
        for key, node in genome.nodes.items():
            if key in alive and key not in renamed:
                renamed[key] = len(child.nodes)
                child.nodes[renamed[key]] = node_gene(renamed[key], NAMES.index(node.activation))
        for (source, target), link in genome.connections.items():
            if target in alive:
                pair = renamed[source], renamed[target]
                child.connections[pair] = link_gene(*pair, link.weight)
    return child


def _fresh_weight(stream: SplitMix64, config: CppnConfig) -> float:
    return config.weight_range * (2.0 * stream.random() - 1.0)


def _polynomial(weight: float, u: float, config: CppnConfig) -> float:
    """Unbounded polynomial step on the gene (w + R) / 2R, clipped to [0, 1]."""
    power = 1.0 / (config.eta + 1.0)
    delta = (2.0 * u) ** power - 1.0 if u < 0.5 else 1.0 - (2.0 * (1.0 - u)) ** power
    gene = (weight + config.weight_range) / (2.0 * config.weight_range) + delta
    return config.weight_range * (2.0 * min(max(gene, 0.0), 1.0) - 1.0)


def _hidden(genome: DefaultGenome, outputs: int) -> list[int]:
    return [key for key in genome.nodes if key >= outputs]


def _add_link(genome: DefaultGenome, stream: SplitMix64, config: CppnConfig, outputs: int) -> None:
    """From any input or hidden node to any node that is neither that node nor an ancestor of it.

    The outputs always qualify. A pair that is linked already stays as it is: a neat genome has one link a pair.
    """
    sources = [-1 - i for i in range(INPUTS)] + _hidden(genome, outputs)
    source = sources[stream.below(len(sources))]
    excluded = _ancestors(genome, source) | {source}
    targets = [key for key in genome.nodes if key not in excluded]
    target = targets[stream.below(len(targets))]
    if (source, target) not in genome.connections:
        genome.connections[source, target] = link_gene(source, target, _fresh_weight(stream, config))


def _ancestors(genome: DefaultGenome, node: int) -> set[int]:
    """The nodes that ``node`` depends on."""
    found: set[int] = set()
    open_nodes = [node]
    while open_nodes:
        current = open_nodes.pop()
        parents = {source for source, target in genome.connections if target == current} - found
        found |= parents
        open_nodes += parents
    return found


def _split_link(genome: DefaultGenome, stream: SplitMix64, outputs: int) -> None:
    """Replace a link by a new node and two links that both carry the old weight (NEAT would use 1 and the weight)."""
    source, target = list(genome.connections)[stream.below(len(genome.connections))]
    weight = genome.connections.pop((source, target)).weight
    key = max(genome.nodes) + 1
    if key > MAX_KEY:
        key = next(free for free in range(outputs, MAX_KEY + 1) if free not in genome.nodes)
    genome.nodes[key] = node_gene(key, stream.below(len(FUNCTIONS)))
    genome.connections[source, key] = link_gene(source, key, weight)
    genome.connections[key, target] = link_gene(key, target, weight)


def _delete_node(genome: DefaultGenome, stream: SplitMix64, outputs: int) -> None:
    hidden = _hidden(genome, outputs)
    gone = hidden[stream.below(len(hidden))]
    del genome.nodes[gone]
    for pair in [pair for pair in genome.connections if gone in pair]:
        del genome.connections[pair]
