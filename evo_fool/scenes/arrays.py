"""Arrays of an npz file that anyone may have written: nothing is unpickled, and its size is known before it is read."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from evo_fool.errors import ConfigError


def npz_arrays(path: Path, names: Iterable[str], *, most: int, remedy: str) -> dict[str, np.ndarray]:
    """Those of the named arrays that the file holds.

    Args:
        path: an npz file.
        names: which to read.
        most: bytes that the file may unpack to.
        remedy: ends the message where it cannot be read.

    Raises:
        ConfigError: no such file, not a regular one, damaged, too large, or with Python objects.
    """
    try:
        if path.exists() and not path.is_file():  # a FIFO would be waited for
            raise ConfigError(f"{path}: no regular file; {remedy}")
        with zipfile.ZipFile(path) as members:
            size = sum(member.file_size for member in members.infolist())
        if size > most:
            raise ConfigError(f"{path}: unpacks to {size / 1e9:.1f} GB; at most {most / 1e9:.1f} are read")
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in names if name in arrays}
        if not all(isinstance(array, np.ndarray) for array in found.values()):  # bytes, for what is no .npy
            raise ValueError
        return found
    except ConfigError:
        raise
    except Exception as error:  # zip, zlib, numpy, the tokenizer of its headers and the file system each have their own
        reason = getattr(error, "strerror", None) or "not an npz file of plain arrays"
        raise ConfigError(f"{path}: {reason}; {remedy}") from None
