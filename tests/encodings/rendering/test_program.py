"""Programs: live nodes only, in an order that feeds every node before it is used."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from evo_fool.encodings.cppn.encoding import CppnEncoding
from evo_fool.encodings.rendering.program import X, Y, compile_programs
from evo_fool.randomness import stream
from evo_fool.sections import CppnConfig


def live_keys(row: np.void, outputs: int) -> set[int]:
    """The nodes that reach an output, by fixed point."""
    links = row["links"]
    pairs = list(zip(row["src"][:links].tolist(), row["dst"][:links].tolist(), strict=True))
    live = set(range(outputs))
    while more := {source for source, target in pairs if target in live and source >= 0} - live:
        live |= more
    return live


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.sampled_from([1, 3]), st.integers(0, 60))
def test_programs_are_pruned_ordered_and_complete(seed: int, channels: int, generations: int) -> None:
    encoding = CppnEncoding(CppnConfig(kind="cppn"), size=28, channels=channels)
    genomes = encoding.random(4, stream(seed, "t"))
    for generation in range(generations):
        genomes = encoding.mutate(genomes, stream(seed, "g", generation), generation)
    program = compile_programs(genomes, channels)
    for i, row in enumerate(genomes):
        first, last = program.node_start[i : i + 2]
        live = live_keys(row, channels)
        assert last - first == len(live)
        used = row["links"]
        feeding = np.isin(row["dst"][:used], list(live)).sum()
        assert program.link_start[last] - program.link_start[first] == feeding
        for t in range(first, last):
            sources = program.source[program.link_start[t] : program.link_start[t + 1]]
            assert (sources < 4 + t - first).all()
            levels = [program.level[first + s - 4] + 1 for s in sources if s >= 4]
            assert program.level[t] == max(levels, default=0)
            reached = [[X, Y, X | Y, 0][s] if s < 4 else int(program.axes[first + s - 4]) for s in sources]
            assert program.axes[t] == (X if X in reached else 0) | (Y if Y in reached else 0) | (
                X | Y if X | Y in reached else 0
            )
        assert len(set(program.output[i].tolist())) == channels
        assert (program.act[first + program.output[i] - 4] == row["act"][:channels]).all()
