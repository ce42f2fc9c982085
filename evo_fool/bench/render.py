"""``bench render``: images a second of the CPU renderer beside two baselines that are measured in the same run.

The baselines: neat-python's phenotype, pixel by pixel, and the plain way with arrays, one numpy operation a link and
one a node over the whole image. Genomes have the size that elites have on MNIST (paper.md section 4: 10-14 nodes,
11-20 links), and as many nodes as asked for in ``by_nodes``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from evo_fool.encodings import build_encoding
from evo_fool.encodings.base import Genomes, Images
from evo_fool.encodings.cppn import CppnEncoding
from evo_fool.encodings.rendering.coordinates import coordinate_planes
from evo_fool.encodings.rendering.program import compile_programs
from evo_fool.encodings.rendering.reference import render_reference
from evo_fool.experiment import CppnConfig
from evo_fool.randomness import stream

BATCH = 200
_ARRAY_FUNCTIONS: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    np.sin,
    lambda z: 2.0 * (1.0 / (1.0 + np.exp(-np.clip(z, -700.0, 700.0))) - 0.5),
    lambda z: np.exp(-np.minimum(z * z, 700.0)),
    lambda z: np.clip(z, -3.0, 3.0) / 3.0,
)


def bench_render(
    *, sizes: Sequence[int] = (28, 224), nodes: Sequence[int] = (10, 30, 60), seconds: float = 1.0, seed: int = 1
) -> dict[str, Any]:
    """Measure the renderer.

    Args:
        sizes: heights of the square images.
        nodes: genome sizes (hidden and output nodes) of the table ``by_nodes``.
        seconds: time for each single measurement.
        seed: of the genomes.

    Returns:
        JSON data. By size: ``images_per_second``, ``neat_python_images_per_second``,
        ``array_per_node_images_per_second``, ``ratio_to_neat_python``, ``ratio_to_array_per_node``; ``genomes``
        describes the batch, ``by_nodes`` has the same figures for larger genomes.
    """
    encoding = cast(CppnEncoding, build_encoding(CppnConfig(kind="cppn"), size=28, channels=1))
    elites = drifted_genomes(encoding, BATCH, nodes=(10, 14), links=(11, 20), seed=seed)
    report: dict[str, Any] = {"threads": encoding.threads, "batch": BATCH, "genomes": _describe(elites)}
    rows = {str(size): _measure(encoding, elites, size, seconds) for size in sizes}
    for name in next(iter(rows.values()), {}):
        report[name] = {size: row[name] for size, row in rows.items()}
    report["by_nodes"] = []
    for count in nodes:
        genomes = grown_genomes(BATCH, nodes=count, seed=seed)
        for size in sizes:
            row = _measure(encoding, genomes, size, seconds)
            report["by_nodes"].append({"nodes": count, "size": size, "genomes": _describe(genomes), **row})
    return report


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


def render_arrays(genomes: Genomes, size: int) -> Images:
    """The array-per-node way: uint8 ``(n, 1, size, size)`` grey images on normalised coordinates."""
    program = compile_programs(genomes, 1)
    planes = coordinate_planes(size, "normalised", size)
    images = np.empty((len(genomes), size * size), np.uint8)
    for genome in range(len(genomes)):
        values = [*planes, np.ones(size * size)]
        for node in range(program.node_start[genome], program.node_start[genome + 1]):
            total = np.zeros(size * size)
            for link in range(program.link_start[node], program.link_start[node + 1]):
                total += program.weight[link] * values[program.source[link]]
            values.append(_ARRAY_FUNCTIONS[program.act[node]](total))
        images[genome] = np.abs(values[program.output[genome, 0]]) * 255.0
    return images.reshape(-1, 1, size, size)


def _describe(genomes: Genomes) -> dict[str, float]:
    live = np.diff(compile_programs(genomes, 1).node_start)
    return {
        "mean_nodes": float(genomes["nodes"].mean()),
        "mean_links": float(genomes["links"].mean()),
        "mean_live_nodes": float(live.mean()),
    }


def _measure(encoding: CppnEncoding, genomes: Genomes, size: int, seconds: float) -> dict[str, float]:
    batch = genomes[: max(2, min(len(genomes), 4_000_000 // (size * size)))]
    ours = _rate(lambda i: len(encoding.render(batch, size)), seconds)
    arrays = _rate(lambda i: len(render_arrays(genomes[i % len(genomes)][None], size)), seconds)
    options = encoding.render_options
    neat = _rate(
        lambda i: len(render_reference(encoding.genome_object(genomes[i % len(genomes)]), size=size, **options)[None]),
        seconds,
        least=8,
    )
    return {
        "images_per_second": round(ours, 2),
        "array_per_node_images_per_second": round(arrays, 2),
        "neat_python_images_per_second": round(neat, 4),
        "ratio_to_array_per_node": round(ours / arrays, 2),
        "ratio_to_neat_python": round(ours / neat, 1),
    }


def _rate(render: Callable[[int], int], seconds: float, least: int = 3) -> float:
    """Images a second of ``render(i)``, which returns how many it made, in so many seconds, at least ``least`` calls.

    The first call, which may compile, does not count.
    """
    render(0)
    images, calls = 0, 0
    start = time.perf_counter()
    while True:
        images += render(calls)
        calls += 1
        elapsed = time.perf_counter() - start
        if elapsed >= seconds and calls >= least:
            return images / elapsed
