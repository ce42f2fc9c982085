"""Files for printers hold every pixel, their resolution and where they come from."""

import contextlib
import io
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evo_fool.errors import ConfigError, EvoFoolError
from evo_fool.pictures.picture_file import FORMATS, write_picture


@pytest.fixture
def picture() -> Image.Image:
    """Noise in colour, so that a lossy format would show."""
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (37, 53, 3), dtype=np.uint8))


def page_of_pdf(data: bytes) -> bytes:
    """The drawing commands of the one page: the matrix of the image turns it upside down, or not."""
    for match in re.finditer(rb"stream\r?\n", data):
        with contextlib.suppress(zlib.error):
            commands = zlib.decompressobj().decompress(data[match.end() :])
            if commands.rstrip().endswith(b"Q") and b" Do" in commands:
                return commands
    raise AssertionError("no page in the PDF")


def pixels_of_pdf(data: bytes) -> np.ndarray:
    """The one image of a PDF as its page shows it: uint8 (height, width, 3)."""
    for match in re.finditer(rb"<<(.*?)>>\s*stream\r?\n", data, re.DOTALL):
        header = data[data.rfind(b"obj", 0, match.end()) : match.end()]
        if b"/Subtype /Image" not in header:
            continue
        width, height = (int(re.search(rb"/%s (\d+)" % name, header)[1]) for name in (b"Width", b"Height"))  # type: ignore[index]
        raw = zlib.decompressobj().decompress(data[match.end() :])
        # The rows have PNG's filters; pillow undoes them in a file that is nothing but this image.
        rows = b"".join(
            len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)
            for kind, body in (
                (b"IHDR", width.to_bytes(4) + height.to_bytes(4) + b"\x08\x02\x00\x00\x00"),
                (b"IDAT", zlib.compress(raw)),
                (b"IEND", b""),
            )
        )
        stored = np.asarray(Image.open(io.BytesIO(b"\x89PNG\r\n\x1a\n" + rows)))
        return stored[::-1] if b" 0 0 -" in page_of_pdf(data) else stored
    raise AssertionError("no image in the PDF")


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff"])
def test_pixels_resolution_and_origin(picture: Image.Image, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    write_picture(picture, path, dpi=254, title="ant 99 %", about="lenet · seed 1")
    with Image.open(path) as read:
        assert np.array_equal(np.asarray(read), np.asarray(picture))
        assert read.info["dpi"] == pytest.approx((254, 254), abs=0.01)
        told = read.info["Description"] if suffix == ".png" else read.tag_v2[270]
        assert told.startswith("ant 99 %") and "seed 1" in told


def test_a_pdf_is_the_same_pixels_on_a_page_of_their_size(picture: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "x.pdf"
    write_picture(picture, path, dpi=100, title="ant (99 %)", about="seed 1")
    data = path.read_bytes()
    assert data.startswith(b"%PDF")
    box = re.search(rb"/MediaBox \[ ?([\d. ]+)\]", data)
    assert box is not None
    assert [float(side) for side in box[1].split()] == pytest.approx([0, 0, 53 * 0.72, 37 * 0.72], abs=0.01)
    assert np.array_equal(pixels_of_pdf(data), np.asarray(picture))
    assert b"ant \\(99 %\\)" in data
    write_picture(picture, path, dpi=100, title="ant (99 %)", about="seed 1")
    assert path.read_bytes() == data  # no date: the same picture is the same file


def test_bad_targets_are_one_line(picture: Image.Image, tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    for name, dpi, words in (
        ("x.jpg", 300, "no format of pictures; use " + ", ".join(FORMATS)),
        ("x", 300, "no suffix"),
        ("folder.png", 300, "is a folder"),
        ("x.png", 0, "--dpi 0"),
        ("x.png", 1e6, r"--dpi 1e\+06"),
        ("x.png", float("nan"), "--dpi nan"),
    ):
        with pytest.raises(ConfigError, match=words):
            write_picture(picture, tmp_path / name, dpi=dpi, title="t")
    with pytest.raises(EvoFoolError, match="choose another place"):
        write_picture(picture, Path(__file__) / "x.png", dpi=300, title="t")
