"""Individuals by their ids: the genome and the scored image of anyone whom retention has kept, elite or not."""

from __future__ import annotations

from typing import Any

import numpy as np

from evo_fool.errors import ConfigError, CorruptRunError, GenomeError, NotKeptError
from evo_fool.image import enlarge
from evo_fool.runs.packed_image import unpack_image
from evo_fool.runs.run import Run


def image_of(run: Run, individual: int) -> np.ndarray:
    """The image that was scored, uint8 ``(channels, height, width)``.

    Raises:
        NotKeptError: it is not there.
        CorruptRunError: it is damaged.
    """
    return unpack_image(_blob(run, individual, "image"), run.store.image_shape())


def genome_of(run: Run, individual: int) -> Any:
    """The genome as a user's object: a ``neat.DefaultGenome``, or a float array of genes.

    Raises:
        NotKeptError: it is not there.
        CorruptRunError: it is damaged.
    """
    return run.encoding.genome_object(_genomes(run, individual)[0])


def describe_genome(run: Run, individual: int) -> dict[str, Any]:
    """The genome as plain JSON data, see :meth:`.Encoding.describe`.

    Raises:
        NotKeptError: it is not there.
        CorruptRunError: it is damaged.
    """
    return run.encoding.describe(_genomes(run, individual)[0])


def genome_arrays(run: Run, individual: int) -> dict[str, np.ndarray]:
    """The genome as named arrays, see :meth:`.Encoding.arrays`.

    Raises:
        NotKeptError: it is not there.
        CorruptRunError: it is damaged.
    """
    return run.encoding.arrays(_genomes(run, individual)[0])


def picture_of(run: Run, individual: int, size: int, *, rerender: bool = True) -> np.ndarray:
    """The image at another size, uint8 ``(channels, height, width)``.

    Args:
        run: the run.
        individual: its id.
        size: the longer side in pixels.
        rerender: draw it from its genome at that size where the encoding can. Otherwise the scored image is enlarged
            or thinned out to the nearest pixel; at its own size it is always the scored image itself.

    Raises:
        NotKeptError: it is not there.
        ConfigError: a size below 1, or larger than the encoding can render.
        CorruptRunError: it is damaged.
    """
    if size < 1:
        raise ConfigError(f"size {size}: an image is at least 1 pixel wide")
    if rerender and run.encoding.resizable and max(run.store.image_shape()[1:]) != size:
        return run.encoding.render(_genomes(run, individual), size)[0]
    stored = image_of(run, individual)
    return stored if max(stored.shape[1:]) == size else enlarge(stored, size)


def _genomes(run: Run, individual: int) -> np.ndarray:
    try:
        return run.encoding.decode(_blob(run, individual, "genome"))
    except GenomeError as error:
        raise CorruptRunError(f"{run.path}: individual {individual}: {error}") from None


def _blob(run: Run, individual: int, column: str) -> bytes:
    known = 0 <= individual < 2**63  # what SQLite can look for
    rows = run.store.rows(f"SELECT {column} FROM blobs WHERE id = ?", (individual,)) if known else []
    if not rows:
        raise NotKeptError(f"{run.path}: the {column} of individual {individual} is not kept; see retention.keep")
    if not isinstance(rows[0][0], bytes):
        raise CorruptRunError(f"{run.path}: the {column} of individual {individual} is damaged")
    return rows[0][0]
