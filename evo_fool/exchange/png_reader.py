"""Finding and reading image files of unknown origin: every file is taken for a hostile one."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from evo_fool.errors import ConfigError
from evo_fool.exchange.file_names import ImageName, parse_folder_name, parse_image_name
from evo_fool.runs.store_reader import MAX_SIZE

_MAX_FILE = 256 * 1024 * 1024
_MODES = {"1", "L", "P", "RGB", "LA", "PA", "RGBA"}
"""Pillow's modes of 8 bits a channel or less; others would lose something on the way to uint8."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image that was found, and what its name claims."""

    path: Path
    name: ImageName


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was left out, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """The outcome of :func:`find_images`.

    Attributes:
        files: the images, by class, then by name.
        skipped: everything else that was there, hidden files apart.
        generation: the generation of the folder that was read, in the 2015 layout.
    """

    files: list[ImageFile]
    skipped: list[Skipped]
    generation: int | None


class UnusableImageError(Exception):
    """Why one image cannot be used; the import goes on without it."""


def find_images(folder: Path, generation: int | None = None) -> Found:
    """The images of a folder: of its highest (or the given) ``map_gen_<g>``, or else those right in it.

    Raises:
        ConfigError: no such folder, no such generation, or not one image in it.
    """
    entries = _entries(folder)
    generations = {
        g: Path(entry.path)
        for entry in entries
        if (g := parse_folder_name(entry.name)) is not None and entry.is_dir(follow_symlinks=False)
    }
    chosen = generation
    if generations:
        chosen = max(generations) if generation is None else generation
        if chosen not in generations:
            there = f"{min(generations)} to {max(generations)}" if len(generations) > 1 else f"{max(generations)}"
            raise ConfigError(f"--generation {chosen}: {folder} has no map_gen_{chosen}; it has {there}")
        folder = generations[chosen]
        entries = _entries(folder)
    else:
        chosen = parse_folder_name(folder.resolve().name)
        if generation not in (None, chosen):
            raise ConfigError(f"--generation {generation}: {folder} has no map_gen_{generation}")
    files, skipped = [], []
    for entry in entries:
        path = Path(entry.path)
        name = parse_image_name(entry.name)
        if entry.name.startswith(".") or entry.is_dir(follow_symlinks=False):
            continue
        if name is None:
            skipped.append(Skipped(path, "its name is not <class>_<probability>.png"))
        elif not entry.is_file(follow_symlinks=False):
            skipped.append(Skipped(path, "it is a link or no file; links are not followed"))
        else:
            files.append(ImageFile(path, name))
    if not files:
        raise ConfigError(f"{folder}: no image named <class>_<probability>.png; see evo-fool export for the layouts")
    return Found(sorted(files, key=lambda file: (file.name.class_index, file.path.name)), skipped, chosen)


def read_image(path: Path, channels: int) -> np.ndarray:
    """A PNG as uint8 ``(channels, height, width)``, converted to grey or RGB.

    Raises:
        UnusableImageError: not a PNG, damaged, too large, more than 8 bits a channel, or transparent.
    """
    try:
        with _regular_file(path) as file, warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)
            with Image.open(file, formats=["PNG"]) as image:
                return _pixels(image, channels)
    except UnusableImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnusableImageError(f"larger than {MAX_SIZE}x{MAX_SIZE} pixels") from None
    except OSError as error:
        raise UnusableImageError(error.strerror or "not a PNG, or a damaged one") from None
    except MemoryError:
        raise
    except Exception as error:  # on damaged data a decoder can raise anything
        raise UnusableImageError(f"not a PNG, or a damaged one ({type(error).__name__})") from None


def _pixels(image: Image.Image, channels: int) -> np.ndarray:
    if max(image.size) > MAX_SIZE:  # before anything is decompressed
        raise UnusableImageError(f"{image.width}x{image.height} pixels, the limit is {MAX_SIZE}x{MAX_SIZE}")
    if image.mode not in _MODES:
        raise UnusableImageError(f"more than 8 bits a channel (mode {image.mode}); save it with 8")
    if image.has_transparency_data and np.asarray(image.convert("RGBA"))[..., 3].min() < 255:
        raise UnusableImageError("transparent, so that its colours depend on what is behind; save it without")
    plain = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    return plain[None] if channels == 1 else np.ascontiguousarray(plain.transpose(2, 0, 1))


@contextmanager
def _regular_file(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file: no link is followed, no pipe waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnusableImageError("not a file")
        if status.st_size > _MAX_FILE:
            raise UnusableImageError(f"a file of {status.st_size // 2**20} MB")
        yield file


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror}; give the folder that the images are in") from None
