"""Films as files: GIF and WebP by pillow, mp4 by PyAV, which is optional.

Not by imageio: for GIF and WebP it calls pillow without a common palette, which makes a GIF of a run several times
larger, and its mp4 takes no quality, colour space or early index.
"""

from __future__ import annotations

import io
import itertools
import math
import tempfile
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from evo_fool.atomic_write import write_whole
from evo_fool.errors import ConfigError, EvoFoolError
from evo_fool.pictures.picture_file import check_target
from evo_fool.pictures.style import PAPER
from evo_fool.sampling import evenly

FORMATS = (".gif", ".mp4", ".webp")

MAX_FPS = 50.0
"""Frames a second; a GIF counts in hundredths, and viewers slow down what is faster."""

MAX_MEMORY_PIXELS = 500_000_000
"""In all frames of a GIF or WebP, which is put together in memory."""

HOLD = 1.0
"""Seconds that the last frame stays before the film begins again."""

_SAMPLES = 6
"""Frames that a common palette is made from."""

_BT709, _STUDIO = 1, 1
"""The colours of screens, and brightness from 16 to 235, as H.264 numbers them: what players expect."""


def check_movie(path: Path, size: tuple[int, int], frames: int, fps: float) -> None:
    """Refuse a film that could not be written, before its frames are drawn.

    Raises:
        ConfigError: another suffix than :data:`FORMATS`, a folder, or a rate or size out of range.
        EvoFoolError: an mp4 without PyAV.
    """
    check_target(path, FORMATS, "films")
    if not 0.1 <= fps <= MAX_FPS:
        raise ConfigError(f"--fps {fps:g}: give 0.1 to {MAX_FPS:g} frames a second")
    if path.suffix.lower() == ".mp4":
        try:
            import av  # noqa: F401
        except ImportError:
            raise EvoFoolError(
                f"{path}: mp4 needs PyAV, which is not installed; run: pip install 'evo-fool[video]', "
                "or write a .webp or .gif"
            ) from None
    elif frames * math.prod(size) > MAX_MEMORY_PIXELS:
        raise ConfigError(
            f"{path}: {frames} frames of {size[0]}x{size[1]} pixels are too much for a {path.suffix}; "
            "choose fewer --frames, a smaller --tile, or an .mp4"
        )


def write_movie(frames: Iterable[Image.Image], path: Path, *, fps: float, one_palette: bool = False) -> None:
    """Write a film that loops; the last frame stays for :data:`HOLD` seconds.

    Args:
        frames: at least one, RGB, all of one size that :func:`check_movie` accepts; a new object each.
        path: its suffix is one of :data:`FORMATS`. WebP is lossless; a GIF has 255 colours a frame; an mp4 is H.264
            with an even width and height, which every player supports.
        fps: frames a second.
        one_palette: choose a GIF's colours once for all frames. What stays the same is then stored once: a film whose
            frames each change a part is several times smaller.

    Raises:
        EvoFoolError: the file cannot be written, or PyAV is not there or has no H.264.
    """
    match path.suffix.lower():
        case ".gif":
            data = _gif(list(frames), fps, one_palette)
        case ".webp":
            data = _webp(list(frames), fps)
        case _:
            data = _mp4(frames, fps)
    write_whole(path, data, "--to")


def _durations(frames: int, fps: float, unit: int) -> list[int]:
    """Milliseconds of each frame in multiples of ``unit``; the next frame makes up for what one is rounded by."""
    return (unit * np.diff(np.round(np.arange(frames + 1) * 1000 / fps / unit))).astype(int).tolist()


def _gif(frames: list[Image.Image], fps: float, one_palette: bool) -> bytes:
    # One place is left: pillow makes it the transparent colour, and draws with it what did not change.
    colours = 255
    palette = None
    if one_palette:
        some = [np.asarray(frames[i]) for i in evenly(len(frames), _SAMPLES)]
        palette = Image.fromarray(np.concatenate(some)).quantize(colours, dither=Image.Dither.NONE)
    drawn = [frame.quantize(colours, palette=palette, dither=Image.Dither.NONE) for frame in frames]
    return _animated(drawn, "GIF", fps, unit=10, disposal=1)


def _webp(frames: list[Image.Image], fps: float) -> bytes:
    # Without keyframes, which are for seeking. More effort than method 2 gains nothing.
    return _animated(frames, "WEBP", fps, unit=1, lossless=True, quality=40, method=2, kmin=0, kmax=0)


def _animated(frames: list[Image.Image], kind: str, fps: float, *, unit: int, **options: object) -> bytes:
    durations = _durations(len(frames), fps, unit)
    durations[-1] += round(1000 * HOLD)
    buffer = io.BytesIO()
    frames[0].save(buffer, format=kind, save_all=True, append_images=frames[1:], duration=durations, loop=0, **options)
    return buffer.getvalue()


def _mp4(frames: Iterable[Image.Image], fps: float) -> bytes:
    import av

    # H.264 wants an even width and height.
    even = (ImageOps.expand(frame, (0, 0, frame.width % 2, frame.height % 2), PAPER) for frame in frames)
    first = next(even)
    with tempfile.TemporaryDirectory(prefix="evo-fool-") as folder:
        path = Path(folder, "film.mp4")
        try:
            # Faststart: a browser can begin before it has everything.
            with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
                rate = Fraction(fps).limit_denominator(1000)
                stream = container.add_stream("libx264", rate=rate, options={"crf": "16", "preset": "medium"})
                stream.width, stream.height = first.size
                stream.pix_fmt = "yuv420p"
                stream.colorspace = stream.color_primaries = stream.color_trc = _BT709
                stream.color_range = _STUDIO

                def encode(frame: Image.Image) -> None:
                    picture = av.VideoFrame.from_ndarray(np.asarray(frame), format="rgb24")
                    picture = picture.reformat(format="yuv420p", dst_colorspace=_BT709, dst_color_range=_STUDIO)
                    container.mux(stream.encode(picture))

                for last in itertools.chain([first], even):
                    encode(last)
                for _ in range(round(HOLD * fps)):
                    encode(last)
                container.mux(stream.encode(None))
        except (av.FFmpegError, av.codec.codec.UnknownCodecError) as error:
            raise EvoFoolError(f"PyAV cannot write an mp4 ({error}); write a .webp or .gif") from None
        return path.read_bytes()
