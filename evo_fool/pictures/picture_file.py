"""Pictures and charts as files: without loss, with resolution and origin on record."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from evo_fool.atomic_write import write_whole
from evo_fool.errors import ConfigError

FORMATS = (".png", ".pdf", ".tif", ".tiff")
"""Of pictures made of pixels."""

FIGURE_FORMATS = (".png", ".svg", ".pdf")
"""Of charts."""

MAX_DPI = 4800

_IMAGE_DESCRIPTION, _SOFTWARE = 270, 305  # TIFF tags


def check_target(path: Path, formats: tuple[str, ...], what: str) -> None:
    """Refuse a file that could not be written, before any drawing.

    Raises:
        ConfigError: another suffix than ``formats``, or a folder.
    """
    if path.suffix.lower() not in formats:
        raise ConfigError(f"{path}: {path.suffix or 'no suffix'} is no format of {what}; use {', '.join(formats)}")
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; give the name of a file")


def write_picture(picture: Image.Image, path: Path, *, dpi: float, title: str, about: str = "") -> None:
    """Write a picture whole; every pixel stays as it is.

    Args:
        picture: RGB or grey.
        path: its suffix is one of :data:`FORMATS`.
        dpi: pixels an inch, recorded in the file; a PDF's page has the size that follows.
        title: recorded in the file.
        about: a sentence on where it comes from, recorded in the file.

    Raises:
        ConfigError: another suffix, a folder, or a resolution out of range.
        EvoFoolError: the file cannot be written.
    """
    check_target(path, FORMATS, "pictures")
    if not 1 <= dpi <= MAX_DPI:
        raise ConfigError(f"--dpi {dpi:g}: give 1 to {MAX_DPI}")
    about = " · ".join(filter(None, [title, about]))
    buffer = io.BytesIO()
    match path.suffix.lower():
        case ".png":
            notes = PngInfo()
            for key, text in {"Title": title, "Description": about, "Software": "evo-fool"}.items():
                notes.add_itxt(key, text)
            picture.save(buffer, format="PNG", dpi=(dpi, dpi), pnginfo=notes)
        case ".pdf":
            _write_pdf(picture, buffer, dpi, {"Title": title, "Subject": about, "Creator": "evo-fool"})
        case _:
            tags = ImageFileDirectory_v2()
            # Text in a TIFF is ASCII.
            tags[_IMAGE_DESCRIPTION] = about.encode("ascii", "replace").decode()
            tags[_SOFTWARE] = "evo-fool"
            picture.save(buffer, format="TIFF", dpi=(dpi, dpi), compression="tiff_adobe_deflate", tiffinfo=tags)
    write_whole(path, buffer.getvalue(), "--to")


def figure_bytes(figure: Figure, kind: str = "png", dpi: float = 110) -> bytes:
    """A chart as the bytes of a file, without a date or a version, so that equal charts are equal files."""
    buffer = io.BytesIO()
    undated: dict[str, Any] = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    figure.savefig(buffer, format=kind, dpi=dpi, metadata=undated[kind])
    return buffer.getvalue()


def write_figure(figure: Figure, path: Path) -> None:
    """Write a chart; its suffix is one of :data:`FIGURE_FORMATS`, see :func:`check_target`.

    Raises:
        EvoFoolError: the file cannot be written.
    """
    write_whole(path, figure_bytes(figure, path.suffix.lower()[1:], 130), "--to")


def _write_pdf(picture: Image.Image, to: io.BytesIO, dpi: float, notes: Mapping[str, str]) -> None:
    """One page of the picture's size. Not by pillow, whose PDFs hold a JPEG."""
    figure = Figure(figsize=(picture.width / dpi, picture.height / dpi), dpi=dpi)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.imshow(np.asarray(picture.convert("RGB")), interpolation="none", aspect="auto")
    metadata = {**notes, "CreationDate": None, "Producer": None}
    figure.savefig(to, format="pdf", dpi=dpi, metadata=metadata)
