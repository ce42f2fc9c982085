"""neat-python's view of a CPPN: its configuration, and packed rows to and from ``neat.DefaultGenome``.

The paper's CPPNs have no bias, response, disabled links or speciation; a neat genome that has them is refused.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from neat.genes import DefaultConnectionGene, DefaultNodeGene
from neat.genome import DefaultGenome, DefaultGenomeConfig

from evo_fool.encodings.cppn import genome as cppn_genome
from evo_fool.encodings.cppn.activations import FUNCTIONS, NAMES
from evo_fool.encodings.cppn.genome import INPUTS, MAX_KEY
from evo_fool.errors import GenomeError

_CODES = {name: code for code, name in enumerate(NAMES)}


def neat_config(outputs: int, weight_range: float = 10.0) -> DefaultGenomeConfig:
    """neat-python's genome configuration of these CPPNs, with the paper's four activations registered."""
    fixed = {"init_mean": 0.0, "init_stdev": 0.0, "replace_rate": 0.0, "mutate_rate": 0.0, "mutate_power": 0.0}
    settings: dict[str, Any] = {
        "num_inputs": INPUTS,
        "num_outputs": outputs,
        "num_hidden": 0,
        "feed_forward": True,
        "initial_connection": "full_direct",
        "compatibility_disjoint_coefficient": 1.0,
        "compatibility_weight_coefficient": 1.0,
        "conn_add_prob": 0.0,
        "conn_delete_prob": 0.0,
        "node_add_prob": 0.0,
        "node_delete_prob": 0.0,
        "activation_default": "random",
        "activation_options": " ".join(NAMES),
        "activation_mutate_rate": 0.0,
        "aggregation_default": "sum",
        "aggregation_options": "sum",
        "aggregation_mutate_rate": 0.0,
        "enabled_default": True,
        "enabled_mutate_rate": 0.0,
        **_prefixed("bias", fixed, low=0.0, high=0.0),
        **_prefixed("response", {**fixed, "init_mean": 1.0}, low=1.0, high=1.0),
        **_prefixed("weight", fixed, low=-weight_range, high=weight_range),
    }
    config = DefaultGenome.parse_config({name: str(value) for name, value in settings.items()})
    for name, function in zip(NAMES, FUNCTIONS, strict=True):
        config.add_activation(name, function)
    return config


def network_config(outputs: int) -> SimpleNamespace:
    """What ``neat.nn.FeedForwardNetwork.create`` asks for: an object with a ``genome_config``."""
    return SimpleNamespace(genome_config=neat_config(outputs))


def _prefixed(name: str, values: dict[str, Any], *, low: float, high: float) -> dict[str, Any]:
    values = {**values, "min_value": low, "max_value": high}
    return {f"{name}_{key}": value for key, value in values.items()}


def node_gene(key: int, activation: int) -> DefaultNodeGene:
    """A node gene without bias or response."""
    gene = DefaultNodeGene(key)
    gene.bias, gene.response, gene.time_constant = 0.0, 1.0, 1.0
    gene.activation, gene.aggregation = NAMES[activation], "sum"
    return gene


def link_gene(source: int, target: int, weight: float) -> DefaultConnectionGene:
    """An enabled connection gene; its innovation number is a function of the pair of nodes it joins."""
    gene = DefaultConnectionGene((source, target), innovation=(source + INPUTS) * (MAX_KEY + 1) + target)
    gene.weight, gene.enabled = weight, True
    return gene


def to_neat(row: Any, key: int = 0) -> DefaultGenome:
    """A packed row as a neat genome; nodes and links keep their order."""
    genome = DefaultGenome(key)
    nodes, links = int(row["nodes"]), int(row["links"])
    for node, act in zip(row["key"][:nodes].tolist(), row["act"][:nodes].tolist(), strict=True):
        genome.nodes[node] = node_gene(node, act)
    parts = (row[name][:links].tolist() for name in ("src", "dst", "weight"))
    for source, target, weight in zip(*parts, strict=True):
        genome.connections[source, target] = link_gene(source, target, weight)
    return genome


def from_neat(genome: DefaultGenome, *, outputs: int, dtype: np.dtype, weight_range: float) -> np.ndarray:
    """A neat genome as a packed batch of one. Outputs come first, disabled links are left out.

    Raises:
        GenomeError: a bias, response, activation, aggregation or structure that these CPPNs do not have.
    """
    order = sorted(genome.nodes, key=lambda node: node if node < outputs else outputs)
    for node in order:
        gene = genome.nodes[node]
        if gene.bias != 0 or gene.response != 1 or gene.aggregation != "sum" or gene.activation not in _CODES:
            raise GenomeError(
                f"neat genome: node {node} needs bias 0, response 1, aggregation sum and "
                f"an activation of {', '.join(NAMES)}"
            )
    links = [(*pair, gene.weight) for pair, gene in genome.connections.items() if gene.enabled]
    try:
        keys = np.array(order, np.int64)
        sources, targets = (np.array([link[i] for link in links], np.int64) for i in (0, 1))
        weights = np.array([link[2] for link in links], np.float64)
    except (OverflowError, TypeError, ValueError):
        raise GenomeError("neat genome: keys must be integers and weights numbers") from None
    acts = np.array([_CODES[genome.nodes[node].activation] for node in order], np.uint8)
    cppn_genome.check_parts(
        keys, acts, sources, targets, weights, outputs=outputs, dtype=dtype, weight_range=weight_range
    )
    return cppn_genome.pack(keys, acts, sources, targets, weights, dtype)
