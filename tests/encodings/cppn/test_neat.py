"""Packed rows as neat-python genomes and back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from neat.nn import FeedForwardNetwork

from evo_fool.encodings.cppn.activations import FUNCTIONS, NAMES
from evo_fool.encodings.cppn.encoding import CppnEncoding
from evo_fool.encodings.cppn.neat import link_gene, neat_config, network_config, node_gene
from evo_fool.errors import GenomeError
from evo_fool.randomness import stream
from evo_fool.sections import CppnConfig


def build(channels: int = 1, **settings: object) -> CppnEncoding:
    return CppnEncoding(CppnConfig(kind="cppn", **settings), size=28, channels=channels)


@given(st.floats(-50, 50))
def test_activations_are_the_papers(z: float) -> None:
    assert FUNCTIONS[0](z) == math.sin(z)
    assert FUNCTIONS[1](z) == pytest.approx(2 * (1 / (1 + math.exp(-z)) - 0.5))
    assert FUNCTIONS[2](z) == pytest.approx(math.exp(-(z**2)), rel=1e-9)
    assert FUNCTIONS[3](z) == min(max(z, -3), 3) / 3


def test_configuration_knows_the_four_activations() -> None:
    config = neat_config(3)
    assert config.output_keys == [0, 1, 2]
    assert config.input_keys == [-1, -2, -3, -4]
    assert config.activation_options == list(NAMES)
    assert [config.activation_defs.get(name) for name in NAMES] == list(FUNCTIONS)


def test_round_trip_and_network() -> None:
    encoding = build(3)
    genomes = encoding.random(5, stream(1, "t"))
    for generation in range(15):
        genomes = encoding.mutate(genomes, stream(1, "g", generation), generation)
    for row in genomes:
        genome = encoding.genome_object(row)
        assert encoding.from_neat(genome).tobytes() == row.tobytes()
        assert len({link.innovation for link in genome.connections.values()}) == len(genome.connections)
        values = FeedForwardNetwork.create(genome, network_config(3)).activate([0.1, -0.2, 0.3, 1.0])
        assert all(-1 <= value <= 1 for value in values)


def test_disabled_links_are_left_out_and_outputs_come_first() -> None:
    encoding = build(3)
    genome = encoding.genome_object(encoding.random(1, stream(2, "t"))[0])
    genome.nodes = {key: genome.nodes[key] for key in (2, 0, 1)}
    next(iter(genome.connections.values())).enabled = False
    row = encoding.from_neat(genome)
    assert row["key"][0, :3].tolist() == [0, 1, 2]
    assert row["links"][0] == 11


@pytest.mark.parametrize("fault", ["bias", "response", "aggregation", "activation", "weight", "key", "cycle", "size"])
def test_what_these_cppns_do_not_have_is_refused(fault: str) -> None:
    encoding = build(max_nodes=4)
    genome = encoding.genome_object(encoding.random(1, stream(3, "t"))[0])
    node, link = genome.nodes[0], genome.connections[-1, 0]
    if fault in ("bias", "response"):
        setattr(node, fault, 0.5)
    elif fault in ("aggregation", "activation"):
        setattr(node, fault, "max")
    elif fault == "weight":
        link.weight = float("inf")
    elif fault == "key":
        genome.nodes[10**6] = node_gene(10**6, 0)
    elif fault == "cycle":
        genome.nodes[1] = node_gene(1, 0)
        genome.connections[1, 1] = link_gene(1, 1, 1.0)
    else:
        genome.nodes.update({key: node_gene(key, 0) for key in range(1, 9)})
    with pytest.raises(GenomeError):
        encoding.from_neat(genome)
