"""Kernel and neat-python reference are the same crossover, bit for bit; a child's channels are its parents'."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evo_fool.encodings.cppn.crossover import cross_channels
from evo_fool.encodings.cppn.encoding import CppnEncoding
from evo_fool.encodings.cppn.reference import cross_reference
from evo_fool.encodings.numeric.splitmix import SplitMix64
from evo_fool.errors import ConfigError
from evo_fool.randomness import child_seeds, stream
from evo_fool.sections import CppnConfig


def grown(seed: int, n: int, generations: int, **changes: object) -> tuple[CppnEncoding, np.ndarray]:
    config = CppnConfig.model_validate({"kind": "cppn", "colour": "rgb"} | changes)
    encoding = CppnEncoding(config, size=16, channels=3)
    genomes = encoding.random(n, stream(seed, "start"))
    for generation in range(generations):
        genomes = encoding.mutate(genomes, stream(seed, "vary", generation), generation)
    return encoding, genomes


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(0, 40), st.integers(3, 30), st.integers(12, 60))
def test_kernel_equals_reference(seed: int, generations: int, max_nodes: int, max_links: int) -> None:
    encoding, genomes = grown(seed, 8, generations, max_nodes=max_nodes, max_links=max_links)
    seeds = child_seeds(stream(seed, "cross"), 4)
    children = cross_channels(genomes[:4], genomes[4:], seeds, 3)
    for a, b, child_seed, child in zip(genomes[:4], genomes[4:], seeds, children, strict=True):
        pair = encoding.genome_object(a), encoding.genome_object(b)
        expected = encoding.from_neat(cross_reference(*pair, SplitMix64(child_seed), encoding.config, 3))
        assert expected.tobytes() == child.tobytes()
        assert encoding.decode(encoding.encode(child)).tobytes() == child.tobytes()


def test_each_channel_is_one_parents_and_the_two_children_share_them_out() -> None:
    encoding, genomes = grown(3, 100, 12)
    first, second = genomes[:50], genomes[50:]
    parents = np.stack([encoding.render(first), encoding.render(second)])  # (2, n, channels, h, w)
    children = np.stack([encoding.render(c) for c in encoding.mate(first, second, stream(1, "mate"))])
    same = (children[:, None] == parents[None]).all(axis=(-1, -2))  # (child, parent, n, channel)
    assert same.any(axis=1).all(), "a channel belongs to one of the parents"
    own = same[0, 0] & same[1, 1]
    crossed = same[0, 1] & same[1, 0]
    assert (own | crossed).all(), "what one child gives up the other receives"
    assert not own.all(axis=1).all(), "most pairs exchange something that shows"


def test_every_proper_choice_of_channels_is_as_likely() -> None:
    _, genomes = grown(5, 2, 0)
    a, b = np.repeat(genomes[:1], 6000), np.repeat(genomes[1:], 6000)
    child = cross_channels(a, b, child_seeds(stream(2, "cross"), 6000), 3)
    rows, counts = np.unique(child, return_counts=True)
    assert len(rows) == 6
    assert counts.min() > 880


def test_a_child_that_is_too_large_is_its_first_parent_without_what_feeds_nothing() -> None:
    encoding, genomes = grown(1, 40, 60, max_nodes=16, max_links=24)
    children, _ = encoding.mate(genomes[:20], genomes[20:], stream(1, "mate"))
    assert (children["nodes"] <= 16).all()
    assert (children["links"] <= 24).all()


def test_grey_has_nothing_to_exchange() -> None:
    with pytest.raises(ConfigError, match=r"encoding\.crossover = 0\.5: .* grey images have one; set it to 0"):
        CppnEncoding(CppnConfig(kind="cppn", crossover=0.5), size=28, channels=1)
    encoding = CppnEncoding(CppnConfig(kind="cppn"), size=28, channels=1)
    genomes = encoding.random(2, stream(1, "x"))
    with pytest.raises(ConfigError, match="no crossover"):
        encoding.mate(genomes[:1], genomes[1:], stream(1, "mate"))
