"""Reference counting against the definition: what is alive is reachable from what is held."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from evo_fool.runs.retention import Retention
from evo_fool.sections import RetentionConfig


def reachable(held: list[int], parents: dict[int, tuple[int, ...]]) -> set[int]:
    alive: set[int] = set()
    stack = list(held)
    while stack:
        id = stack.pop()
        if id not in alive:
            alive.add(id)
            stack += parents[id]
    return alive


@st.composite
def histories(draw: st.DrawFn) -> list[list[tuple[list[int], list[int]]]]:
    """Generations of newcomers, each with its parents' cells and the cells it takes, in an archive of five cells."""
    cells = st.lists(st.integers(0, 4), min_size=0, max_size=2, unique=True)
    taken = st.lists(st.integers(0, 4), min_size=0, max_size=3, unique=True)
    return draw(st.lists(st.lists(st.tuples(cells, taken), min_size=1, max_size=4), min_size=1, max_size=25))


@given(histories(), st.sampled_from(["elites", "lineage", "all"]))
@settings(max_examples=150)
def test_the_living_are_the_held_and_their_ancestors(history: list, keep: str) -> None:
    lineage = Retention(RetentionConfig(keep=keep))
    archive: dict[int, int] = {}
    parents: dict[int, tuple[int, ...]] = {}
    gone_blobs: set[int] = set()
    everyone: set[int] = set()
    id = 0
    for generation in history:
        before = dict(archive)
        newcomers = []
        for parent_cells, taken in generation:
            # As in the archive: a cell changes hands at most once a generation, to the last who claims it here.
            parents[id] = tuple(before[cell] for cell in parent_cells if cell in before)
            for cell in taken:
                archive[cell] = id
            newcomers.append(id)
            id += 1
        captors = [n for n in newcomers if n in archive.values()]
        for n in captors:
            lineage.add(n, parents[n], captor=True, size=10)
            everyone.add(n)
        changed = [cell for cell in archive if archive[cell] != before.get(cell)]
        lineage.hold(np.array([archive[cell] for cell in changed], dtype=np.int64))
        lineage.release(np.array([before[cell] for cell in changed if cell in before], dtype=np.int64))
        departed = lineage.depart()
        assert not departed.rows, "captors' rows stay for good"
        gone_blobs |= set(departed.blobs)
        alive = reachable(list(archive.values()), parents)
        assert set(lineage.records) == alive
        assert list(lineage.records) == sorted(lineage.records)
        with_blobs = {"elites": set(archive.values()), "lineage": alive, "all": everyone}[keep]
        assert everyone - gone_blobs == with_blobs
        assert lineage.bytes == 10 * len(with_blobs)
        assert set(lineage.sizes) == with_blobs


def test_the_limit_takes_the_oldest_ancestors_and_never_an_elite() -> None:
    lineage = Retention(RetentionConfig(limit_mb=0.00003))  # 30 bytes: room for three
    for id in range(6):
        lineage.add(id, [id - 1] if id else [], captor=True, size=10)
        lineage.hold([id])
        if id:
            lineage.release([id - 1])
    assert lineage.depart().blobs == [0, 1, 2]
    assert lineage.bytes == 30
    assert list(lineage.records) == [0, 1, 2, 3, 4, 5], "an ancestor without blobs is still an ancestor"


def test_a_chain_of_ancestors_longer_than_the_stack_can_die() -> None:
    lineage = Retention(RetentionConfig())
    n = 20_000
    for id in range(n):
        lineage.add(id, [id - 1] if id else [], captor=False, size=1)
        lineage.hold([id])
        if id:
            lineage.release([id - 1])
    lineage.release([n - 1])
    assert not lineage.records
    assert sorted(lineage.depart().rows) == list(range(n))
