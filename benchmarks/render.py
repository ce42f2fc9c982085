"""``bench render``: images a second of the renderers beside baselines that are measured in the same run.

The renderers: the compiled one, which draws on a CPU, and the batched torch one, which draws on a GPU and is measured
on both. The baselines: neat-python's phenotype, pixel by pixel; one numpy operation a link and node over the whole
image; and the same with PyTorch tensors in float32. Genomes have the size that elites have on MNIST after 200
generations (10-14 nodes, 11-20 links), and as many nodes as asked for in ``by_nodes``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch

from benchmarks.render_baselines import render_arrays, render_tensors
from benchmarks.render_genomes import describe, drifted_genomes, grown_genomes
from evo_fool.encodings import build_encoding
from evo_fool.encodings.base import Genomes
from evo_fool.encodings.cppn.encoding import CppnEncoding
from evo_fool.encodings.rendering.gpu import render_torch
from evo_fool.encodings.rendering.reference import render_reference
from evo_fool.sections import CppnConfig

BATCH = 200

_SOME = 16
"""Genomes that a baseline draws in one call."""


def bench_render(
    *, sizes: Sequence[int] = (28, 224), nodes: Sequence[int] = (10, 30, 60), seconds: float = 1.0, seed: int = 1
) -> dict[str, Any]:
    """Measure the renderers.

    Args:
        sizes: heights of the square images.
        nodes: genome sizes (hidden and output nodes) of the tables ``by_nodes``.
        seconds: time for each single measurement.
        seed: of the genomes.

    Returns:
        JSON data. By size: ``images_per_second`` of the compiled renderer, those of the others, and ratios to the
        baselines, as :func:`measure_cpu` names them; ``genomes`` describes the batch; ``by_nodes`` has the same
        figures for larger genomes. ``gpu`` has the ``device`` and its own ``by_nodes`` as :func:`measure_device` names
        them; without a GPU the device is None, ``by_nodes`` is empty, and ``missing`` says why.
    """
    encoding = cast(CppnEncoding, build_encoding(CppnConfig(kind="cppn"), size=28, channels=1))
    elites = drifted_genomes(encoding, BATCH, nodes=(10, 14), links=(11, 20), seed=seed)
    report: dict[str, Any] = {"threads": encoding.threads, "batch": BATCH, "genomes": describe(elites)}
    rows = {str(size): measure_cpu(encoding, elites, size, seconds) for size in sizes}
    for name in next(iter(rows.values()), {}):
        report[name] = {size: row[name] for size, row in rows.items()}
    report["by_nodes"] = []
    gpu = torch.device("cuda") if torch.cuda.is_available() else None
    report["gpu"] = {"device": torch.cuda.get_device_name(gpu) if gpu else None, "by_nodes": []}
    if gpu is None:
        report["gpu"]["missing"] = "torch finds no GPU on this machine"
    for count in nodes:
        genomes = grown_genomes(BATCH, nodes=count, seed=seed)
        for size in sizes:
            row = {"nodes": count, "size": size, "genomes": describe(genomes)}
            report["by_nodes"].append(row | measure_cpu(encoding, genomes, size, seconds))
            if gpu is not None:
                measured = measure_device(encoding, genomes, size, seconds, gpu)
                report["gpu"]["by_nodes"].append(row | measured)
    return report


def measure_cpu(encoding: CppnEncoding, genomes: Genomes, size: int, seconds: float) -> dict[str, float]:
    """Images a second on the CPU.

    Args:
        encoding: grey, with normalised coordinates.
        genomes: of that encoding.
        size: height of the images in pixels.
        seconds: time for each renderer.

    Returns:
        ``images_per_second`` of the compiled renderer, ``array_per_node_...``, ``tensor_per_node_...``,
        ``neat_python_...`` and ``batched_torch_images_per_second``, and ``ratio_to_...`` each baseline.
    """
    batch = genomes[: max(2, min(len(genomes), 4_000_000 // (size * size)))]
    ours = _rate(lambda i: len(encoding.render(batch, size)), seconds)
    arrays = _rate(lambda i: len(render_arrays(_some(genomes, i), size)), seconds)
    options = encoding.render_options
    neat = _rate(
        lambda i: len(render_reference(encoding.genome_object(genomes[i % len(genomes)]), size=size, **options)[None]),
        seconds,
        least=8,
    )
    device = measure_device(encoding, genomes, size, seconds, torch.device("cpu"))
    tensors = device["tensor_per_node_images_per_second"]
    return {
        "images_per_second": round(ours, 2),
        "array_per_node_images_per_second": round(arrays, 2),
        "tensor_per_node_images_per_second": tensors,
        "neat_python_images_per_second": round(neat, 4),
        "batched_torch_images_per_second": device["batched_torch_images_per_second"],
        "ratio_to_array_per_node": round(ours / arrays, 2),
        "ratio_to_tensor_per_node": round(ours / tensors, 2),
        "ratio_to_neat_python": round(ours / neat, 1),
    }


def measure_device(
    encoding: CppnEncoding, genomes: Genomes, size: int, seconds: float, device: torch.device
) -> dict[str, float]:
    """Images a second by torch, on any device.

    Args:
        encoding, genomes, size, seconds: as for :func:`measure_cpu`.
        device: where to draw; the images stay there.

    Returns:
        ``batched_torch_images_per_second``, ``tensor_per_node_images_per_second`` and ``ratio_of_batched_to_tensor``.
    """

    def finished(images: torch.Tensor) -> int:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return len(images)

    options = encoding.render_options
    batch = genomes if device.type == "cuda" else genomes[: max(2, min(len(genomes), 1_000_000 // (size * size)))]
    batched = _rate(lambda i: finished(render_torch(batch, size=size, device=device, **options)), seconds)
    tensors = _rate(lambda i: finished(render_tensors(_some(genomes, i), size, device)), seconds)
    return {
        "batched_torch_images_per_second": round(batched, 2),
        "tensor_per_node_images_per_second": round(tensors, 2),
        "ratio_of_batched_to_tensor": round(batched / tensors, 2),
    }


def _some(genomes: Genomes, call: int) -> Genomes:
    """Other genomes in each call, so that no few decide a rate."""
    first = call * _SOME % len(genomes)
    return genomes[first : first + _SOME]


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
