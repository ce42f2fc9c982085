"""Bytes of CPPN genomes: they come back, and what is not theirs is refused."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evo_fool.encodings.cppn.encoding import CppnEncoding
from evo_fool.errors import GenomeError
from evo_fool.randomness import stream
from evo_fool.sections import CppnConfig


def build(channels: int = 1, **settings_: object) -> CppnEncoding:
    return CppnEncoding(CppnConfig(kind="cppn", **settings_), size=28, channels=channels)


def grown(encoding: CppnEncoding, n: int = 20, generations: int = 20, seed: int = 1) -> np.ndarray:
    genomes = encoding.random(n, stream(seed, "t"))
    for generation in range(generations):
        genomes = encoding.mutate(genomes, stream(seed, "g", generation), generation)
    return genomes


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.sampled_from([1, 3]), st.integers(0, 40))
def test_bytes_come_back(seed: int, channels: int, generations: int) -> None:
    encoding = build(channels)
    for row in grown(encoding, 3, generations, seed):
        data = encoding.encode(row)
        assert encoding.decode(data).tobytes() == row.tobytes()
        assert encoding.encode(encoding.decode(data)[0]) == data
        assert len(data) == 6 + 3 * row["nodes"] + 12 * row["links"]


@settings(max_examples=200)
@given(st.data())
def test_damaged_bytes_are_refused_or_valid(data: st.DataObject) -> None:
    encoding = build(3)
    genome = bytearray(encoding.encode(grown(encoding, 1, 12, seed=data.draw(st.integers(0, 20)))[0]))
    for _ in range(data.draw(st.integers(1, 3))):
        genome[data.draw(st.integers(0, len(genome) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = encoding.decode(bytes(genome))
    except GenomeError:
        return
    assert encoding.encode(decoded[0]) == bytes(genome)
    encoding.render(encoding.mutate(decoded, stream(1, "t"), 0))


def packed(nodes: list[int], acts: list[int], links: list[tuple[int, int, float]], version: int = 1, outputs: int = 1):
    sources, targets, weights = ([link[i] for link in links] for i in range(3))
    return b"".join(
        (
            struct.pack("<BBHH", version, outputs, len(nodes), len(links)),
            np.array(nodes, "<i2").tobytes(),
            bytes(acts),
            np.array(sources, "<i2").tobytes(),
            np.array(targets, "<i2").tobytes(),
            np.array(weights, "<f8").tobytes(),
        )
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (packed([0], [0], [(-1, 0, 1.0)], version=2), "format 2"),
        (packed([0, 1, 2], [0] * 3, [], outputs=3), "3 outputs"),
        (packed([0], [0], [(-1, 0, 1.0)])[:-1], "bytes"),
        (packed([], [], []), "nodes"),
        (packed([1], [0], []), "keys"),
        (packed([0, 5, 5], [0] * 3, []), "keys"),
        (packed([0, -7], [0] * 2, []), "hidden"),
        (packed([0], [4], []), "activation"),
        (packed([0], [0], [(-1, 0, 10.5)]), "weight"),
        (packed([0], [0], [(-1, 0, float("nan"))]), "weight"),
        (packed([0], [0], [(-1, 0, 1.0), (-1, 0, 2.0)]), "same pair"),
        (packed([0], [0], [(-5, 0, 1.0)]), "no such nodes"),
        (packed([0], [0], [(0, 0, 1.0)]), "no such nodes"),
        (packed([0, 3], [0] * 2, [(3, -1, 1.0)]), "no such nodes"),
        (packed([0, 3, 4], [0] * 3, [(3, 4, 1.0), (4, 3, 1.0)]), "cycle"),
        (packed([0, 3], [0] * 2, [(3, 3, 1.0)]), "cycle"),
        (packed(list(range(200)), [0] * 200, []), "200 nodes"),
    ],
)
def test_each_fault_has_its_message(data: bytes, message: str) -> None:
    with pytest.raises(GenomeError, match=message) as caught:
        build().decode(data)
    assert "\n" not in str(caught.value)


def test_description_is_json() -> None:
    encoding = build(3)
    row = grown(encoding, 1)[0]
    described = json.loads(json.dumps(encoding.describe(row)))
    assert len(described["nodes"]) == row["nodes"]
    assert len(described["links"]) == row["links"]
    assert {link["from"] for link in described["links"]} & {"x", "y", "d", "bias"}
