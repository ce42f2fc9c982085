"""Individuals by id: the genome and the scored image of everything that retention keeps, elite or not.

Each function raises :class:`.NotKeptError` where retention has discarded the genome and image or the id does not
exist, and :class:`.CorruptRunError` where they are damaged.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evo_fool.errors import ConfigError
from evo_fool.image import enlarge
from evo_fool.runs.run import Run


def image_of(run: Run, individual: int) -> np.ndarray:
    """The image that was scored, uint8 ``(channels, height, width)``."""
    return run.store.image(individual)


def genome_of(run: Run, individual: int) -> Any:
    """The genome as a user's object: a ``neat.DefaultGenome``, or a float array of genes."""
    return run.encoding.genome_object(run.genomes(individual)[0])


def describe_genome(run: Run, individual: int) -> dict[str, Any]:
    """The genome as plain JSON data, see :meth:`.Encoding.describe`."""
    return run.encoding.describe(run.genomes(individual)[0])


def genome_arrays(run: Run, individual: int) -> dict[str, np.ndarray]:
    """The genome as named arrays, see :meth:`.Encoding.arrays`."""
    return run.encoding.arrays(run.genomes(individual)[0])


def picture_of(run: Run, individual: int, size: int | None, *, rerender: bool = True) -> np.ndarray:
    """The image at another size, uint8 ``(channels, height, width)``.

    Args:
        run: the run.
        individual: its id.
        size: the longer side in pixels. None, or its own size: the scored image itself.
        rerender: draw a resizable encoding from the genome at that size. Otherwise, and for pixels, each new pixel is
            the nearest of the scored image.

    Raises:
        ConfigError: a size below 1, or larger than the encoding can render.
    """
    if size is not None and size < 1:
        raise ConfigError(f"size {size}: an image is at least 1 pixel wide")
    if size is None or max(run.store.image_shape()[1:]) == size:
        return image_of(run, individual)
    if rerender and run.encoding.resizable:
        return run.encoding.render(run.genomes(individual), size)[0]
    return enlarge(image_of(run, individual), size)
