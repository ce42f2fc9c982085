"""Genomes for measuring renderers: as large as elites are, or of so many nodes, and alive for the most part."""

from __future__ import annotations

from typing import cast

import numpy as np

from evo_fool.encodings import build_encoding
from evo_fool.encodings.base import Genomes
from evo_fool.encodings.cppn.encoding import CppnEncoding
from evo_fool.encodings.rendering.program import compile_programs
from evo_fool.randomness import stream
from evo_fool.sections import CppnConfig


def drifted_genomes(
    encoding: CppnEncoding, n: int, *, nodes: tuple[int, int], links: tuple[int, int], seed: int
) -> Genomes:
    """``n`` genomes with numbers of nodes and links in the given ranges, from mutation without selection.

    At least half of their nodes reach the output, as selection would see to.
    """
    genomes = encoding.random(n, stream(seed, "bench"))
    found: list[Genomes] = []
    generation = 0
    while sum(map(len, found)) < n:
        generation += 1
        genomes = encoding.mutate(genomes, stream(seed, "bench", generation), generation)
        if generation % 100 == 0:  # drift has grown past the range: begin again
            genomes = encoding.random(n, stream(seed, "bench", generation))
        fits = (genomes["nodes"] >= nodes[0]) & (genomes["nodes"] <= nodes[1])
        fits &= (genomes["links"] >= links[0]) & (genomes["links"] <= links[1])
        live = np.diff(compile_programs(genomes, encoding.channels).node_start)
        found.append(genomes[fits & (2 * live >= genomes["nodes"])])
    return np.concatenate(found)[:n]


def grown_genomes(n: int, *, nodes: int, seed: int, channels: int = 1, colour: str = "auto") -> Genomes:
    """``n`` genomes of ``nodes`` hidden and output nodes, most of which reach an output: little is deleted."""
    config = CppnConfig.model_validate(
        {"kind": "cppn", "colour": colour, "add_link": 1.0, "delete_link": 0.05, "delete_node": 0.0, "max_nodes": nodes}
    )
    caps = CppnConfig(kind="cppn")
    encoding = cast(CppnEncoding, build_encoding(config, size=28, channels=channels))
    genomes = encoding.random(n, stream(seed, "bench", nodes))
    generation = 0
    while (genomes["nodes"] < nodes).any():
        generation += 1
        small = genomes["nodes"] < nodes
        genomes[small] = encoding.mutate(genomes[small], stream(seed, "bench", nodes, generation), generation)
    target = build_encoding(caps, size=28, channels=channels)
    return np.concatenate([target.decode(encoding.encode(row)) for row in genomes])


def describe(genomes: Genomes) -> dict[str, float]:
    """Mean numbers of nodes, of links, and of nodes that reach the output."""
    live = np.diff(compile_programs(genomes, 1).node_start)
    return {
        "mean_nodes": float(genomes["nodes"].mean()),
        "mean_links": float(genomes["links"].mean()),
        "mean_live_nodes": float(live.mean()),
    }
