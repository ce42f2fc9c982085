"""Kernel and neat-python reference are the same mutation, bit for bit; its rates and effects are the paper's."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evo_fool.encodings.cppn import kernels as cppn_kernels
from evo_fool.encodings.cppn.encoding import CppnEncoding
from evo_fool.encodings.cppn.genome import MAX_KEY
from evo_fool.encodings.cppn.reference import mutate_reference, start_reference
from evo_fool.encodings.numeric.splitmix import SplitMix64
from evo_fool.encodings.rendering.program import fields
from evo_fool.randomness import child_seeds, stream
from evo_fool.sections import CppnConfig


def build(channels: int = 1, **settings_: object) -> CppnEncoding:
    return CppnEncoding(CppnConfig(kind="cppn", **settings_), size=28, channels=channels)


RATES = st.floats(0, 1)
CONFIGS = st.fixed_dictionaries(
    {
        "link_rate": RATES,
        "node_rate": RATES,
        "add_link": RATES,
        "delete_link": RATES,
        "split_link": RATES,
        "delete_node": RATES,
        "eta": st.floats(0.5, 50),
        "weight_range": st.floats(0.1, 100),
        "max_nodes": st.integers(3, 40),
        "max_links": st.integers(12, 50),
    }
)


@settings(max_examples=40)
@given(CONFIGS, st.integers(0, 2**32), st.sampled_from([1, 3]))
def test_kernel_equals_reference_over_generations(settings_: dict[str, float], seed: int, channels: int) -> None:
    encoding = build(channels, **settings_)
    genomes = encoding.random(2, stream(seed, "start"))
    started = [
        encoding.from_neat(start_reference(SplitMix64(s), encoding.config, channels))
        for s in child_seeds(stream(seed, "start"), 2)
    ]
    assert genomes.tobytes() == np.concatenate(started).tobytes()
    for generation in range(25):
        before = genomes.copy()
        seeds = child_seeds(stream(seed, "vary", generation), 2)
        children = encoding.mutate(genomes, stream(seed, "vary", generation), generation)
        assert genomes.tobytes() == before.tobytes()
        for row, child_seed, child in zip(genomes, seeds, children, strict=True):
            genome = encoding.genome_object(row)
            mutate_reference(genome, SplitMix64(child_seed), encoding.config, channels)
            assert encoding.from_neat(genome).tobytes() == child.tobytes()
        genomes = children


def test_default_rates_equal_reference_for_long() -> None:
    encoding = build()
    genomes = encoding.random(1, stream(1, "start"))
    for generation in range(150):
        seed = child_seeds(stream(1, "vary", generation), 1)[0]
        genome = encoding.genome_object(genomes[0])
        mutate_reference(genome, SplitMix64(seed), encoding.config, 1)
        genomes = encoding.mutate(genomes, stream(1, "vary", generation), generation)
        assert encoding.from_neat(genome).tobytes() == genomes.tobytes()
    assert genomes["nodes"][0] > 20


@pytest.mark.parametrize("name", [operator.name for operator in build(3).operators if not operator.mates])
def test_every_operator_equals_the_reference(name: str) -> None:
    encoding = build(3)
    (operator,) = (each for each in encoding.operators if each.name == name)
    settings_ = dict(operator.settings)
    weights = settings_.pop("weights", 0.0)
    config = encoding.config.model_copy(update=settings_)
    genomes = encoding.random(4, stream(5, "start"))
    for generation in range(30):  # grown by the paper's mutation, so that there is something to vary
        seeds = child_seeds(stream(5, "vary", generation), 4)
        children = encoding.vary(operator, genomes, stream(5, "vary", generation), generation)
        for row, child_seed, child in zip(genomes, seeds, children, strict=True):
            genome = encoding.genome_object(row)
            mutate_reference(genome, SplitMix64(child_seed), config, 3, weights)
            assert encoding.from_neat(genome).tobytes() == child.tobytes()
        genomes = encoding.mutate(genomes, stream(5, "grow", generation), generation)


def test_fine_steps_change_eight_weights_and_nothing_else() -> None:
    encoding = build(3)
    (fine,) = (each for each in encoding.operators if each.name == "fine")
    genomes = encoding.random(500, stream(6, "start"))
    for generation in range(20):
        genomes = encoding.mutate(genomes, stream(6, "grow", generation), generation)
    children = encoding.vary(fine, genomes, stream(6, "vary"), 0)
    for name in ("src", "dst", "key", "act", "nodes", "links"):
        assert np.array_equal(children[name], genomes[name])
    large = genomes["links"] >= 16
    moved = (children["weight"] != genomes["weight"]).sum(axis=1)
    assert moved[large].mean() == pytest.approx(8, rel=0.05)
    steps = np.abs(children["weight"] - genomes["weight"])
    assert steps[steps > 0].mean() == pytest.approx(2 * encoding.config.weight_range / 102, rel=0.15)


def test_start_is_the_papers() -> None:
    encoding = build(3)
    genomes = encoding.random(2000, stream(2, "t"))
    assert (genomes["nodes"] == 3).all()
    assert (genomes["links"] == 12).all()
    weights = genomes["weight"][:, :12]
    assert np.abs(weights).max() <= 10
    assert weights.std() == pytest.approx(20 / 12**0.5, rel=0.02)
    assert np.bincount(genomes["act"][:, :3].ravel()) == pytest.approx(1500, rel=0.15)
    pairs = set(zip(genomes["src"][0, :12].tolist(), genomes["dst"][0, :12].tolist(), strict=True))
    assert pairs == {(source, target) for source in (-1, -2, -3, -4) for target in range(3)}


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("add_link", (0, None)),
        ("delete_link", (0, -1)),
        ("split_link", (1, 1)),
        ("delete_node", (0, 0)),
    ],
)
def test_each_structural_step_alone(operator: str, expected: tuple[int, int | None]) -> None:
    off = {"link_rate": 0, "node_rate": 0, "add_link": 0, "delete_link": 0, "split_link": 0, "delete_node": 0}
    encoding = build(**{**off, operator: 0.5})
    genomes = encoding.random(4000, stream(3, "t"))
    children = encoding.mutate(genomes, stream(3, "m"), 0)
    changed = np.array([a.tobytes() != b.tobytes() for a, b in zip(genomes, children, strict=True)])
    if operator in ("add_link", "delete_node"):  # fully connected, no hidden node: there is nothing to do
        assert not changed.any()
        return
    assert changed.mean() == pytest.approx(0.5, abs=0.03)
    assert (children["nodes"][changed] - genomes["nodes"][changed] == expected[0]).all()
    assert (children["links"][changed] - genomes["links"][changed] == expected[1]).all()


def test_split_keeps_the_old_weight_twice() -> None:
    off = {"link_rate": 0, "node_rate": 0, "add_link": 0, "delete_link": 0, "delete_node": 0}
    encoding = build(**off, split_link=1)
    parents = encoding.random(50, stream(4, "t"))
    for parent, child in zip(parents, encoding.mutate(parents, stream(4, "m"), 0), strict=True):
        gone = set(parent["weight"][:4]) - set(child["weight"][:3])
        assert gone == {child["weight"][3]} == {child["weight"][4]}
        assert (child["src"][4], child["dst"][4]) == (1, 0)
        assert child["dst"][3] == 1


def test_add_link_reaches_every_legal_pair_and_no_other() -> None:
    """Hidden 1 -> hidden 2 -> output 0: a link back to 1 or to a node itself would close a cycle."""
    off = {"link_rate": 0, "node_rate": 0, "delete_link": 0, "split_link": 0, "delete_node": 0}
    encoding = build(**off, add_link=1)
    parent = encoding.random(1, stream(5, "t"))
    for i, (source, target) in enumerate([(-1, 1), (1, 2), (2, 0)]):
        parent["src"][0, i], parent["dst"][0, i] = source, target
    parent["links"], parent["nodes"] = 3, 3
    parent["key"][0, :3] = 0, 1, 2
    for name in ("src", "dst", "weight"):
        parent[name][0, 3:] = 0
    children = encoding.mutate(np.repeat(parent, 5000), stream(5, "m"), 0)
    added = Counter((int(child["src"][3]), int(child["dst"][3])) if child["links"] == 4 else None for child in children)
    legal = {(source, target) for source in (-1, -2, -3, -4) for target in (0, 1, 2)} | {(1, 0), (1, 2), (2, 0)}
    assert set(added) == (legal - {(-1, 1), (1, 2), (2, 0)}) | {None}
    # sources are uniform over six; from node 1 only nodes 0 and 2 are legal, from node 2 only node 0
    assert added[-2, 0] / 5000 == pytest.approx(1 / 18, rel=0.25)
    assert added[1, 0] / 5000 == pytest.approx(1 / 12, rel=0.25)
    weights = children["weight"][children["links"] == 4, 3]
    assert weights.std() == pytest.approx(20 / 12**0.5, rel=0.05)


def test_delete_node_takes_its_links() -> None:
    encoding = build(link_rate=0, node_rate=0, add_link=0, delete_link=0, split_link=0, delete_node=1)
    grow = build(delete_node=0)
    genomes = grow.random(300, stream(6, "t"))
    for generation in range(10):
        genomes = grow.mutate(genomes, stream(6, "g", generation), generation)
    for parent, child in zip(genomes, encoding.mutate(genomes, stream(6, "m"), 0), strict=True):
        before, after = encoding.genome_object(parent), encoding.genome_object(child)
        gone = set(before.nodes) - set(after.nodes)
        assert len(gone) == (len(before.nodes) > 1)
        assert list(after.connections) == [pair for pair in before.connections if not gone & set(pair)]


def test_weights_and_activations_mutate_at_their_rates() -> None:
    encoding = build(3, add_link=0, delete_link=0, split_link=0, delete_node=0)
    genomes = encoding.random(3000, stream(7, "t"))
    children = encoding.mutate(genomes, stream(7, "m"), 0)
    steps = (children["weight"] - genomes["weight"])[:, :12]
    assert (steps != 0).mean() == pytest.approx(0.1, rel=0.05)
    # a quarter of the new activations are the old ones
    assert (children["act"] != genomes["act"])[:, :3].mean() == pytest.approx(0.075, rel=0.1)
    inner = np.abs(genomes["weight"][:, :12]) < 5
    assert np.abs(steps[inner & (steps != 0)]).mean() == pytest.approx(20 / 17, rel=0.1)


def test_weights_move_off_the_bounds() -> None:
    encoding = build(link_rate=1, add_link=0, delete_link=0, split_link=0, delete_node=0)
    genomes = encoding.random(500, stream(8, "t"))
    genomes["weight"][:, :4] = 10.0
    moved = encoding.mutate(genomes, stream(8, "m"), 0)["weight"][:, :4]
    assert (moved < 10).mean() == pytest.approx(0.5, abs=0.05)


def test_caps_hold() -> None:
    encoding = build(max_nodes=6, max_links=14, add_link=1, split_link=1, delete_link=0, delete_node=0)
    genomes = encoding.random(50, stream(9, "t"))
    for generation in range(40):
        genomes = encoding.mutate(genomes, stream(9, "m", generation), generation)
        assert genomes["nodes"].max() <= 6
        assert genomes["links"].max() <= 14
    assert (genomes["nodes"] == 6).any()
    assert (genomes["links"] == 14).any()


def test_keys_are_reused_when_they_run_out() -> None:
    encoding = build(link_rate=0, node_rate=0, add_link=0, delete_link=0, split_link=1, delete_node=0)
    genomes = encoding.mutate(encoding.random(1, stream(10, "t")), stream(10, "m"), 0)
    genomes["key"][genomes["key"] == 1] = MAX_KEY
    for name in ("src", "dst"):
        genomes[name][genomes[name] == 1] = MAX_KEY
    seed = child_seeds(stream(10, "n"), 1)[0]
    reference = encoding.genome_object(genomes[0])
    mutate_reference(reference, SplitMix64(seed), encoding.config, 1)
    child = encoding.mutate(genomes, stream(10, "n"), 0)
    assert child["key"][0, :3].tolist() == [0, MAX_KEY, 1]
    assert encoding.from_neat(reference).tobytes() == child.tobytes()


def test_threads_do_not_change_children() -> None:
    encoding = build()
    genomes = encoding.random(300, stream(11, "t"))
    seeds = child_seeds(stream(11, "m"), 300)
    config = encoding.config
    rates = (config.link_rate, config.node_rate, config.add_link, config.delete_link, config.split_link)
    chunked, whole = genomes.copy(), genomes.copy()
    for out, bounds in ((chunked, [(200, 300), (0, 77), (77, 200)]), (whole, [(0, 300)])):
        for first, last in bounds:
            cppn_kernels.mutate_rows(
                *fields(out), seeds, first, last, 1, config.weight_range, config.eta, 0.0, *rates, config.delete_node
            )
    assert chunked.tobytes() == whole.tobytes()
