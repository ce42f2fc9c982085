"""Genes of the direct encoding -> bytes, compiled."""

from __future__ import annotations

import numpy as np

from evo_fool.encodings.numeric.jit import kernel
from evo_fool.encodings.numeric.threads import run_chunks
from evo_fool.encodings.rendering.quantise import hls_bytes_to_rgb, hsv_to_rgb, round_byte, to_byte

_PIXELS_PER_THREAD = 200_000


@kernel
def plane_rows(genes, out, first, last):  # type: ignore[no-untyped-def]
    for row in range(first, last):
        for i in range(genes.shape[1]):
            out[row, i] = np.uint8(genes[row, i] * np.float32(255.0))


@kernel
def colour_rows(genes, out, first, last, hls):  # type: ignore[no-untyped-def]
    pixels = genes.shape[1] // 3
    for row in range(first, last):
        for i in range(pixels):
            a, b = np.float64(genes[row, i]), np.float64(genes[row, pixels + i])
            c = np.float64(genes[row, 2 * pixels + i])
            if hls:
                red, green, blue = hls_bytes_to_rgb(a, b, c)
                out[row, i] = round_byte(red)
                out[row, pixels + i] = round_byte(green)
                out[row, 2 * pixels + i] = round_byte(blue)
            else:
                red, green, blue = hsv_to_rgb(a, b, c)
                out[row, i] = to_byte(red)
                out[row, pixels + i] = to_byte(green)
                out[row, 2 * pixels + i] = to_byte(blue)


def render_pixels(genes: np.ndarray, colour: str, threads: int) -> np.ndarray:
    """The bytes of float32 genes ``(n, genes)`` in [0,1], uint8 of the same shape: planes one after the other.

    Args:
        genes: one image a row.
        colour: hsv or hls for three planes that make colours; anything else: each gene is a byte of its own.
        threads: upper bound on threads; the bytes do not depend on it.
    """
    genes = np.ascontiguousarray(genes, np.float32)
    out = np.empty(genes.shape, np.uint8)

    def work(first: int, last: int) -> None:
        if colour in ("hsv", "hls"):
            colour_rows(genes, out, first, last, colour == "hls")
        else:
            plane_rows(genes, out, first, last)

    run_chunks(work, len(genes), threads, _PIXELS_PER_THREAD // max(1, genes.shape[1]) + 1)
    return out
